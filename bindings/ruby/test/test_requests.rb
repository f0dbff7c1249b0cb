# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Requests as objects, and map.
require_relative "support/support"

class TestRequests < AIOCloneTest
  def setup
    @context = AIOClone::Context.new
    @path = file_with("0123456789")
  end

  def teardown
    @context.destroy
  end

  def test_values_in_any_order
    requests = Array.new(100) { @context.start.stat(@path) }
    requests.shuffle.each { |request| assert_equal 10, request.value.size }
    assert_equal 0, @context.outstanding
  end

  def test_done
    path = fifo
    request = @context.start.open(path)
    refute request.done?
    open_writer(path)
    eventually { request.done? }
    request.value.close
    assert request.done?
  end

  def test_cancel
    context = AIOClone::Context.new(engine: :workers, max_workers: 1)
    path = fifo
    blocker = context.start.open(path)
    request = context.start.stat(@path)
    assert request.cancel
    open_writer(path)
    assert_raises(Errno::ECANCELED) { request.value }
    refute request.cancel
    blocker.value.close
  ensure
    context&.destroy
  end

  def test_refusals_are_raised_at_once
    assert_raises(Errno::ENAMETOOLONG) { @context.start.stat("x" * 5000) }
    assert_raises(ArgumentError) { @context.start.stat(@path) {} }
    assert_equal 0, @context.outstanding
  end

  def test_one_that_nobody_keeps_ends
    path = fifo
    make = -> { @context.start.open(path) && nil }
    10.times { make.call }
    eventually("they are collected") do
      GC.start
      ::File.open(path, ::File::RDWR | ::File::NONBLOCK).close # lets those go on that run
      @context.nop
      @context.outstanding <= 1 # a conservative collector may see one
    end
  end

  def test_two_threads_wait_for_one
    20.times do
      path = fifo
      request = @context.start.open(path)
      threads = Array.new(3) { Thread.new { request.value } }
      eventually { threads.all?(&:stop?) }
      open_writer(path)
      assert_equal 1, threads.map(&:value).uniq(&:object_id).size
      request.value.close
    end
  end

  def test_map
    paths = Array.new(300) { |i| file_with("x" * i) }
    assert_equal (0...300).to_a, @context.map(paths) { |start, path| start.stat(path) }.map(&:size)
    assert_equal (0...300).to_a, @context.map(paths, limit: 1) { |start, path| start.stat(path) }.map(&:size)
    assert_equal [], @context.map([]) { flunk }
    assert_equal 10, AIOClone.map([@path]) { |start, path| start.stat(path) }[0].size
  end

  def test_map_raises_the_first_error
    assert_raises(Errno::ENOENT) { @context.map([@path, "/nonexistent", @path]) { |start, path| start.stat(path) } }
    assert_raises(KeyError) { @context.map([@path, @path]) { |start, path| @once ? raise(KeyError) : (@once = start.stat(path)) } }
    assert_match(/limit/, assert_raises(ArgumentError) { @context.map([], limit: 0) }.message)
    eventually { @context.nop && @context.outstanding.zero? }
  end

  def test_there_is_no_other_way_to_make_one
    [AIOClone::Request, AIOClone::File].each do |type|
      assert_raises(NoMethodError, TypeError) { type.new }
      assert_raises(TypeError) { type.allocate }
    end
    assert_raises(TypeError) { AIOClone::Starter.new(5) }
    assert_raises(IOError) { AIOClone::Context.allocate.nop }
    assert_raises(RuntimeError) { @context.send(:initialize) }
  end
end
