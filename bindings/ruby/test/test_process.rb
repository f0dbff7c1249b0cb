# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# fork, the program's end, changed rights.
require_relative "support/support"
require_relative "support/scheduler"

class TestProcess < AIOCloneTest
  def setup
    @path = file_with("0123456789")
  end

  def test_a_child_has_its_own_requests
    got = []
    50.times { AIOClone.stat(@path) { got << Process.pid } }
    string = +"x" * 50
    io = ::File.open(@path)
    AIOClone.read(io, string, 0) { got << Process.pid }
    request = AIOClone.start.stat(@path)
    child = in_child do
      mine = []
      raise "outstanding" unless AIOClone.context.outstanding.zero?

      20.times { AIOClone.stat(@path) { |stat, _| mine << stat.size } }
      string << "y" # unlocked
      AIOClone.run
      cancelled = begin
        request.value
      rescue Errno::ECANCELED
        true
      end
      mine == [10] * 20 && got.empty? && cancelled == true && AIOClone.stat(@path).size == 10
    end
    assert child
    AIOClone.run
    assert_equal [Process.pid] * 51, got
    assert_equal 10, request.value.size
    assert in_child { in_child { AIOClone.stat(@path).size == 10 } }, "a grandchild"
    io.close
  end

  def test_the_descriptor_of_a_child
    AIOClone::Context.with do |context|
      number = context.fileno
      context.stat(@path) {}
      assert(in_child do
        context.fileno == number && context.poll.zero? && !IO.select([context], nil, nil, 0) &&
          context.stat(@path) {} && IO.select([context], nil, nil, 10) && context.poll == 1 &&
          !IO.select([context], nil, nil, 0)
      end)
      assert IO.select([context], nil, nil, 10)
      assert_equal 1, context.poll
    end
  end

  def test_a_block_forks
    AIOClone::Context.with do |context|
      got = []
      child = nil
      5.times { context.nop { got << Process.pid } }
      context.nop do
        child = fork { Process.exit!(context.stat(@path).size == 10 && context.poll.zero? && got.size == 5 ? 0 : 1) }
      end
      5.times { context.nop { got << Process.pid } }
      context.run
      assert_equal [Process.pid] * 10, got
      assert Process.wait2(child)[1].success?
    end
  end

  # The child of a block goes on as a program, out of poll.
  def test_a_child_leaves_poll
    output, status = output_of(<<~RUBY, @path)
      AIOClone.nop { $child = fork }
      3.times { AIOClone.nop { puts "called" } }
      AIOClone.run
      AIOClone.stat(ARGV[0]) { |stat, _| puts stat.size }
      AIOClone.run
      Process.wait($child) if $child
    RUBY
    assert_equal({ "called" => 3, "10" => 2 }, output.split.tally)
    assert status.success?
  end

  def test_fork_under_a_scheduler
    path = fifo
    ok = TestScheduler.run do
      opener = Fiber.schedule { AIOClone.open(path).close }
      ok = in_child { AIOClone.stat(@path).size == 10 }
      open_writer(path)
      sleep 0.01 while opener.alive?
      ok
    end
    assert ok
  end

  def test_a_waiting_thread_is_not_in_the_child
    AIOClone::Context.with do |context|
      path = fifo
      thread = Thread.new { context.open(path).close }
      eventually { thread.stop? }
      assert(in_child { context.stat(@path).size == 10 && context.destroy.nil? })
      open_writer(path)
      thread.join
      assert_equal 10, context.stat(@path).size
    end
  end

  # Nothing is waited for, nothing hangs.
  def test_the_end_with_outstanding_requests
    code = <<~RUBY
      context = AIOClone::Context.new
      string = "x" * 100
      File.open(ARGV[1]) { |io| context.read(io, string, 0) {} }
      200.times { context.stat(ARGV[1]) { puts "called" } }
      AIOClone.start.open(ARGV[0])
      context.open(ARGV[0]) { puts "called" }
      Thread.new { AIOClone.open(ARGV[0]) }
      sleep 0.1
    RUBY
    ["", "exit 7", "raise 'error'", "exit!", "exec 'true'", "at_exit { AIOClone.stat('/') }", "abort"].each do |ending|
      output, status = output_of(code + ending, fifo, @path)
      refute_match(/called|BUG|Segmentation/, output, ending)
      assert status.exited?, "#{ending}: #{status}"
      refute_equal 124, status.exitstatus, "#{ending} hangs"
      assert_equal 7, status.exitstatus if ending == "exit 7"
    end
  end

  def test_a_program_that_runs_its_requests_at_the_end
    output, = output_of('at_exit { AIOClone.run }; AIOClone.stat("/") { puts "called" }')
    assert_equal "called\n", output
  end

  def test_setuid
    skip "needs root" unless Process.uid.zero?
    secret = file_with("secret")
    ::File.chmod(0o600, secret)
    ::File.chmod(0o755, directory)
    output, status = output_of(<<~RUBY, secret)
      %i[auto workers].each do |engine|
        context = AIOClone::Context.new(engine: engine)
        ($contexts ||= []) << context
        context.open(ARGV[0]).close
      end
      Process::Sys.setgid(65534)
      Process::Sys.setuid(65534)
      $contexts.each do |context|
        begin
          context.open(ARGV[0])
          puts "opened"
        rescue Errno::EACCES
          puts "refused"
        end
      end
    RUBY
    assert_equal "refused\nrefused\n", output
    assert status.success?
  end
end
