# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# The operation table and this binding: an operation that the library gains is here by itself, or this fails.
require_relative "support/support"

class TestOperations < AIOCloneTest
  # Each operation: what succeeds (and what its result is), and what fails (and how).
  CASES = {
    nop: [-> { [] }, ->(value, _) { value.zero? }, nil],
    open: [-> { [@path, "r"] }, ->(value, _) { value.is_a?(AIOClone::File) && value.fileno.positive? },
           -> { ["/nonexistent", "r"] }, Errno::ENOENT],
    close: [-> { [::File.open(@path)] }, ->(value, (io)) { value.zero? && io.closed? }, -> { [1_000_000] }, Errno::EBADF],
    read: [-> { [@io, 4, 3] }, ->(value, _) { value == "3456" }, -> { [1_000_000, 1, 0] }, Errno::EBADF],
    write: [-> { [@io, "ab", 20] }, ->(value, _) { value == 2 && ::File.size(@path) == 22 },
            -> { [1_000_000, "a", 0] }, Errno::EBADF],
    readahead: [-> { [@io, 0, 10] }, ->(value, _) { value.zero? }, -> { [1_000_000, 0, 1] }, Errno::EBADF],
    stat: [-> { [@link] }, ->(value, _) { value.is_a?(::File::Stat) && value.size == 10 }, -> { ["/nonexistent"] },
           Errno::ENOENT],
    lstat: [-> { [@link] }, ->(value, _) { value.symlink? }, -> { ["/nonexistent"] }, Errno::ENOENT],
    fstat: [-> { [@io] }, ->(value, _) { value.file? && value.size == 10 }, -> { [1_000_000] }, Errno::EBADF],
    unlink: [-> { [@path] }, ->(value, _) { value.zero? && !::File.exist?(@path) }, -> { ["/nonexistent"] }, Errno::ENOENT],
    fsync: [-> { [@io] }, ->(value, _) { value.zero? }, -> { [1_000_000] }, Errno::EBADF],
    fdatasync: [-> { [@io] }, ->(value, _) { value.zero? }, -> { [1_000_000] }, Errno::EBADF]
  }.freeze

  def setup
    @path = file_with("0123456789")
    @link = "#{@path}.link"
    ::File.symlink(@path, @link)
    @io = ::File.open(@path, "r+")
    @context = AIOClone::Context.new
  end

  def teardown
    @io.close unless @io.closed?
    @context.destroy
  end

  def test_the_table_is_here
    assert_operator AIOClone::OPERATIONS.size, :>=, 12
    AIOClone::OPERATIONS.each_key do |name|
      assert_includes AIOClone::Native.public_instance_methods(false), name
      assert CASES.key?(name), "#{name} has no case in this test"
      [AIOClone, @context, @context.start].each do |receiver|
        owner = receiver.method(name).owner
        allowed = [AIOClone::Native, AIOClone::Operations]
        allowed << AIOClone.singleton_class if name == :open
        assert_includes allowed, owner, "#{name} of #{receiver.inspect} is another method"
      end
    end
    assert_empty CASES.keys - AIOClone::OPERATIONS.keys
  end

  def test_operations_on_a_descriptor_are_methods_of_files
    AIOClone::OPERATIONS.each do |name, parameters|
      assert_includes AIOClone::File.public_instance_methods(false), name if parameters.first == :fd
    end
  end

  AIOClone::OPERATIONS.each_key do |name|
    success, holds, failure, error = CASES[name]
    next unless success

    define_method(:"test_#{name}_waits") do
      arguments = instance_exec(&success)
      value = @context.public_send(name, *arguments)
      assert instance_exec(value, arguments, &holds), "#{name} gave #{value.inspect}"
      assert_raises(error) { @context.public_send(name, *instance_exec(&failure)) } if failure
    end

    define_method(:"test_#{name}_calls_its_block") do
      arguments = instance_exec(&success)
      got = []
      id = @context.public_send(name, *arguments) { |*all| got << all }
      assert_kind_of Integer, id
      assert_empty got, "not inside the call"
      @context.run
      assert_equal 1, got.size
      assert_nil got[0][1]
      assert instance_exec(got[0][0], arguments, &holds), "#{name} gave #{got[0][0].inspect}"
      next unless failure

      @context.public_send(name, *instance_exec(&failure)) { |*all| got << all }
      @context.run
      assert_equal 2, got.size
      assert_nil got[1][0]
      assert_instance_of error, got[1][1]
    end

    define_method(:"test_#{name}_is_a_request") do
      arguments = instance_exec(&success)
      request = @context.start.public_send(name, *arguments)
      assert_instance_of AIOClone::Request, request
      value = request.value
      assert instance_exec(value, arguments, &holds), "#{name} gave #{value.inspect}"
      assert_same value, request.value
      next unless failure

      request = @context.start.public_send(name, *instance_exec(&failure))
      first = assert_raises(error) { request.value }
      assert_same first, assert_raises(error) { request.value }
    end
  end

  # What SWIG made.
  def generated
    directory = ENV["AIOC_GENERATED"]
    return ::File.read(::File.join(directory, "native_wrap.c")) if directory

    ENV["AIOC_CI"] ? flunk("AIOC_GENERATED names no build") : skip("not in a build tree")
  end

  def test_every_parameter_has_a_typemap
    unknown = generated.scan(/AIOClone: no typemap for (.*)"/).flatten
    assert_empty unknown, "add typemaps to bindings/swig/ruby/aioclone_ruby.swg"
  end

  # Ruby 4.1 has no untyped data objects any more.
  def test_no_untyped_data
    refute_match(/Data_(Wrap|Make|Get)_Struct|RDATA|DATA_PTR/, generated)
    Dir[::File.join(__dir__, "../ext/aioclone/*.c")].each do |path|
      refute_match(/(?<!Typed)Data_(Wrap|Make|Get)_Struct|\bRDATA\(/, ::File.read(path), path)
    end
  end
end
