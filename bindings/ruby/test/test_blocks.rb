# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# The form for event loops: blocks, which poll calls.
require_relative "support/support"

class TestBlocks < AIOCloneTest
  def setup
    @context = AIOClone::Context.new
    @path = file_with("0123456789")
  end

  def teardown
    @context&.destroy
  end

  def readable?(timeout = 0)
    !IO.select([@context], nil, nil, timeout).nil?
  end

  def test_poll_does_not_wait
    assert_equal 0, @context.poll
    @context.open(path = fifo) { |file, _| file.close }
    assert_equal 0, @context.poll
    open_writer(path)
    assert @context.wait
    assert_equal 1, @context.poll
    refute @context.wait
  end

  def test_an_event_loop
    refute readable?
    got = []
    @context.stat(@path) { |stat, _| got << stat.size }
    got << nil until readable?(20)
    assert_equal 1, @context.poll
    assert_equal [10], got
    refute readable?, "nothing is left"
  end

  def test_what_a_block_raises_comes_from_poll_and_nothing_is_lost
    @context.fileno
    got = []
    10.times do |i|
      @context.stat(@path) { i == 3 || i == 6 ? raise(KeyError, i.to_s) : got << i }
    end
    errors = []
    begin
      @context.run
    rescue KeyError => e
      errors << e.message
      assert_operator @context.outstanding, :>, 0
      assert readable?(20), "the descriptor says that there is more"
      retry
    end
    assert_equal %w[3 6], errors.sort
    assert_equal [0, 1, 2, 4, 5, 7, 8, 9], got.sort
    assert_equal 0, @context.outstanding
    refute readable?
  end

  def test_throw_and_break
    @context.nop { throw :out, 5 }
    got = []
    @context.nop { got << 1 }
    assert_equal 5, catch(:out) { @context.run }
    submit = -> { @context.nop { break } }
    submit.call
    assert_raises(LocalJumpError) { @context.run }
    @context.run
    assert_equal [1], got
  end

  def test_blocks_submit_and_poll
    got = []
    @context.stat(@path) do
      @context.stat(@path) do
        got << :inner
        @context.nop { got << :innermost }
      end
      @context.run
      got << :outer
    end
    3.times { @context.nop { got << :other } }
    @context.run
    assert_equal 6, got.size
    assert_operator got.index(:innermost), :<, got.index(:outer)
  end

  def test_a_poll_ends_though_its_blocks_submit_for_ever
    again = -> { @context.nop { again.call } }
    again.call
    10.times { assert_equal 1, @context.poll }
    again = -> {}
    @context.run
  end

  def test_blocks_resume_fibers
    fiber = Fiber.new do
      @context.stat(@path) { |stat, _| fiber.resume(stat.size) }
      size = Fiber.yield
      @context.stat("/nonexistent") { |_, error| fiber.resume(error) }
      [size, Fiber.yield]
    end
    fiber.resume
    got = nil
    last = Fiber.new { got = fiber.alive? }
    @context.run
    last.resume
    refute got
  end

  # Blocks are called by poll only, also when something waits for another request meanwhile.
  def test_a_wait_calls_no_blocks
    @context.fileno
    got = []
    5.times { @context.nop { got << 1 } }
    assert_equal 10, @context.stat(@path).size
    assert_empty got
    assert readable?(20)
    assert @context.wait
    @context.run
    assert_equal 5, got.size
    refute readable?
  end

  def test_an_event_loop_in_a_block
    @context.fileno
    got = []
    5.times do
      @context.nop do
        got << 1
        @context.poll while readable?(0.2)
        assert_equal 5, got.size if got.size == 5
      end
    end
    @context.run
    assert_equal 5, got.size
  end

  def test_cancel
    context = AIOClone::Context.new(engine: :workers, max_workers: 1)
    blocker = fifo
    got = {}
    context.open(blocker) { |file, _| file.close }
    ids = Array.new(3) { |i| context.stat(@path) { |stat, error| got[i] = stat || error } }
    assert context.cancel(ids[1])
    open_writer(blocker)
    context.run
    assert_instance_of Errno::ECANCELED, got[1]
    assert_equal [10, 10], got.values_at(0, 2).map(&:size)
    refute context.cancel(ids[0]), "it was delivered"
    refute context.cancel(-1)
  ensure
    context&.destroy
  end

  def test_hold_starts_together
    got = []
    ids = @context.hold do |context|
      assert_same @context, context
      Array.new(100) { context.stat(@path) { |stat, _| got << stat.size } }
    end
    @context.run
    assert_equal 100, ids.uniq.size
    assert_equal [10] * 100, got
    assert_raises(KeyError) { @context.hold { raise KeyError } }
    assert_equal 10, @context.stat(@path).size, "the hold has ended"
  end

  def test_any_thread_submits
    threads = Array.new(4) { Thread.new { Array.new(50) { @context.stat(@path) { |stat, _| stat } } } }
    ids = threads.flat_map(&:value)
    assert_equal 200, ids.uniq.size
    count = 0
    count += @context.poll while @context.wait
    assert_equal 200, count
  end

  def test_another_thread_polls_than_waits
    path = fifo
    waiter = Thread.new { @context.wait }
    waiter.join
    @context.open(path) { |file, _| file.close }
    waiter = Thread.new { @context.wait && @context.poll }
    eventually { waiter.stop? }
    assert_equal 10, @context.stat(@path).size
    open_writer(path)
    assert waiter.join(20)
    @context.run
  end

  def test_the_methods_of_the_module
    got = []
    id = AIOClone.stat(@path) { |stat, _| got << stat.size }
    assert_kind_of Integer, id
    AIOClone.hold { AIOClone.nop { got << :nop } }
    assert_same AIOClone.context, AIOClone.run
    assert_equal [10, :nop], got.sort_by(&:to_s)
    AIOClone.nop { got << 1 }
    assert_equal 1, AIOClone.poll
    refute AIOClone.cancel(id)
  end

  def test_lambdas_and_methods
    got = []
    @context.stat(@path, &->(stat, error) { got << [stat.size, error] })
    @context.stat(@path, &method(:keep))
    @context.run
    assert_equal [[10, nil]], got
    assert_equal 10, @kept.size
  end

  def keep(stat, _error)
    @kept = stat
  end

  def test_destroy_calls_all_blocks
    context = AIOClone::Context.new(engine: :workers, max_workers: 1)
    path = fifo
    got = []
    context.open(path) { |file, _| got << file }
    20.times { context.stat(@path) { |stat, error| got << (stat || error) } }
    refused = nil
    context.nop { refused = assert_raises(Errno::ESHUTDOWN) { context.nop } }
    eventually("the open runs") { context.statistics[:queued] == 21 }
    writer = Thread.new { open_writer(path) }
    context.destroy
    writer.join
    assert_equal 21, got.size
    assert_equal 20, got.grep(Errno::ECANCELED).size
    assert refused
    assert context.destroyed?
    context.destroy
    %i[nop poll wait fileno statistics].each { |name| assert_raises(IOError) { context.public_send(name) } }
  end

  def test_destroy_goes_on_after_a_block_raised
    context = AIOClone::Context.new
    got = []
    3.times { |i| context.nop { i.zero? ? raise(KeyError) : got << i } }
    assert_raises(KeyError) { context.destroy }
    refute context.destroyed?
    context.destroy
    assert_equal [1, 2], got
    assert context.destroyed?
  end

  def test_destroy_in_a_block
    @context.nop { @context.destroy }
    2.times { @context.nop {} }
    begin
      @context.run
    rescue IOError
      # run polls once more
    end
    assert @context.destroyed?
  end
end
