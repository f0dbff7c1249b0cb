# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# AIOClone against File in threads, and the async gem if it is there, in one run: their rounds alternate, each has 64
# requests outstanding.
# Usage: ruby bench.rb [--rounds N] [--files N] [--dir EXISTING_DIRECTORY] [--c PATH_OF_aioclone-bench]
#    or: cmake --build build/release --target bench-ruby
# Prints medians of operations a second and of the process's CPU time an operation. Fails below twice the threads'
# operations, and with --c, which measures the same in C, above 0.8 us more CPU than that.
require "aioclone"
require "json"
require "optparse"
require "tmpdir"
begin
  require "async"
rescue LoadError
  warn "without async (apt install ruby-async)"
end

DEPTH = 64
options = { rounds: 9, files: 20_000, dir: Dir.tmpdir }
OptionParser.new do |parser|
  parser.on("--rounds N", Integer) { |n| options[:rounds] = n }
  parser.on("--files N", Integer) { |n| options[:files] = n }
  parser.on("--dir DIRECTORY") { |dir| options[:dir] = dir }
  parser.on("--c PROGRAM") { |program| options[:c] = program }
end.parse!

# What is measured: files, and each operation in each form.
class Work
  SIZE = 1000
  PAGES = 256

  attr_reader :paths

  def initialize(directory, files)
    @paths = Array.new(files) { |i| File.join(directory, i.to_s) }
    @paths.each { |path| File.binwrite(path, "x" * SIZE) }
    cached = File.join(directory, "cached")
    File.binwrite(cached, "y" * (4096 * PAGES))
    @cached = File.open(cached)
    @fd = @cached.fileno
    @context = AIOClone::Context.new
  end

  # With blocks: starts the i-th; done is called when it has completed.
  def stat_block(i, done)
    @context.stat(@paths[i], &done)
  end

  def read_block(i, done)
    @context.read(@fd, 4096, i * 7 % PAGES * 4096, &done)
  end

  def small_block(i, done)
    @context.load(@paths[i], &done)
  end

  # Waiting, in a fiber.
  def stat_wait(i)
    AIOClone.stat(@paths[i])
  end

  def read_wait(i)
    AIOClone.read(@fd, 4096, i * 7 % PAGES * 4096)
  end

  def small_wait(i)
    AIOClone.load(@paths[i])
  end

  # Ruby's own.
  def stat_ruby(i)
    File.stat(@paths[i])
  end

  def read_ruby(i)
    @cached.pread(4096, i * 7 % PAGES * 4096)
  end

  def small_ruby(i)
    File.open(@paths[i], "rb") { |file| file.sysread(SIZE) }
  end

  # DEPTH at a time.
  def blocks(name, count)
    start = method("#{name}_block")
    begun = 0
    done = lambda do |_value, error|
      raise error if error

      if begun < count
        begun += 1
        start.call(begun - 1, done)
      end
    end
    DEPTH.times { done.call(nil, nil) }
    @context.run
  end

  # The usual pool: a queue.
  def threads(operation, count)
    work = method(operation)
    queue = Thread::Queue.new((0...count).to_a).close
    Array.new(DEPTH) { Thread.new { while (i = queue.pop); work.call(i); end } }.each(&:join)
  end

  def tasks(operation, count)
    work = method(operation)
    Async do |task|
      DEPTH.times { |first| task.async { first.step(count - 1, DEPTH) { |i| work.call(i) } } }
    end
  end
end

def cpu
  Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
end

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC)
end

def median(values)
  values.sort[values.size / 2]
end

# CPU nanoseconds of one operation in C, with contexts that any thread may use.
def in_c(program, workload)
  Dir.mktmpdir do |directory|
    json = File.join(directory, "json")
    system(program, "--workload", workload, "--depth", DEPTH.to_s, "--subjects", "aioclone-shared", "--rounds", "5",
           "--seconds", "0.3", "--json", json, out: File::NULL, exception: true)
    text = File.read(json)
    record = text.lines.map { |line| JSON.parse(line.chomp.delete_suffix(",")) rescue nil }
                 .grep(Hash).find { |found| found["subject"] } || [JSON.parse(text)].flatten.first
    record.fetch("cpu_ns_per_op")
  end
end

directory = Dir.mktmpdir("aioclone-bench", options[:dir])
at_exit { FileUtils.rm_rf(directory) }
work = Work.new(directory, options[:files])
count = options[:files]
missed = []
puts "#{DEPTH} outstanding, #{count} operations a round, medians of #{options[:rounds]} rounds"
[["stat", "stat", "stat"], ["cached 4 KiB read", "read", "read-cached"], ["all of a small file", "small", nil]]
  .each do |title, name, workload|
  subjects = { "AIOClone, blocks" => -> { work.blocks(name, count) },
               "File in threads" => -> { work.threads("#{name}_ruby", count) } }
  if defined?(Async)
    subjects["AIOClone in async"] = -> { work.tasks("#{name}_wait", count) }
    subjects["File in async"] = -> { work.tasks("#{name}_ruby", count) }
  end
  rates = Hash.new { |hash, key| hash[key] = [] }
  costs = Hash.new { |hash, key| hash[key] = [] }
  subjects.each_value(&:call) # warms up
  options[:rounds].times do
    subjects.to_a.shuffle.each do |subject, run|
      GC.start
      cpu_before = cpu
      before = now
      run.call
      rates[subject] << count / (now - before)
      costs[subject] << (cpu - cpu_before) / count * 1e9
    end
  end
  puts "\n#{title}"
  subjects.each_key do |subject|
    printf "  %-18s %9.0f op/s  (%.0f to %.0f)  %7.0f ns CPU\n", subject, median(rates[subject]), rates[subject].min,
           rates[subject].max, median(costs[subject])
  end
  ratio = median(rates["AIOClone, blocks"]) / median(rates["File in threads"])
  printf "  %.2f times File in threads\n", ratio
  missed << "#{title}: #{ratio.round(2)} times threads, not 2" if ratio < 2
  if defined?(Async)
    printf "  %.2f times in async\n", median(rates["AIOClone in async"]) / median(rates["File in async"])
  end
  next unless options[:c] && workload

  more = median(costs["AIOClone, blocks"]) - in_c(options[:c], workload)
  printf "  %.0f ns CPU more than in C\n", more
  missed << "#{title}: #{more.round} ns above C, not 800" if more > 800
end
puts "", missed
exit missed.empty?
