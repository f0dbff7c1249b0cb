# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Memory for reads and writes.
require_relative "support/support"

class TestBuffers < AIOCloneTest
  def setup
    @data = Random.new(1).bytes(100_000)
    @io = ::File.open(file_with(@data), "r+")
    @context = AIOClone::Context.new
    Warning[:experimental] = false
  end

  def teardown
    @io.close
    @context.destroy
  end

  def test_new_strings
    data = @context.read(@io, 4096, 10)
    assert_equal @data[10, 4096], data
    assert_equal Encoding::BINARY, data.encoding
    refute data.frozen?
    assert_equal @data[99_990..], @context.read(@io, 4096, 99_990), "short"
    assert_equal "", @context.read(@io, 4096, 100_000)
    assert_equal "", @context.read(@io, 0, 0)
    assert_equal @data[0, 15], @context.read(@io, 15, 0)
    assert_equal @data, @context.read(@io, 1 << 20, 0)
  end

  def test_a_short_read_keeps_no_large_buffer
    require "objspace"
    assert_operator ObjectSpace.memsize_of(@context.read(@io, 10_000_000, 99_990)), :<, 10_000
  end

  def test_caller_strings
    string = "x" * 50
    assert_equal 50, @context.read(@io, string, 7)
    assert_equal @data[7, 50], string.b
    small = +"12345"
    assert_equal 5, @context.read(@io, small, 0)
    assert_equal @data[0, 5], small.b
    string = "x" * 50
    assert_equal 10, @context.read(@io, string, 99_990)
    assert_equal @data[99_990..], string.b
    assert_equal 0, @context.read(@io, string, 100_000)
    assert_equal "", string
    assert_raises(FrozenError) { @context.read(@io, "frozen", 0) }
  end

  def test_copies_of_caller_strings_do_not_change
    string = "x" * 1000
    copy = string.dup
    @context.read(@io, string, 0)
    assert_equal "x" * 1000, copy
  end

  def test_a_string_is_locked_until_the_end
    AIOClone::Context.with(engine: :workers, max_workers: 1) do |context|
      context.open(path = fifo) { |file, _| file.close }
      string = "x" * 50
      got = nil
      context.read(@io, string, 3) { |*all| got = all }
      assert_raises(RuntimeError) { string << "y" }
      assert_raises(RuntimeError) { context.read(@io, string, 0) }
      assert_raises(RuntimeError) { string.clear }
      assert_raises(RuntimeError) { string.freeze }
      open_writer(path)
      context.run
      assert_equal [50, nil], got
      assert_equal @data[3, 50], string.b
      string << "y"
    end
  end

  def test_unlocked_after_errors_and_refusals
    string = "x" * 50
    assert_raises(Errno::EBADF) { @context.read(1_000_000, string, 0) }
    assert_raises(Errno::EINVAL) { @context.read(@io, string, -1) }
    assert_raises(TypeError) { @context.read(@io, string, nil) }
    assert_equal "x" * 50, string
    string << "y"
  end

  # An argument's conversion changes another argument.
  def test_conversions_that_change_arguments
    string = "x" * 50
    evil = Object.new
    evil.define_singleton_method(:to_int) { string.replace("y" * 100_000); 0 }
    assert_equal 100_000, @context.read(@io, string, evil)
    assert_equal @data, string.b
    frozen = "x" * 200_000
    evil = Object.new
    evil.define_singleton_method(:to_int) { frozen.freeze && 0 }
    assert_equal 100_000, @context.read(@io, frozen, evil)
    assert_equal 200_000, frozen.bytesize
    written = "a" * 50
    evil = Object.new
    evil.define_singleton_method(:to_int) { written.replace("b" * 3); 0 }
    assert_equal 50, @context.write(@io, written, evil)
    assert_equal "a" * 50, @context.read(@io, 50, 0)
    path = @io.path.dup
    evil = Object.new
    evil.define_singleton_method(:to_int) { path.replace("/nonexistent" * 100); ::File::RDONLY }
    AIOClone::Native.instance_method(:open).bind_call(@context, path, evil, 0).close
  end

  def test_writes
    assert_equal 5, @context.write(@io, "äöx", 0)
    assert_equal "äöx".b, @context.read(@io, 5, 0)
    assert_equal 0, @context.write(@io, "", 0)
    assert_equal 3, @context.write(@io, Struct.new(:to_str).new("abc"), 0)
    string = "z" * 1000
    @context.write(@io, string, 0) {}
    string.replace("changed" * 1000)
    @context.run
    assert_equal "z" * 1000, @context.read(@io, 1000, 0), "what it was when it was written"
  end

  def test_io_buffers
    buffer = IO::Buffer.new(1000)
    assert_equal 1000, @context.read(@io, buffer, 5)
    assert_equal @data[5, 1000], buffer.get_string(0, 1000)
    buffer.set_string("text", 0)
    assert_equal 1000, @context.write(@io, buffer, 0)
    assert_equal "text", @context.read(@io, 4, 0)
    mapped = IO::Buffer.new(1 << 17)
    assert_equal 100_000, @context.read(@io, mapped, 0)
    assert_raises(Errno::EBADF) { @context.read(1_000_000, buffer, 0) }
    buffer.free
    assert_match(/buf: /, assert_raises(ArgumentError) { @context.read(@io, buffer, 0) }.message)
    assert_match(/buf: .*owns/, assert_raises(ArgumentError) { @context.read(@io, mapped.slice(0, 10), 0) }.message)
  end

  def test_an_io_buffer_is_locked_until_the_end
    AIOClone::Context.with(engine: :workers, max_workers: 1) do |context|
      context.open(path = fifo) { |file, _| file.close }
      buffer = IO::Buffer.new(1000)
      context.read(@io, buffer, 0) {}
      assert buffer.locked?
      assert_raises(IO::Buffer::LockedError) { buffer.free }
      assert_raises(IO::Buffer::LockedError) { context.read(@io, buffer, 0) }
      open_writer(path)
      context.run
      refute buffer.locked?
    end
  end

  def test_large
    data = "0123456789abcdef" * (1 << 20)
    assert_equal data.bytesize, @context.write(@io, data, 0)
    assert_equal data, @context.read(@io, data.bytesize, 0)
  end
end
