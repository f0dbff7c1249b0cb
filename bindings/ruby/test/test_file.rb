# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# AIOClone::File.
require_relative "support/support"

class TestFile < AIOCloneTest
  def setup
    @path = file_with("0123456789")
  end

  def test_the_block_of_open
    kept = nil
    value = AIOClone.open(@path) do |file|
      kept = file
      file.pread(5, 2)
    end
    assert_equal "23456", value
    assert kept.closed?
    assert_raises(KeyError) { AIOClone.open(@path) { |file| (kept = file) && raise(KeyError) } }
    assert kept.closed?
    AIOClone.open(@path, &:close)
  end

  def test_pread
    AIOClone.open(@path) do |file|
      assert_equal "89", file.pread(5, 8)
      assert_raises(EOFError) { file.pread(5, 10) }
      assert_equal "", file.pread(0, 10)
      buffer = +"x"
      assert_same buffer, file.pread(5, 1, buffer)
      assert_equal "12345", buffer
      assert_same buffer, file.pread(5, 8, buffer)
      assert_equal "89", buffer
      assert_raises(EOFError) { file.pread(5, 10, buffer) }
      Warning[:experimental] = false
      memory = IO::Buffer.new(4)
      assert_same memory, file.pread(4, 3, memory)
      assert_equal "3456", memory.get_string(0, 4)
      assert_match(/buffer/, assert_raises(ArgumentError) { file.pread(3, 3, memory) }.message)
      assert_match(/length/, assert_raises(ArgumentError, RangeError) { file.pread(-1, 0, buffer) }.message)
    end
  end

  def test_blocks
    context = AIOClone.context
    got = []
    context.open(@path) do |file, _|
      file.pread(3, 1) do |data, _|
        got << data
        file.fstat { |stat, _| got << stat.size }
        file.close { |result, _| got << result }
      end
    end
    context.run
    assert_equal ["123", 10, 0], got
  end

  def test_reading_and_writing_at_a_position
    AIOClone.open(@path, "r+") do |file|
      assert_equal "012", file.read(3)
      assert_equal "3456789", file.read
      assert_equal "", file.read
      assert_nil file.read(1)
      file.pos = 8
      assert_equal 4, file.write("abcd")
      assert_equal 12, file.pos
      assert_equal 0, file.write("")
      file.pos = 0
      assert_equal "01234567abcd", file.read(100)
      assert_raises(ArgumentError) { file.pos = -1 }
      assert_raises(ArgumentError) { file.read(-1) }
      assert_equal 2, file.pwrite(12, 0)
      assert_equal 12, file.size
      assert_equal 12, file.stat.size
      assert_equal 0, file.fsync
      assert_equal 0, file.fdatasync
    end
    AIOClone.open("/proc/self/status") { |file| assert_match(/^Name:.*ruby/, file.read) }
  end

  def test_to_io
    file = AIOClone.open(@path)
    assert_equal "0123456789", file.to_io.read
    assert_equal file.fileno, file.to_io.fileno
    assert_same file.to_io, file.to_io
    assert_equal @path, file.path
    assert_match(/#{@path}>/, file.inspect)
    file.close
    assert_match(/\(closed\)/, file.inspect)
    %i[to_io fileno fstat close size].each { |name| assert_raises(IOError) { file.public_send(name) } }
  end

  def test_one_that_nobody_keeps_is_closed
    before = descriptors
    open = -> { 20.times { AIOClone.open(@path) } }
    open.call
    eventually("they are closed") do
      GC.start
      descriptors <= before + 2
    end
  end

  def test_one_in_use_is_not_closed
    AIOClone::Context.with(engine: :workers, max_workers: 1) do |context|
      context.open(path = fifo) { |file, _| file.close }
      got = []
      submit = -> { 10.times { AIOClone.open(@path).then { |file| context.read(file, 5, 0) { |*all| got << all } } } }
      submit.call
      3.times { GC.start }
      open_writer(path)
      context.run
      assert_equal [["01234", nil]] * 10, got
    end
  end

  # A close that never began leaves the file open.
  def test_cancelled_close
    AIOClone::Context.with(engine: :workers, max_workers: 1) do |context|
      context.open(path = fifo) { |other, _| other.close }
      file = AIOClone.open(@path)
      io = ::File.open(@path)
      fd = io.fileno
      got = []
      ids = [context.close(file) { |*all| got << all }, context.close(io) { |*all| got << all }]
      assert file.closed?
      ids.each { |id| assert context.cancel(id) }
      open_writer(path)
      context.run
      assert_equal [Errno::ECANCELED] * 2, got.map { |_, error| error.class }
      assert_equal 10, file.size
      assert_raises(Errno::EBADF) { IO.for_fd(fd) }
      file.close
    end
  end

  def test_detach
    file = AIOClone.open(@path)
    io = IO.for_fd(file.detach)
    assert file.closed?
    assert_equal "0123", io.read(4)
    io.close
  end

  def test_of_a_context
    AIOClone::Context.with do |context|
      file = context.open(@path)
      assert_same context, file.context
      assert_equal "0", file.pread(1, 0)
      file.close
      assert_equal 3, context.count(:open) + context.count(:read) + context.count(:close)
    end
    assert_same AIOClone, AIOClone.open(@path).context
  end
end
