# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Priorities, timeouts, groups and directories.
require_relative "support/support"

class TestPlans < AIOCloneTest
  def setup
    @path = file_with("0123456789")
    @context = AIOClone::Context.new(engine: :workers, max_workers: 1)
  end

  def teardown
    release(@release) if @release
    @context.destroy
  end

  # With the only worker busy meanwhile.
  def blocked
    @context.open(path = fifo) { |file, _| file&.close }
    yield
  ensure
    release(path)
    @context.run
  end

  def test_priorities
    order = []
    blocked do
      [0, -4, 4, 1].each { |priority| @context.using(priority: priority).stat(@path) { order << priority } }
    end
    assert_equal [4, 1, 0, -4], order
    assert_equal 10, @context.using(priority: 2).stat(@path).size
    assert_raises(Errno::EINVAL) { @context.using(priority: 5).nop }
    assert_match(/priority/, assert_raises(TypeError) { @context.using(priority: "1") }.message)
  end

  def test_timeouts
    error = nil
    path = fifo
    @release = path
    @context.open(path) { |file, _| file&.close }
    assert_raises(Errno::ETIMEDOUT) { @context.using(timeout: 0.02).stat(@path) }
    request = @context.using(timeout: 0.02).start.stat(@path)
    assert_raises(Errno::ETIMEDOUT) { request.value }
    @context.using(timeout: 0.02).stat(@path) { |_, e| error = e }
    until error # it may be readable once more than needed
      assert IO.select([@context], nil, nil, 20), "the descriptor is readable in time"
      @context.poll
    end
    assert_instance_of Errno::ETIMEDOUT, error
    release(path)
    @context.run
    assert_equal 10, @context.using(timeout: 60).stat(@path).size
    [0, -1, "1", Float::INFINITY].each do |timeout|
      assert_match(/timeout/, assert_raises(ArgumentError) { @context.using(timeout: timeout) }.message)
    end
  end

  def test_groups
    ended = nil
    group = @context.group { |count, error| ended = [count, error] }
    members = @context.using(group: group)
    got = []
    5.times { members.stat(@path) { |stat, _| got << stat.size } }
    assert_equal({ closed: false, outstanding: 5, succeeded: 0, failed: 0, first_error: nil }, @context.group_info(group))
    @context.close_group(group)
    assert_raises(Errno::ESHUTDOWN) { members.nop }
    @context.run
    assert_equal [10] * 5, got
    assert_equal [5, nil], ended
    assert_raises(Errno::ENOENT) { @context.group_info(group) }
    assert_raises(Errno::ENOENT) { members.nop }
  end

  def test_groups_as_requests
    group = @context.start.group
    members = @context.using(group: group, priority: 1)
    request = members.start.stat(@path)
    members.start.stat("/nonexistent").then { |failed| assert_raises(Errno::ENOENT) { failed.value } }
    assert_instance_of Errno::ENOENT, @context.group_info(group)[:first_error]
    @context.close_group(group)
    assert_raises(Errno::ENOENT) { group.value }
    assert_equal 10, request.value.size
    assert_match(/group/, assert_raises(ArgumentError) { @context.group }.message)
    assert_match(/group/, assert_raises(TypeError) { @context.using(group: "x") }.message)
  end

  def test_groups_have_plans
    outer = @context.start.group
    inner = @context.using(group: outer).start.group
    @context.close_group(inner)
    assert_equal 0, inner.value
    assert_equal 1, @context.group_info(outer)[:succeeded]
    @context.close_group(outer)
    assert_equal 1, outer.value
    assert_raises(Errno::ETIMEDOUT) { @context.using(timeout: 0.02).start.group.value }
  end

  def test_cancelled_groups
    got = []
    group = @context.group { |_, error| got << error.class }
    blocked do
      3.times { @context.using(group: group).stat(@path) { |_, error| got << error.class } }
      assert @context.cancel(group)
    end
    assert_equal [Errno::ECANCELED] * 4, got
  end

  def test_directories
    place = ::File.dirname(@path)
    name = ::File.basename(@path)
    AIOClone.open(place) do |dir|
      here = @context.using(dirfd: dir)
      assert_equal 10, here.stat(name).size
      assert_equal "012", here.open(name).then { |file| file.pread(3, 0).tap { file.close } }
      assert_equal 0, @context.using(dirfd: dir, dirfd2: dir).rename(name, "#{name}.new")
      assert ::File.exist?("#{@path}.new")
      assert_equal 10, here.stat("#{@path}.new").size, "absolute paths stay"
      assert_includes here.readdir(".").names, "#{name}.new"
      assert_equal 10, ::File.open("#{@path}.new") { |io| here.fstat(io).size }, "a descriptor is no directory"
    end
    assert_match(/dirfd: /, assert_raises(TypeError) { @context.using(dirfd: "x") }.message)
    assert_raises(Errno::EBADF) { @context.using(dirfd: 1_000_000).stat("x") }
  end

  def test_plans_are_made_by_using_only
    assert_raises(NoMethodError, TypeError) { AIOClone::Plan.new }
    assert_raises(NoMethodError) { AIOClone::Plan.create(@context, 0, 0, 0, nil, nil) }
  end
end
