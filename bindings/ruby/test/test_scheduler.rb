# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Under a Fiber scheduler every call suspends only its fiber.
require_relative "support/support"
require_relative "support/scheduler"
require "io/wait"

class TestScheduled < AIOCloneTest
  def setup
    @path = file_with("0123456789")
  end

  def test_only_the_fiber_waits
    path = fifo
    order = TestScheduler.run do
      order = []
      opener = Fiber.schedule do
        file = AIOClone.open(path)
        order << :opened
        file.close
      end
      order << :submitted
      50.times { order << AIOClone.stat(@path).size }
      assert opener.alive?
      open_writer(path)
      sleep 0.01 while opener.alive?
      order
    end
    assert_equal [:submitted, *[10] * 50, :opened], order
  end

  def test_many_fibers
    got = TestScheduler.run do
      got = []
      1000.times { Fiber.schedule { got << AIOClone.stat(@path).size } }
      sleep 0.01 while got.size < 1000
      got
    end
    assert_equal [10] * 1000, got
  end

  # Workers, so that every request is waited for.
  def test_many_fibers_and_workers
    context = AIOClone::Context.new(engine: :workers)
    got = TestScheduler.run do
      got = []
      200.times do |i|
        Fiber.schedule do
          context.open(@path) { |other, _| other.close }
          file = context.open(@path)
          got << file.pread(2, i % 5)
          file.close
        end
      end
      sleep 0.01 while got.size < 200
      context.run
      got
    end
    assert_equal Array.new(200) { |i| "0123456789"[i % 5, 2] }.sort, got.sort
  ensure
    context&.destroy
  end

  def test_errors
    error = TestScheduler.run { AIOClone.stat("/nonexistent") rescue $! }
    assert_instance_of Errno::ENOENT, error
  end

  # Who waits for all is ended by an exception, or gets its own: another one takes over.
  def test_another_fiber_takes_over
    first, second = fifo, fifo
    got = TestScheduler.run do
      got = []
      leader = Fiber.schedule do
        AIOClone.open(first)
      rescue KeyError => e
        got << e.message
      end
      follower = Fiber.schedule { AIOClone.open(second).close || got << :second }
      leader.raise(KeyError, "ended")
      open_writer(second)
      sleep 0.01 while follower.alive?
      release(first)
      got
    end
    assert_equal ["ended", :second], got
  end

  # The completion for which one fiber waits in the scheduler is taken by another one, which does not wait.
  def test_no_fiber_sleeps_on_what_was_taken
    20.times do
      path = fifo
      done = TestScheduler.run do
        opener = Fiber.schedule { AIOClone.open(path).close }
        open_writer(path)
        200.times { AIOClone.stat(@path) } # never gives the opener a turn
        sleep 0.001 while opener.alive?
        true
      end
      assert done
    end
  end

  def test_run_waits_as_a_fiber
    path = fifo
    got = TestScheduler.run do
      got = []
      context = AIOClone::Context.new
      context.open(path) { |file, _| got << :opened; file.close }
      runner = Fiber.schedule { context.run }
      got << :here
      open_writer(path)
      sleep 0.01 while runner.alive?
      context.destroy
      got
    end
    assert_equal %i[here opened], got
  end

  def test_an_event_loop_fiber_and_waiting_fibers
    got = TestScheduler.run do
      got = []
      context = AIOClone::Context.new(engine: :workers)
      poller = Fiber.schedule do
        while got.size < 120
          context.to_io.wait_readable
          context.poll
        end
      end
      100.times { context.stat(@path) { |stat, _| got << stat.size } }
      20.times { Fiber.schedule { got << context.stat(@path).size } }
      sleep 0.01 while got.size < 120
      context.nop {} # so that the poller sees the end
      sleep 0.01 while poller.alive?
      context.destroy
      got
    end
    assert_equal [10] * 120, got
  end

  def test_requests_and_map
    sizes = TestScheduler.run do
      AIOClone.map([@path] * 100) { |start, path| start.stat(path) }.map(&:size)
    end
    assert_equal [10] * 100, sizes
    values = TestScheduler.run do
      request = AIOClone.context.start.open(path = fifo)
      got = []
      2.times { Fiber.schedule { got << request.value } }
      open_writer(path)
      sleep 0.01 while got.size < 2
      got
    end
    assert_same values[0], values[1]
    values[0].close
  end

  def test_blocking_fibers_wait_as_threads
    size = TestScheduler.run { Fiber.new(blocking: true) { AIOClone.stat(@path).size }.resume }
    assert_equal 10, size
  end

  def test_threads_with_schedulers_share_a_context
    context = AIOClone::Context.new(engine: :workers)
    counts = Array.new(3) do
      Thread.new do
        TestScheduler.run do
          count = 0
          100.times { Fiber.schedule { context.stat(@path).size.then { |size| count += size } } }
          sleep 0.01 while count < 1000
          count
        end
      end
    end
    assert_equal [1000] * 3, counts.map(&:value)
  ensure
    context&.destroy
  end
end

# The async gem, where it is.
class TestAsync < AIOCloneTest
  def setup
    need "async"
    @path = file_with("0123456789")
  end

  def test_tasks
    sizes = Async { |task| Array.new(300) { task.async { AIOClone.stat(@path).size } }.map(&:wait) }.wait
    assert_equal [10] * 300, sizes
  end

  def test_only_the_task_waits
    path = fifo
    order = []
    Async do |task|
      opener = task.async do
        AIOClone.open(path) { order << :opened }
      end
      task.async do
        5.times { order << AIOClone.stat(@path).size }
        open_writer(path)
        opener.wait
      end
    end
    assert_equal [10] * 5 + [:opened], order
  end

  def test_stop_and_timeout
    path = fifo
    result = Async do |task|
      opener = task.async { AIOClone.open(path) }
      opener.stop
      begin
        task.with_timeout(0.05) { AIOClone.open(path) }
      rescue Async::TimeoutError
        :late
      end
    end.wait
    assert_equal :late, result
    release(path)
    assert_equal 10, Async { AIOClone.stat(@path).size }.wait
  end

  def test_workers
    context = AIOClone::Context.new(engine: :workers)
    reads = Async do |task|
      Array.new(100) do |i|
        task.async do
          file = context.open(@path)
          file.pread(1, i % 10)
        ensure
          file.close
        end
      end.map(&:wait)
    end.wait
    assert_equal "0123456789" * 10, reads.join
  ensure
    context&.destroy
  end
end
