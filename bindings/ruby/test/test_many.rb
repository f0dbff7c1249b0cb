# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Many requests at a time, and many one after the other.
require "digest"
require "find"
require_relative "support/support"
require_relative "support/scheduler"

class TestMany < AIOCloneTest
  def test_10000_stats_at_a_time
    path = file_with("0123456789")
    AIOClone::Context.with do |context|
      sum = 0
      10_000.times { context.stat(path) { |stat, _| sum += stat.size } }
      context.run
      assert_equal 100_000, sum
      requests = Array.new(10_000) { context.start.stat(path) }
      assert_equal [10], requests.map { |request| request.value.size }.uniq
      assert_equal 0, context.outstanding
    end
  end

  def test_10000_fibers_and_workers
    path = file_with("0123456789")
    AIOClone::Context.with(engine: :workers) do |context|
      sum = TestScheduler.run do
        sum = 0
        10_000.times { Fiber.schedule { context.stat(path).size.then { |size| sum += size } } }
        sleep 0.01 while sum < 100_000
        sum
      end
      assert_equal 100_000, sum
    end
  end

  # Nothing grows: memory, descriptors, Ruby objects.
  def grows_by(rounds)
    measure = lambda do
      3.times { GC.start }
      [memory, descriptors, ObjectSpace.count_objects.then { |count| count[:TOTAL] - count[:FREE] }]
    end
    2.times { yield rounds / 10 }
    before = measure.call
    yield rounds
    before.zip(measure.call).map { |old, new| new - old }
  end

  def assert_flat(grown)
    assert_operator grown[0], :<, 6000, "kB of memory"
    assert_operator grown[1], :<=, 0, "descriptors"
    assert_operator grown[2], :<, 3000, "objects"
  end

  def test_100000_requests_with_blocks
    path = file_with("0123456789")
    AIOClone::Context.with do |context|
      io = ::File.open(path)
      assert_flat(grows_by(100_000) do |count|
        left = count
        again = lambda do |_value, _error|
          left -= 1
          next if left.negative?

          case left % 5
          when 0 then context.stat(path, &again)
          when 1 then context.read(io, 100, 0, &again)
          when 2 then context.stat("/nonexistent", &again)
          when 3 then context.write(1_000_000, "x" * 100, 0, &again)
          when 4 then context.nop(&again)
          end
        end
        64.times { again.call(nil, nil) }
        context.run
      end)
      io.close
    end
  end

  def test_100000_requests_that_wait
    path = file_with("0123456789")
    buffer = +"x" * 10
    assert_flat(grows_by(100_000) do |count|
      (count / 5).times do
        AIOClone.open(path) do |file|
          file.fstat
          file.pread(10, 0, buffer)
          AIOClone.start.nop.value
        end
      end
    end)
  end

  def test_threads_and_interrupted_waits
    path = fifo
    AIOClone::Context.with(engine: :workers, max_workers: 2) do |context|
      2.times { context.open(path) { |file, _| file&.close } }
      assert_flat(grows_by(2000) do |count|
        count.times do
          thread = Thread.new { context.nop }
          Thread.pass until thread.stop?
          thread.kill.join
        end
      end)
    ensure
      release(path)
      context.run
    end
  end

  # As this language's own functions see it.
  def test_a_tree
    root = RbConfig::CONFIG["rubylibdir"]
    paths = Find.find(root).sort
    own = paths.each_with_object(Digest::SHA256.new) do |path, sum|
      stat = ::File.lstat(path)
      sum << path << stat.size.to_s << stat.mode.to_s << stat.mtime.nsec.to_s
      sum << ::File.binread(path) if stat.file?
    end
    ours = Digest::SHA256.new
    found = walk(root).sort
    assert_equal paths, found
    stats = AIOClone.map(found) { |start, path| start.lstat(path) }
    found.zip(stats).each_slice(100) do |slice|
      files = slice.select { |_, stat| stat.file? }
      opened = AIOClone.map(files) { |start, (path, _)| start.open(path) }
      data = AIOClone.map(files.zip(opened)) { |start, ((_, stat), file)| start.read(file, stat.size + 1, 0) }
      AIOClone.map(opened) { |start, file| start.close(file) }
      content = files.map(&:first).zip(data).to_h
      slice.each do |path, stat|
        ours << path << stat.size.to_s << stat.mode.to_s << stat.mtime.nsec.to_s
        ours << content[path] if stat.file?
      end
    end
    assert_equal own.hexdigest, ours.hexdigest
  end

  def walk(root)
    found = [root]
    level = [root]
    until level.empty?
      listed = AIOClone.map(level) { |start, path| start.readdir(path) }
      entries = level.zip(listed).flat_map do |parent, directory|
        directory.map { |name, type, _| [::File.join(parent, name), type] }
      end
      found.concat(entries.map(&:first))
      level = entries.select { |path, type| type == "directory" || (type.nil? && AIOClone.lstat(path).directory?) }
                     .map(&:first)
    end
    found
  end
end
