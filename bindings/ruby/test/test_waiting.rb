# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Without a scheduler: the thread waits, others run, and the wait can be interrupted.
require_relative "support/support"
require "timeout"

class TestWaiting < AIOCloneTest
  def test_other_threads_run_meanwhile
    path = fifo
    opener = Thread.new { AIOClone.open(path, "r") }
    writer = open_writer(path) # would find nobody if the lock were held
    file = opener.value
    writer.syswrite("text")
    assert_equal "text", ::File.open("/dev/fd/#{file.fileno}").readpartial(10)
  ensure
    file&.close
  end

  def test_timers_run_meanwhile
    path = fifo
    assert_raises(Timeout::Error) { Timeout.timeout(0.05) { AIOClone.open(path) } }
    release(path)
    eventually { AIOClone.nop && AIOClone.context.outstanding.zero? }
  end

  def test_kill_ends_the_wait
    path = fifo
    thread = Thread.new { AIOClone.open(path) }
    eventually { thread.stop? }
    thread.kill
    assert thread.join(20), "it ended"
    release(path)
  end

  def test_raise_ends_the_wait_and_the_descriptor_is_closed
    path = fifo
    context = AIOClone::Context.new
    before = nil
    thread = Thread.new { context.open(path) }
    eventually { thread.stop? }
    before = descriptors
    thread.raise(IOError, "from outside")
    assert_equal "from outside", assert_raises(IOError) { thread.value }.message
    release(path)
    eventually { context.nop && context.outstanding.zero? }
    GC.start
    assert_operator descriptors, :<=, before, "what the open obtained is closed"
  ensure
    context&.destroy
  end

  def test_interrupt
    path = fifo
    output, status = output_of(<<~RUBY, path)
      Thread.new { sleep 0.2; Process.kill(:INT, Process.pid) }
      begin
        AIOClone.open(ARGV[0])
      rescue Interrupt
        puts "interrupted"
        p AIOClone.stat("/").directory?
      end
    RUBY
    assert_equal "interrupted\ntrue\n", output
    assert status.success?
  end

  def test_signal_handlers_run_during_a_wait
    path = fifo
    output, = output_of(<<~RUBY, path)
      trap(:USR1) { puts "handled"; $writer = File.open(ARGV[0], File::WRONLY | File::NONBLOCK) }
      Thread.new { sleep 0.2; Process.kill(:USR1, Process.pid) }
      AIOClone.open(ARGV[0])
      puts "opened"
    RUBY
    assert_equal "handled\nopened\n", output
  end

  def test_signal_handlers_wait_themselves_during_a_wait
    path = fifo
    output, = output_of(<<~RUBY, path)
      context = AIOClone::Context.new(engine: :workers)
      trap(:USR1) do
        puts context.stat("/").directory?
        $writer = File.open(ARGV[0], File::WRONLY | File::NONBLOCK)
      end
      Thread.new { sleep 0.2; Process.kill(:USR1, Process.pid) }
      context.open(ARGV[0])
      puts "opened"
    RUBY
    assert_equal "true\nopened\n", output
  end

  # A thread waits for a block while another one destroys the context.
  def test_destroy_while_another_thread_waits
    20.times do
      context = AIOClone::Context.new(engine: :workers)
      context.open(path = fifo) { |file, _| file && IO.for_fd(file.detach).close }
      waiter = Thread.new do
        context.poll while context.wait
      rescue IOError
        # destroyed between the two
      end
      eventually { waiter.stop? }
      release(path)
      context.destroy
      assert waiter.join(20)
      assert context.destroyed?
    end
  end

  def test_each_thread_has_its_context
    assert_same AIOClone.context, AIOClone.context
    refute_same AIOClone.context, Thread.new { AIOClone.context }.value
    assert_same AIOClone.context, Fiber.new { AIOClone.context }.resume
  end

  def test_threads_that_ended_leave_nothing
    10.times { Thread.new { AIOClone.stat("/") }.join }
    GC.start
    before = descriptors
    200.times { Thread.new { AIOClone.stat("/") }.join }
    eventually("their contexts are freed") do
      GC.start
      descriptors <= before + 20
    end
  end

  def test_no_more_descriptors
    output, status = output_of(<<~RUBY)
      Process.setrlimit(:NOFILE, 64)
      400.times { Thread.new { AIOClone.stat("/") }.value }
      puts "done"
    RUBY
    assert_equal "done\n", output
    assert status.success?
  end

  def test_threads_share_a_context
    context = AIOClone::Context.new
    paths = Array.new(8) { fifo }
    openers = paths.map { |path| Thread.new { context.open(path) } }
    stats = Array.new(8) { Thread.new { Array.new(200) { context.stat("/").ino } } }
    stats.each { |thread| assert_equal [::File.stat("/").ino], thread.value.uniq }
    paths.shuffle.each do |path| # in any order: whoever waits for all is not served first
      open_writer(path)
      index = paths.index(path)
      assert openers[index].join(20), "the one whose file is ready goes on"
      openers[index].value.close
    end
    assert_equal 0, context.outstanding
  ensure
    context&.destroy
  end

  # A thread's request completes before it has its place among those that sleep.
  def test_what_completes_before_its_thread_sleeps
    slow = Module.new do
      def initialize(*)
        super
        sleep 0.1 if Thread.current[:slow]
      end
    end
    Thread::Queue.prepend(slow)
    context = AIOClone::Context.new
    path = fifo
    leader = Thread.new { context.open(path) }
    eventually { leader.stop? }
    threads = Array.new(2) do
      Thread.new do
        Thread.current[:slow] = true
        context.stat("/").directory?
      end
    end
    threads.each { |thread| assert thread.join(20)&.value }
    open_writer(path)
    assert leader.join(20)
    leader.value.close
  ensure
    context&.destroy
  end

  # The thread that waits for all dies.
  def test_another_thread_takes_over
    context = AIOClone::Context.new
    first, second = fifo, fifo
    leader = Thread.new { context.open(first) }
    eventually { leader.stop? }
    follower = Thread.new { context.open(second) }
    eventually { follower.stop? }
    leader.kill.join
    open_writer(second)
    assert follower.join(20)
    follower.value.close
    release(first)
  ensure
    context&.destroy
  end

  # A thread takes the completion for which another one waits.
  def test_nobody_sleeps_on_what_was_taken
    context = AIOClone::Context.new
    20.times do
      path = fifo
      opener = Thread.new { context.open(path) }
      busy = Thread.new { context.stat("/") while opener.alive? }
      open_writer(path)
      assert opener.join(20)
      opener.value.close
      busy.join
    end
  ensure
    context&.destroy
  end

  def test_a_wait_starts_what_is_held
    context = AIOClone::Context.new
    path = file_with("x")
    assert_equal 1, context.hold { context.stat(path).size }
    value = context.hold do
      request = context.start.stat(path)
      context.start.nop
      request.value.size
    end
    assert_equal 1, value
  ensure
    context&.destroy
  end
end
