# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Under the garbage collector at its worst; Ractors.
require "weakref"
require_relative "support/support"
require_relative "support/scheduler"

class TestGC < AIOCloneTest
  def setup
    @path = file_with("0123456789" * 100)
    Warning[:experimental] = false
  end

  # Everything once, with results that tell.
  def everything(context)
    io = ::File.open(@path, "r+")
    got = []
    context.stat(@path) { |stat, _| got << stat.size }
    context.stat("/nonexistent") { |_, error| got << error.class }
    context.read(io, 100, 5) { |data, _| got << data }
    context.read(io, 7, 5) { |data, _| got << data }
    string = +"x" * 50
    short = +"xyz"
    context.read(io, string, 3) { |count, _| got << count << string.b }
    context.read(io, short, 3) { |count, _| got << count << short.b }
    parts = [+"ab", +"x" * 40, IO::Buffer.new(100)]
    context.readv(io, parts, 1) { |count, _| got << count << parts[0].b << parts[1].b << parts[2].get_string(0, 100) }
    context.writev(io, ["01", "2" + "3456789"], 0) { |count, _| got << count }
    context.open(@path) { |file, _| got << file.pread(3, 1) }
    context.readdir(::File.dirname(__FILE__)) { |entries, _| got << entries.names.include?(::File.basename(__FILE__)) }
    requests = Array.new(3) { context.start.realpath(@path) }
    got << context.read(io, 5, 0)
    context.run
    got << requests.map(&:value)
    io.close
    got
  end

  EXPECTED = lambda do |path|
    data = "0123456789" * 100
    [1000, Errno::ENOENT, data[5, 100], data[5, 7], 50, data[3, 50], 3, data[3, 3], 142, data[1, 2], data[3, 40],
     data[43, 100], 10, "123", true, data[0, 5], [::File.realpath(path)] * 3]
  end

  def same(got)
    assert_equal EXPECTED.call(@path).map(&:inspect).sort, got.map(&:inspect).sort
  end

  def test_stress
    %i[auto workers].each do |engine|
      context = AIOClone::Context.new(engine: engine)
      got = begin
        GC.stress = true
        everything(context)
      ensure
        GC.stress = false
      end
      same(got)
      context.destroy
    end
  end

  def test_stress_under_a_scheduler
    got = begin
      GC.stress = true
      TestScheduler.run { Array.new(3) { AIOClone.stat(@path).size } + [AIOClone.open(@path) { |f| f.pread(5, 0) }] }
    ensure
      GC.stress = false
    end
    assert_equal [1000, 1000, 1000, "01234"], got
  end

  # This scheduler keeps nobody alive who sleeps on a Queue, and a Queue neither.
  def test_waiting_fibers_are_kept
    path = fifo
    AIOClone::Context.with(engine: :workers, max_workers: 1) do |context|
      got = TestScheduler.run do
        got = []
        Fiber.schedule { context.open(path).close }
        50.times { |i| Fiber.schedule { got << context.stat(@path).size + i } }
        3.times { GC.start }
        Array.new(10_000) { Object.new }
        open_writer(path)
        sleep 0.01 while got.size < 50
        got
      end
      assert_equal (1000...1050).to_a, got.sort
    end
  end

  def test_compaction
    skip "this Ruby does not compact" unless GC.respond_to?(:compact)
    context = AIOClone::Context.new(engine: :workers)
    begin
      automatic = GC.auto_compact
      GC.auto_compact = true
      20.times { same(everything(context)) }
    ensure
      GC.auto_compact = automatic
    end
    # While they are outstanding.
    context.max_workers = 1
    context.open(path = fifo) { |file, _| file.close }
    io = ::File.open(@path)
    got = []
    100.times do |i|
      string = +"x" * (i % 40)
      context.read(io, string, i) { |count, _| got << [i, count, string.b] }
      context.read(io, 10, i) { |data, _| got << [i, data] }
    end
    3.times { GC.compact }
    open_writer(path)
    context.run
    data = "0123456789" * 100
    got.each { |i, *rest| assert_equal rest.size == 2 ? [i % 40, data[i, i % 40]] : [data[i, 10]], rest }
    assert_equal 200, got.size
    io.close
    context.destroy
  end

  # A context that nobody keeps is freed; one with outstanding requests is not.
  def test_contexts_end
    before = descriptors
    50.times { AIOClone::Context.new.stat(@path) }
    eventually("they are freed") do
      GC.start
      descriptors <= before + 5
    end
    called = 0
    submit = lambda do
      context = AIOClone::Context.new
      context.stat(@path) { called += 1 }
      WeakRef.new(context)
    end
    reference = submit.call
    3.times { GC.start }
    assert reference.weakref_alive?
    reference.run
    assert_equal 1, called
  end

  def test_blocks_are_kept_until_they_are_called_and_not_longer
    context = AIOClone::Context.new
    count = -> { ObjectSpace.each_object(Marker).count }
    100.times { submit_with_marker(context) }
    GC.start
    assert_equal 100, count.call
    context.run
    eventually("the blocks are freed") do
      GC.start
      count.call <= 2
    end
    context.destroy
  end

  Marker = Class.new

  def submit_with_marker(context)
    marker = Marker.new
    context.nop { marker.hash }
  end

  # Not for other Ractors than the main one: Ruby itself says so. (In a program of its own: from the first Ractor on
  # ObjectSpace shows less.)
  def test_ractors
    output, status = output_of(<<~RUBY)
      Thread.report_on_exception = false
      [-> { Ractor.new { AIOClone.stat("/") }.take }, -> { Ractor.new { AIOClone::Context.new }.take }].each do |use|
        use.call
        puts "used"
      rescue Ractor::RemoteError => e
        puts e.cause.class
      end
      p AIOClone.stat("/").directory?
    RUBY
    assert_equal "Ractor::UnsafeError\nRactor::UnsafeError\ntrue\n", output
    assert status.success?
  end
end
