# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# What the tests share. One that hangs is ended by its alarm.
require "minitest/autorun"
require "open3"
require "tmpdir"
require "rbconfig"
require "aioclone"

Thread.report_on_exception = false

module Support
  ALARM = Integer(ENV.fetch("AIOC_ALARM", 150))
  COUNTER = [0].then { |count| -> { count[0] += 1 } }
  DIRECTORY = Dir.mktmpdir("aioclone")
  owner = Process.pid
  Minitest.after_run { FileUtils.rm_rf(DIRECTORY) if Process.pid == owner }
  Thread.new do # not of a child
    sleep ALARM
    warn "hangs: #{Thread.list.map { |t| (t.backtrace || []).first(6).join("\n  ") }.join("\n")}"
    Process.kill(:KILL, Process.pid)
  end

  def directory
    DIRECTORY
  end

  def new_path(name = "file")
    ::File.join(directory, "#{name}#{COUNTER.call}")
  end

  def file_with(data, name = "file")
    path = new_path(name)
    ::File.binwrite(path, data)
    path
  end

  # Its open waits until somebody opens the other end.
  def fifo
    path = new_path("fifo")
    ::File.mkfifo(path)
    path
  end

  # Lets the opens of a fifo go on, when there is one (up to 20 s). Stays open until the test ends: a reader may look at
  # the file first without waiting, and would then wait for the next writer.
  def open_writer(path)
    2000.times do
      writer = ::File.open(path, ::File::WRONLY | ::File::NONBLOCK)
      (@writers ||= []) << writer
      return writer
    rescue Errno::ENXIO
      sleep 0.01
    end
    flunk "nobody opens #{path}"
  end

  # The same, whether there are opens or not.
  def release(path)
    (@writers ||= []) << ::File.open(path, ::File::RDWR | ::File::NONBLOCK)
  end

  def after_teardown
    super
    @writers&.each(&:close)
    @writers = nil
  end

  # Up to 20 s.
  def eventually(what = "it happens")
    2000.times do
      return assert(true) if yield

      sleep 0.01
    end
    flunk "never: #{what}"
  end

  def descriptors
    Dir.children("/proc/self/fd").size
  end

  # kB of memory of its own
  def memory
    ::File.read("/proc/self/smaps_rollup")[/^Private_Dirty: *(\d+)/, 1].to_i
  end

  # Runs Ruby code in a new process: its output (with errors) and Process::Status.
  def output_of(code, *arguments)
    libraries = $LOAD_PATH.map { |path| "-I#{path}" }
    Open3.capture2e("timeout", "60", RbConfig.ruby, *libraries, "-W0", "-e", "require 'aioclone'; $stdout.sync = true\n#{code}",
                    *arguments)
  end

  # True if the block's value is, in a child that then ends.
  def in_child
    pid = fork do
      value = begin
        yield
      rescue Exception => e # rubocop:disable Lint/RescueException
        warn "in the child: #{e.full_message}"
        false
      end
      Process.exit!(value ? 0 : 1)
    end
    status = nil
    4000.times do
      _, status = Process.wait2(pid, Process::WNOHANG)
      break if status

      sleep 0.01
    end
    unless status
      Process.kill(:KILL, pid)
      Process.wait(pid)
    end
    status&.success?
  end

  # Something that only CI must have.
  def need(what)
    require what
  rescue LoadError
    ENV["AIOC_CI"] ? flunk("#{what} is missing") : skip("#{what} is missing")
  end
end

class AIOCloneTest < Minitest::Test
  include Support
end
