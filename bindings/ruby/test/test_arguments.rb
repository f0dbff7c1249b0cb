# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Wrong arguments: a native error that names the argument, before anything is submitted.
require_relative "support/support"

class TestArguments < AIOCloneTest
  def setup
    @path = file_with("0123456789")
  end

  def refused(error, text, &block)
    assert_match text, assert_raises(error, &block).message
    assert_equal 0, AIOClone.context.outstanding
  end

  def test_types
    refused(TypeError, /path: no implicit conversion of Integer into String/) { AIOClone.stat(5) }
    refused(TypeError, /path: no implicit conversion of nil into String/) { AIOClone.stat(nil) }
    refused(TypeError, /path: .*Integer/) { AIOClone.open(5) }
    refused(TypeError, /mode: .*Symbol into String or Integer/) { AIOClone.open(@path, :r) }
    refused(TypeError, /mode: .*String into Integer/) { AIOClone.open(@path, "r", "644") }
    refused(TypeError, /fd: no implicit conversion of String into IO or Integer/) { AIOClone.fsync("x") }
    refused(TypeError, /fd: .*nil/) { AIOClone.close(nil) }
    refused(TypeError, /buf: .*nil into Integer/) { AIOClone.read(0, nil, 0) }
    refused(TypeError, /buf: .*Integer into String/) { AIOClone.write(0, 5, 0) }
    refused(TypeError, /offset: .*Float into Integer/) { AIOClone.read(0, 1, 1.0) }
    refused(TypeError, /offset: .*String into Integer/) { AIOClone.write(0, "x", "5") }
    refused(TypeError, /count: .*nil into Integer/) { AIOClone.readahead(0, 0, nil) }
    refused(ArgumentError, /wrong # of arguments/) { AIOClone.stat }
    refused(ArgumentError, /wrong # of arguments/) { AIOClone.stat(@path, 1) }
  end

  def test_ranges
    refused(RangeError, /offset: 9223372036854775808 is out of range/) { AIOClone.read(0, 1, 1 << 63) }
    refused(RangeError, /offset: -9223372036854775809 is out of range/) { AIOClone.read(0, 1, -(1 << 63) - 1) }
    refused(RangeError, /offset: .* is out of range/) { AIOClone.read(0, 1, 1 << 64) }
    refused(ArgumentError, /buf: -1 is negative/) { AIOClone.read(0, -1, 0) }
    refused(ArgumentError, /count: -1 is negative/) { AIOClone.readahead(0, 0, -1) }
    refused(ArgumentError, /count: -#{1 << 70} is negative/) { AIOClone.readahead(0, 0, -(1 << 70)) }
    refused(RangeError, /count: #{1 << 64} is out of range/) { AIOClone.readahead(0, 0, 1 << 64) }
    refused(RangeError, /fd: 2147483648 is out of range/) { AIOClone.fsync(1 << 31) }
    refused(RangeError, /fd: .* is out of range/) { AIOClone.fsync(1 << 70) }
    refused(RangeError, /mode: -1 is out of range/) { AIOClone.open(@path, "r", -1) }
    refused(Errno::EINVAL, /read/) { AIOClone.read(0, 1, -1) }
    refused(Errno::EINVAL, /readahead/) { AIOClone.readahead(0, 0, (1 << 64) - 1) }
    assert_raises(Errno::EBADF) { AIOClone.fsync(-1) }
  end

  def test_paths
    refused(ArgumentError, /path: contains a null byte/) { AIOClone.stat("#{@path}\0x") }
    refused(ArgumentError, /path: contains a null byte/) { AIOClone.unlink("\0") }
    refused(EncodingError, /path: must be ASCII-compatible/) { AIOClone.stat(@path.encode("UTF-16LE")) }
    refused(Errno::ENAMETOOLONG, /xxx/) { AIOClone.stat("x" * 4096) }
    refused(Errno::ENOENT, /directory - \/nonexistent$/) { AIOClone.stat("/nonexistent") }
    refused(Errno::ENOENT, //) { AIOClone.stat("") }
    refused(TypeError, /path: /) { AIOClone.stat(Struct.new(:to_path).new(5)) }
    assert_equal 10, AIOClone.stat(Struct.new(:to_path).new(@path)).size
    assert_equal 10, AIOClone.stat(Struct.new(:to_str).new(@path)).size
    assert_equal 10, AIOClone.stat(@path.b.freeze).size
    assert_equal 10, AIOClone.stat("xx#{@path}yy"[2...-2]).size, "a part of a String"
    path = "#{directory}/\xc3\xa4\xff".b
    ::File.binwrite(path, "xy")
    assert_equal 2, AIOClone.stat(path).size
    assert_raises(KeyError) { AIOClone.stat(Class.new { def to_path = raise(KeyError) }.new) }
  end

  def test_files
    io = ::File.open(@path)
    wrapper = Struct.new(:to_io).new(io)
    [io, io.fileno, wrapper, AIOClone.open(@path)].each { |file| assert_equal 10, AIOClone.fstat(file).size }
    io.close
    refused(IOError, /closed stream/) { AIOClone.fstat(io) }
    file = AIOClone.open(@path)
    file.close
    refused(IOError, /closed file/) { AIOClone.fstat(file) }
    refused(IOError, /closed file/) { AIOClone.close(file) }
  end

  def test_close_takes_the_descriptor
    io = ::File.open(@path, "r+")
    io.write("buffered")
    fd = io.fileno
    assert_equal 0, AIOClone.close(io)
    assert io.closed?
    assert_equal "buffered89", ::File.read(@path)
    assert_raises(Errno::EBADF) { AIOClone.fstat(fd) }
    fd = ::File.open(@path).tap { |f| f.autoclose = false }.fileno
    assert_equal 0, AIOClone.close(fd)
    assert_raises(Errno::EBADF) { AIOClone.close(fd) }
  end

  # A refused close leaves the file as it was.
  def test_refused_close
    AIOClone::Context.with(engine: :workers, max_outstanding: 1) do |context|
      context.open(path = fifo) { |file, _| file.close }
      file = AIOClone.open(@path)
      assert_raises(Errno::EAGAIN) { context.close(file) }
      assert_equal 10, file.size
      io = ::File.open(@path)
      fd = io.fileno
      assert_raises(Errno::EAGAIN) { context.close(io) }
      assert_raises(Errno::EBADF) { IO.for_fd(fd) }
      open_writer(path)
      context.run
      file.close
    end
  end

  def test_64_bits
    file = AIOClone.open(new_path, "w+")
    [(5 << 30) + 12_345, (1 << 42) + 1].each do |offset|
      begin
        assert_equal 4, AIOClone.write(file, "here", offset)
      rescue Errno::EFBIG
        next
      end
      assert_equal offset + 4, file.size
      assert_equal "\0\0here".b, AIOClone.read(file, 100, offset - 2)
      assert_equal 0, AIOClone.readahead(file, offset - 4096, 4096)
    end
    assert_equal "", AIOClone.read(file, 100, 1 << 62)
    assert_equal "", AIOClone.read(file, 100, (1 << 62) + 1), "a Bignum"
    assert_raises(Errno::EINVAL, Errno::EFBIG) { AIOClone.write(file, "x", (1 << 63) - 1) }
  ensure
    file&.close
  end

  def test_modes
    path = new_path
    assert_raises(Errno::ENOENT) { AIOClone.open(path, "r+") }
    AIOClone.open(path, "wx", 0o600) { |file| file.write("text") }
    assert_equal 0o100600, ::File.stat(path).mode
    assert_raises(Errno::EEXIST) { AIOClone.open(path, "wx") }
    AIOClone.open(path, "a+b") { |file| assert_equal [4, "text"], [file.write("more"), file.pread(4, 0)] }
    assert_equal "textmore", ::File.read(path)
    AIOClone.open(path, "rb") { |file| assert_raises(Errno::EBADF) { file.write("x") } }
    AIOClone.open(path, ::File::RDWR | ::File::TRUNC) { |file| assert_equal 0, file.size }
    %w[q rx x b rw].each { |mode| refused(ArgumentError, /mode: invalid access mode/) { AIOClone.open(path, mode) } }
    fd = AIOClone.open(path).detach
    assert IO.for_fd(fd).close_on_exec?
  end
end
