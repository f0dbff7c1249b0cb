# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module AIOClone
  # A queue of requests, its workers, and its descriptor for event loops. Contexts are independent of each other.
  # Any thread may use one: blocks are called by whoever calls {#poll}.
  #
  # @example In an event loop
  #   context = AIOClone::Context.new
  #   context.stat("/etc") { |stat, error| p stat&.directory? }
  #   loop do
  #     readable, = IO.select([context, ...])
  #     context.poll if readable.include?(context)
  #   end
  class Context
    include Operations

    # @param engine [Symbol] :auto, or :inline, :ring or :workers to force one
    # @param spawner [Symbol] how workers are started: :auto, :clone or :pthread
    # @param min_workers [Integer] kept when idle, 1 to 1024; default 1
    # @param max_workers [Integer] 1 to 1024; default 4, and 32 for requests that wait for a device
    # @param idle_timeout [Numeric] seconds after which an idle worker above the minimum ends; default 10
    # @param max_outstanding [Integer] more requests are refused with Errno::EAGAIN; default: no limit
    # @param device_workers [Integer] so many workers may wait at once for one remote file system, 1 to 1024; default: all
    #   but an eighth, and but one at least
    # @param single_threaded [Boolean] the promise that one thread makes all calls; it makes them cheaper
    # @param one_core [Boolean] never keep a second core awake to be faster
    # @param ring [Boolean] false: without io_uring
    # @param local_paths [Boolean] the promise that every path is on a local disk: stat may be answered at once
    # @param in_order [Boolean] while there is at most one worker (then the default), one request at a time, in order
    # @raise [SystemCallError] why the forced engine or spawner does not work here; no descriptors, no memory
    def initialize(engine: :auto, spawner: :auto, min_workers: nil, max_workers: nil, idle_timeout: nil,
                   max_outstanding: nil, device_workers: nil, single_threaded: false, one_core: false, ring: true, local_paths: false,
                   in_order: false)
      flags = { Native::SINGLE_THREADED => single_threaded, Native::ONE_CORE => one_core, Native::NO_RING => !ring,
                Native::LOCAL_PATHS => local_paths, Native::IN_ORDER => in_order }.sum { |flag, set| set ? flag : 0 }
      create(flags, number(ENGINES, engine, "engine"), number(SPAWNERS, spawner, "spawner"),
             positive(min_workers, "min_workers"), positive(max_workers, "max_workers"),
             positive(idle_timeout && (idle_timeout * 1000).ceil, "idle_timeout"),
             positive(max_outstanding, "max_outstanding"), positive(device_workers, "device_workers"))
    end

    # @yieldparam context [Context] destroyed after the block
    # @return the block's value
    # @example
    #   AIOClone::Context.with(max_workers: 8) { |context| ... }
    def self.with(**options)
      context = new(**options)
      begin
        yield context
      ensure
        context.destroy
      end
    end

    # @return [Starter] whose methods are the operations; they return a {Request} at once
    def start
      @start ||= Starter.new(self)
    end

    # How requests are run: the operations of what it returns.
    # @param priority [Integer] -4 (last) to 4 (first): in what order they start that wait for a worker or are held
    # @param timeout [Numeric, nil] seconds from the submission after which they end with Errno::ETIMEDOUT
    # @param group [Request, Integer, nil] what they are members of: see {Operations#group}
    # @param dirfd [File, IO, Integer, nil] the directory where relative paths start
    # @param dirfd2 [File, IO, Integer, nil] the same for path2
    # @return [Plan]
    # @example
    #   context.using(priority: 4, timeout: 0.5).stat(path)
    def using(priority: 0, timeout: nil, group: nil, dirfd: nil, dirfd2: nil)
      unless timeout.nil? || (timeout.is_a?(Numeric) && timeout.positive? && timeout < 1 << 33)
        raise ArgumentError, "timeout: #{timeout.inspect} is no positive number of seconds"
      end

      Plan.send(:create, self, priority, timeout ? [(timeout * 1_000_000_000).to_i, 1].max : 0,
                group.is_a?(Request) ? group.id : group || 0, dirfd, dirfd2)
    end

    # Waits for all requests with blocks and calls these, and those of the requests that they start. Under a Fiber
    # scheduler only the fiber waits.
    # @return [self]
    # @raise what a block raises; to be called again for the others
    def run
      poll while wait
      self
    end

    # As {#fileno}, for IO.select and event loops.
    # @return [IO] do not read or close it
    def to_io
      # After a fork it is another file of the same number.
      @to_io = nil if @to_io&.closed?
      @to_io ||= IO.for_fd(fileno, autoclose: false)
    end

    # Runs a block for each item, which starts a request, with so many of these at a time; waits for them in order.
    # @param items [Enumerable]
    # @param limit [Integer] requests at a time
    # @yieldparam start [Starter]
    # @yieldparam item [Object]
    # @yieldreturn [Request]
    # @return [Array] the results
    # @raise the first error; the requests under way are cancelled
    # @example
    #   sizes = AIOClone.map(paths) { |start, path| start.stat(path) }.map(&:size)
    def map(items, limit: 64)
      raise ArgumentError, "limit: #{limit.inspect} is not positive" unless limit.is_a?(Integer) && limit.positive?

      window = []
      results = []
      # Half a window at a time, so that the library gets batches.
      items.each_slice([limit / 2, 1].max) do |slice|
        results << window.shift.value while window.length > limit - slice.length
        hold { slice.each { |item| window << yield(start, item) } }
      end
      results << window.shift.value until window.empty?
      results
    ensure
      window&.each(&:cancel)
    end

    # Cancels what is queued, waits for what runs, calls the blocks of all (those of cancelled requests with
    # Errno::ECANCELED), and frees everything. New requests meanwhile are refused with Errno::ESHUTDOWN.
    # @return [nil]
    # @raise what a block raises; to be called again for the others
    def destroy
      return unless begin_destroy

      loop { break if poll.zero? && !wait_any }
      end_destroy
      @to_io = nil
    end

    # @return [String]
    def inspect
      format("#<%<class>s %<state>s>", class: self.class, state: destroyed? ? "destroyed" : "#{outstanding} outstanding")
    end

    ENGINES = { auto: 0, inline: Native::INLINE, ring: Native::RING, workers: Native::WORKERS }.freeze
    SPAWNERS = { auto: 0, clone: Native::CLONE, pthread: Native::PTHREAD }.freeze
    private_constant :ENGINES, :SPAWNERS

    private

    def number(names, name, argument)
      names.fetch(name) { raise ArgumentError, "#{argument}: #{name.inspect} is none of #{names.keys.join(', ')}" }
    end

    def positive(value, argument)
      return 0 if value.nil?
      raise TypeError, "#{argument}: no implicit conversion of #{value.class} into Integer" unless value.is_a?(Integer)
      raise ArgumentError, "#{argument}: #{value} is out of range" unless value.between?(1, 0xffff_ffff)

      value
    end
  end

  # What {Context#start} returns: every operation returns a {Request} at once.
  class Starter
    include Operations
  end

  # What {Context#using} returns: the operations, run in that way.
  class Plan
    include Operations

    # (see Context#start)
    def start
      Starter.new(self)
    end
  end

  # What {Operations#chain} yields: the operations, collected.
  class Chain
    include Operations
  end

  # What a readdir found; entries without "." and "..".
  class Directory
  end

  # Numbers for the operations' arguments, as the man pages name them.
  module Constants
  end

  # A request that was started with {Context#start}. If nobody keeps it, its request is cancelled.
  class Request
  end
end
