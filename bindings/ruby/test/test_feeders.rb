# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Feeders of groups.
require_relative "support/support"
require_relative "support/scheduler"

class TestFeeders < AIOCloneTest
  def setup
    @path = file_with("0123456789")
    @context = AIOClone::Context.new
  end

  def teardown
    @context.destroy
  end

  # Adds count stats to a group; what came of them.
  def feeder(group, limit, count, tally)
    tally.update(fed: 0, done: 0, most: 0)
    @context.feed_group(group, limit) do |same|
      next if tally[:fed] == count

      tally[:fed] += 1
      @context.using(group: same).stat(@path) { |stat, _| tally[:done] += 1 if stat.size == 10 }
      tally[:most] = [tally[:most], tally[:fed] - tally[:done]].max
    end
  end

  def test_the_limit_is_kept
    ended = nil
    tally = {}
    given = []
    group = @context.group { |*result| ended = result }
    @context.feed_group(group, 0) { |id| given << id && nil }
    assert_empty given
    assert_nil feeder(group, 7, 100, tally)
    assert_equal 7, tally[:fed], "at once"
    assert_equal 7, @context.group_info(group)[:outstanding]
    @context.run
    assert_equal({ fed: 100, done: 100, most: 7 }, tally)
    assert_equal [100, nil], ended
    assert_raises(Errno::ENOENT) { @context.feed_group(group, 1) { nil } }
    group = @context.group {}
    @context.feed_group(group, 1) { |id| given << id && nil }
    assert_equal [group], given
    assert_raises(Errno::ENOENT, Errno::ESHUTDOWN) { @context.feed_group(group, 1) { nil } }
    @context.run
  end

  def test_ten_thousand_members
    tally = {}
    ended = nil
    group = @context.group { |count, _| ended = count }
    feeder(group, 64, 10_000, tally)
    most = 0
    while @context.wait
      @context.poll
      most = [most, @context.outstanding].max
    end
    assert_equal({ fed: 10_000, done: 10_000, most: 64 }, tally)
    assert_equal 10_000, ended
    assert_operator most, :<=, 65
  end

  def test_pauses
    fed = 0
    group = @context.start.group
    calls = 0
    @context.feed_group(group, 1) do
      calls += 1
      fed += 1
      @context.using(group: group).nop {}
      fed < 3
    end
    assert_equal 1, fed
    @context.feed_group(group, 0)
    @context.poll while @context.group_info(group)[:outstanding].positive?
    assert_equal 1, fed
    @context.feed_group(group, 5)
    assert_equal 3, fed
    assert_raises(Errno::ESHUTDOWN) { @context.feed_group(group, 5) { flunk } }
    assert_equal 3, group.value
    assert_equal 3, calls
    assert_raises(Errno::ENOENT) { @context.feed_group(group, 5) }
  end

  def test_one_that_adds_nothing_is_called_again
    calls = 0
    group = @context.start.group
    members = @context.using(group: group)
    @context.feed_group(group, 3) { (calls += 1) == 1 ? members.nop {} : calls < 4 }
    assert_equal 2, calls, "none was added by the second"
    @context.feed_group(group, 3)
    assert_equal 3, calls, "the next feed_group"
    @context.run
    assert_equal 4, calls, "a member's end"
    assert_equal 1, group.value
  end

  def test_it_is_not_called_inside_itself
    fed = depth = most = 0
    group = @context.start.group
    @context.feed_group(group, 4) do
      most = [most, depth += 1].max
      @context.feed_group(group, 4) if fed.zero?
      @context.poll
      @context.using(group: group).nop {} if (fed += 1) <= 10
    ensure
      depth -= 1
    end
    assert_equal [10, 1, 11], [group.value, most, fed]
  end

  def test_what_it_raises
    ended = nil
    group = @context.group { |*result| ended = result }
    error = assert_raises(IndexError) { @context.feed_group(group, 3) { raise IndexError, "first" } }
    assert_equal "first", error.message
    @context.run
    assert_instance_of Errno::ECANCELED, ended[1]
    assert_equal :thrown, (catch(:out) do
      @context.feed_group(@context.group { |*result| ended = result }, 3) { throw :out, :thrown }
    end)
    @context.run
    assert_instance_of Errno::ECANCELED, ended[1]
  end

  def test_what_it_raises_later
    @context.to_io # it must stay readable
    fed = [0, 0]
    ended = []
    done = errors = 0
    2.times do |i|
      group = @context.group { |_, error| ended << error.class }
      @context.feed_group(group, 2) do
        raise IndexError if (fed[i] += 1) == 6

        @context.using(group: group).stat(@path) { done += 1 }
      end
    end
    until ended.size == 2
      assert IO.select([@context], nil, nil, 20), "readable while there is something to do"
      begin
        @context.poll
      rescue IndexError
        errors += 1
      end
    end
    assert_equal [2, 10, [6, 6], [Errno::ECANCELED] * 2], [errors, done, fed, ended]
  end

  def test_cancelled
    calls = 0
    ended = []
    group = @context.group { |_, error| ended << error.class }
    @context.feed_group(group, 4) do
      calls += 1
      @context.using(group: group).stat(@path) { |_, _| ended << :member }
      @context.cancel(group) if calls == 2
      true
    end
    assert_raises(Errno::ECANCELED, Errno::ENOENT) { @context.feed_group(group, 4) { flunk } }
    @context.run
    assert_equal 2, calls
    assert_equal [:member, :member, Errno::ECANCELED], ended
  end

  def test_destroyed_meanwhile
    context = AIOClone::Context.new
    ended = nil
    group = context.group { |_, error| ended = error.class }
    context.feed_group(group, 4) do
      context.using(group: group).nop {}
      context.destroy
      true
    end
    assert context.destroyed?
    assert_equal Errno::ECANCELED, ended
  end

  # Nobody polls: who waits calls it.
  def test_value
    group = @context.start.group
    requests = []
    @context.feed_group(group, 5) do
      requests << @context.using(group: group).start.stat(@path) if requests.size < 1000
    end
    assert_equal 5, requests.size
    assert_equal 1000, group.value
    assert_equal [10], requests.map(&:value).map(&:size).uniq
    group = @context.start.group
    calls = 0
    @context.feed_group(group, 1) { (calls += 1) < 5 ? @context.using(group: group).nop {} : raise(IndexError) }
    assert_raises(IndexError) { group.value }
    assert_raises(Errno::ECANCELED) { group.value }
  end

  def test_groups_in_groups
    outer = @context.start.group
    groups = 0
    members = 0
    @context.feed_group(outer, 2) do
      next if groups == 20

      groups += 1
      inner = @context.using(group: outer).start.group
      left = 30
      @context.feed_group(inner, 3) do
        next if left.zero?

        left -= 1
        @context.using(group: inner).stat(@path) { members += 1 }
      end
      @kept = [@kept, inner]
    end
    assert_equal 20, outer.value
    @context.run
    assert_equal 600, members
  end

  def test_threads
    [:auto, :workers].each do |engine|
      @context.destroy
      @context = AIOClone::Context.new(engine: engine)
      groups = Array.new(4) { @context.start.group }
      fed = Array.new(4, 0)
      inside = Array.new(4, 0)
      groups.each_with_index do |group, i|
        @context.feed_group(group, 3) do
          flunk "called twice at once" if (inside[i] += 1) > 1
          Thread.pass
          @context.using(group: group).stat(@path) {} if (fed[i] += 1) <= 200
        ensure
          inside[i] -= 1
        end
      end
      threads = groups.map { |group| Thread.new { group.value } }
      threads << Thread.new { 500.times { @context.stat(@path).then { Thread.pass } } }
      threads << Thread.new { @context.run.then { nil } }
      assert_equal([200] * 4, threads.first(4).map { |thread| thread.join(60)&.value })
      threads.each { |thread| assert thread.join(60) }
      assert_equal [201] * 4, fed
    end
  end

  # A waiter takes completions: then the descriptor says that there is a group to feed.
  def test_waiters_leave_it_to_poll
    context = AIOClone::Context.new(engine: :workers)
    fed = 0
    ended = nil
    group = context.group { |count, _| ended = count }
    context.feed_group(group, 1) { context.using(group: group).start.nop if (fed += 1) <= 50 }
    20.times { context.stat(@path) }
    assert_equal 1, fed, "not by who waits for something else"
    io = context.to_io
    until ended
      assert IO.select([io], nil, nil, 20), "readable while there is something to do"
      context.poll
      context.stat(@path)
    end
    assert_equal 50, ended
    context.destroy
  end

  def test_fibers
    TestScheduler.run do
      context = AIOClone::Context.new(engine: :workers)
      group = context.start.group
      fed = 0
      context.feed_group(group, 3) do
        context.stat(@path) if fed == 10 # it may wait
        context.using(group: group).stat(@path) {} if (fed += 1) <= 100
      end
      counts = Array.new(2) { 0 }
      fibers = Array.new(2) { |i| Fiber.schedule { counts[i] = group.value } }
      sleep 0 while fibers.any?(&:alive?)
      assert_equal [100, 100], counts
      context.run
      context.destroy
    end
  end

  def test_garbage
    GC.stress = true
    group = @context.start.group
    fed = 0
    sizes = []
    @context.feed_group(group, 2) { @context.using(group: group).stat(@path) { |s, _| sizes << s.size } if (fed += 1) <= 5 }
    count = group.value
    @context.run
    GC.stress = false
    assert_equal [5, [10] * 5], [count, sizes]
  ensure
    GC.stress = false
  end

  # One whose group ends while it is called, also under GC.
  def test_its_group_ends_meanwhile
    ended = nil
    group = @context.group { |_, error| ended = error.class }
    @context.feed_group(group, 2) do
      @context.cancel(group)
      @context.run
      100.times { @context.nop {} }
      GC.start
      true
    end
    assert_equal Errno::ECANCELED, ended
    @context.run
  end

  def test_forks
    group = @context.start.group
    fed = 0
    inside = nil
    @context.feed_group(group, 2) do
      inside = in_child { @context.nop {} && @context.run.outstanding.zero? } if fed == 1
      @context.using(group: group).nop {} if (fed += 1) <= 10
    end
    assert inside
    alone = in_child do
      @context.run
      raise "it knows the group" unless (begin
        @context.feed_group(group, 1)
      rescue Errno::ENOENT
        true
      end)
      group.value
    rescue Errno::ECANCELED
      fed == 2
    end
    assert alone
    assert_equal 10, group.value
  end

  def test_arguments
    group = @context.group {}
    assert_match(/limit/, assert_raises(RangeError) { @context.feed_group(group, -1) { nil } }.message)
    assert_match(/limit/, assert_raises(TypeError) { @context.feed_group(group, "1") { nil } }.message)
    assert_match(/group/, assert_raises(TypeError) { @context.feed_group("x", 1) { nil } }.message)
    assert_raises(Errno::ENOENT) { @context.feed_group(1 << 40, 1) { nil } }
    id = @context.nop {}
    assert_raises(Errno::EINVAL) { @context.feed_group(id, 1) { nil } }
    assert_nil @context.feed_group(group, 1), "none yet"
    @context.close_group(group)
    @context.run
  end
end
