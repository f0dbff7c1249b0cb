# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Options of contexts, and what they tell.
require_relative "support/support"

class TestContext < AIOCloneTest
  def setup
    @path = file_with("0123456789")
  end

  def test_options
    AIOClone::Context.with(engine: :workers, spawner: :pthread, min_workers: 2, max_workers: 3, idle_timeout: 0.5,
                           max_outstanding: 2, device_workers: 1, single_threaded: true, one_core: true, ring: false, local_paths: true) do |c|
      assert_equal ENV.fetch("AIOC_SPAWNER", "pthread").to_sym, c.engine_info(:workers)[:spawner]
      c.open(path = fifo) { |file, _| file.close }
      c.stat(@path) {}
      assert_raises(Errno::EAGAIN) { c.stat(@path) {} }
      open_writer(path)
      c.run
      assert_equal 10, c.stat(@path).size
      assert_equal 2, c.count(:stat, :workers)
    end
    AIOClone::Context.with(in_order: true) { |c| assert_equal 10, c.stat(@path).size }
  end

  # Every option and flag of the library is one here.
  def test_the_librarys_options
    header = ::File.join(__dir__, "../../../libaio-clone/include/aioclone.h")
    skip "not in a tree" unless ::File.exist?(header)
    text = ::File.read(header)
    names = AIOClone::Context.instance_method(:initialize).parameters.map { |_, name| name.to_s }
    fields = text[/typedef struct aioc_options \{(.*?)\} aioc_options;/m, 1].scan(/uint32_t (\w+);/).flatten
    assert_equal [], fields.map { |name| name.delete_suffix("_ms") } - names - %w[size flags reserved]
    flags = text[/aioc_options\.flags \*\/\n(.*?)\n\n/m, 1].scan(/#define AIOC_(\w+)/).flatten.map(&:downcase)
    assert_equal [], flags.map { |name| name.delete_prefix("no_") } - names
    assert_operator flags.size, :>=, 5
  end

  def test_wrong_options
    new = ->(**options) { AIOClone::Context.new(**options) }
    assert_match(/engine: :fast is none of auto, inline/, assert_raises(ArgumentError) { new.(engine: :fast) }.message)
    assert_match(/spawner/, assert_raises(ArgumentError) { new.(spawner: :fork) }.message)
    assert_match(/max_workers: 0/, assert_raises(ArgumentError) { new.(max_workers: 0) }.message)
    assert_match(/min_workers: .*String/, assert_raises(TypeError) { new.(min_workers: "1") }.message)
    assert_match(/idle_timeout/, assert_raises(ArgumentError) { new.(idle_timeout: -1) }.message)
    assert_match(/max_outstanding/, assert_raises(ArgumentError) { new.(max_outstanding: 1 << 40) }.message)
    assert_raises(Errno::EINVAL) { new.(max_workers: 100_000) }
    assert_match(/unknown keyword/, assert_raises(ArgumentError) { new.(workers: 1) }.message)
  end

  def test_statistics
    AIOClone::Context.with do |context|
      100.times { context.stat(@path) {} }
      context.run
      statistics = context.statistics
      assert_equal 100, statistics[:submitted]
      assert_equal 100, statistics[:completed]
      assert_equal 0, statistics[:outstanding]
      assert_equal 100, context.count(:stat)
      assert_equal 100, context.count
      assert_equal 0, context.count(:read)
      assert_equal 100, %i[inline ring workers sync].sum { |engine| context.count(:stat, engine) }
      assert_match(/operation: unknown :stats/, assert_raises(ArgumentError) { context.count(:stats) }.message)
      assert_match(/engine: unknown :fast/, assert_raises(ArgumentError) { context.count(nil, :fast) }.message)
      assert_raises(TypeError) { context.count("stat") }
    end
  end

  def test_engines
    assert AIOClone.probe(:inline)
    assert AIOClone.probe(:workers)
    assert_includes [true, false], AIOClone.probe(:ring)
    AIOClone::Context.with(engine: :workers) do |context|
      context.nop
      info = context.engine_info(:workers)
      assert_nil info[:error]
      assert_kind_of String, info[:reason]
      assert_includes %i[clone pthread], info[:spawner]
    end
    ring = AIOClone.context.engine_info(:ring)
    assert(ring[:error].nil? || ring[:error].is_a?(SystemCallError))
    assert_match(/\A\d+\.\d+\.\d+\z/, AIOClone.library_version)
    assert_equal AIOClone.library_version, AIOClone::VERSION
  end

  def test_forced_engines_give_the_same_answers
    %i[auto inline ring workers].each do |engine|
      context = AIOClone::Context.new(engine: engine)
      file = context.open(@path, "r+")
      assert_equal "345", file.pread(3, 3)
      assert_equal 2, file.pwrite("34", 3)
      assert_equal 10, file.size
      file.close
      assert_raises(Errno::ENOENT) { context.stat("/nonexistent") }
      context.destroy
    rescue Errno::ENOSYS, Errno::EPERM
      raise unless engine == :ring
    end
  end

  def test_workers
    AIOClone::Context.with(engine: :workers) do |context|
      context.min_workers = 3
      eventually { context.statistics[:workers] == 3 }
      context.stat(@path) {}
      context.max_workers = 0
      assert_equal 0, context.statistics[:workers]
      context.run
      assert_equal 10, context.stat(@path).size
      context.rebind
      assert_equal 10, context.stat(@path).size
      assert_raises(Errno::EINVAL) { context.min_workers = 5000 }
      assert_match(/max_workers/, assert_raises(RangeError) { context.max_workers = -1 }.message)
    end
  end

  def test_registered_files
    AIOClone::Context.with do |context|
      file = context.open(@path)
      begin
        context.register(file)
        assert_equal "0123", context.read(file, 4, 0)
        assert_raises(Errno::EEXIST) { context.register(file) }
        context.unregister(file)
      rescue Errno::ENOSYS, Errno::EPERM, Errno::ENOMEM
        # no ring here
      end
      assert_raises(Errno::ENOENT, Errno::ENOSYS) { context.unregister(file) }
      assert_raises(Errno::EBADF) { context.register(1_000_000) }
      file.close
    end
  end

  def test_inspect
    context = AIOClone::Context.new
    assert_match(/0 outstanding/, context.inspect)
    context.nop {}
    assert_match(/1 outstanding/, context.inspect)
    context.destroy
    assert_match(/destroyed/, context.inspect)
  end

  def test_a_destroyed_default_context_is_replaced
    context = AIOClone.context
    context.destroy
    assert_equal 10, AIOClone.stat(@path).size
    refute_same context, AIOClone.context
  end
end
