# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# The smallest Fiber scheduler: IO.select, and what Queue and sleep need.
class TestScheduler
  attr_reader :waits

  def initialize
    @waits = 0
    @readable = {}
    @writable = {}
    @sleeping = {}
    @blocked = 0
    @ready = []
    @lock = Thread::Mutex.new
    @urgent = IO.pipe
  end

  def run
    until @readable.empty? && @writable.empty? && @sleeping.empty? && @blocked.zero? && @lock.synchronize { @ready.empty? }
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      timeout = @lock.synchronize { @ready.any? } ? 0 : @sleeping.values.min&.then { |at| [at - now, 0].max }
      readable, writable, = IO.select(@readable.keys + [@urgent[0]], @writable.keys, [], timeout)
      @urgent[0].read_nonblock(1000, exception: false) if readable&.delete(@urgent[0])
      fibers = (readable || []).map { |io| @readable.delete(io) } + (writable || []).map { |io| @writable.delete(io) }
      fibers.concat(@lock.synchronize { @ready.slice!(0..) })
      now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      @sleeping.select { |_, at| at <= now }.each_key { |fiber| @sleeping.delete(fiber) && fibers << fiber }
      fibers.compact.each { |fiber| fiber.resume if fiber.alive? }
    end
  end

  def close
    run
  ensure
    @urgent.each(&:close)
  end

  def fiber(&block)
    Fiber.new(blocking: false, &block).tap(&:resume)
  end

  def io_wait(io, events, timeout)
    @waits += 1
    raise "#{io.inspect} is waited for already" if @readable.key?(io)

    @readable[io] = Fiber.current if events & IO::READABLE != 0
    @writable[io] = Fiber.current if events & IO::WRITABLE != 0
    @sleeping[Fiber.current] = Process.clock_gettime(Process::CLOCK_MONOTONIC) + timeout if timeout
    Fiber.yield
    events
  ensure
    @readable.delete(io)
    @writable.delete(io)
    @sleeping.delete(Fiber.current)
  end

  def kernel_sleep(duration = nil)
    block(:sleep, duration)
  end

  def block(_blocker, timeout = nil)
    if timeout
      @sleeping[Fiber.current] = Process.clock_gettime(Process::CLOCK_MONOTONIC) + timeout
      begin
        Fiber.yield
      ensure
        @sleeping.delete(Fiber.current)
      end
    else
      @blocked += 1
      begin
        Fiber.yield
      ensure
        @blocked -= 1
      end
    end
  end

  # From any thread.
  def unblock(_blocker, fiber)
    @lock.synchronize { @ready << fiber }
    @urgent[1].write_nonblock(".", exception: false)
  end

  # Runs the block in a thread of its own, with a scheduler, and its fiber; the block's value.
  def self.run
    scheduler = new
    value = nil
    Thread.new do
      Fiber.set_scheduler(scheduler)
      Fiber.schedule { value = yield(scheduler) }
    end.join
    value
  end
end
