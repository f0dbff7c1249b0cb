# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Chains: each starts when the one before it has ended well.
require_relative "support/support"

class TestChains < AIOCloneTest
  def setup
    @path = file_with("0123456789")
    @context = AIOClone::Context.new
  end

  def teardown
    @context.destroy
  end

  def test_results
    file = @context.open(@path, "r+")
    text = +"#{@path}.2"
    results = @context.chain do |c|
      c.write_full(file, "abc", 2)
      c.futimens(file, [Time.at(5), Time.at(6)])
      c.rename(@path, text)
      c.lstat(text)
      text.replace("/nonexistent") # was copied
      c.close(file)
    end
    assert_equal [3, 0, 0, 10, 0], results.map { |result| result.is_a?(::File::Stat) ? result.size : result }
    assert file.closed?
    assert_equal ["01abc56789", Time.at(6)], [::File.read("#{@path}.2"), ::File.mtime("#{@path}.2")]
    assert_empty(@context.chain { |_| nil })
    assert_equal [10], AIOClone.chain { |c| c.stat("#{@path}.2") }.map(&:size)
    assert_equal [10], @context.using(priority: 3).chain { |c| c.load("#{@path}.2") }.map(&:bytesize)
  end

  def test_an_error_ends_it
    file = @context.open(@path, "r+")
    requests = @context.start.chain do |c|
      c.stat(@path)
      c.stat("/nonexistent")
      c.unlink(@path)
      c.close(file)
    end
    assert_equal 10, requests[0].value.size
    assert_match("/nonexistent", assert_raises(Errno::ENOENT) { requests[1].value }.message)
    requests[2..].each { |request| assert_raises(Errno::ECANCELED) { request.value } }
    assert ::File.exist?(@path)
    refute file.closed?, "its close never began"
    file.close
    assert_raises(Errno::ENOENT) { @context.chain { |c| 2.times { c.unlink("/nonexistent") } } }
    eventually("the second has ended") { @context.poll.zero? && @context.outstanding.zero? }
  end

  def test_blocks
    got = []
    ids = @context.chain do |c|
      assert_nil(c.stat(@path) { |stat, _| got << stat.size })
      c.unlink("/nonexistent") { |_, error| got << error.class }
      c.nop { |_, error| got << error.class }
    end
    assert_equal [Integer] * 3, ids.map(&:class)
    assert_empty got
    @context.run
    assert_equal [10, Errno::ENOENT, Errno::ECANCELED], got
  end

  # Nothing is submitted, locked or closed.
  def test_a_block_that_raises
    file = @context.open(@path)
    buffer = +"xxx"
    kept = nil
    assert_raises(ZeroDivisionError) do
      @context.chain do |c|
        kept = c.read(file, buffer, 0)
        assert_raises(RuntimeError) { buffer << "y" }
        c.close(file)
        1 / 0
      end
    end
    assert_equal ["xxxy", false, 0], [buffer << "y", file.closed?, @context.outstanding]
    assert_raises(Errno::ECANCELED) { kept.value }
    assert_raises(Errno::EINVAL) { @context.chain { |c| [c.nop, c.read(file, 1, -1)] } }
    file.close
  end

  def test_wrong_use
    outside = nil
    @context.chain do |c|
      outside = c
      request = c.stat(@path)
      assert_match(/when its block ends/, assert_raises(ArgumentError) { request.value }.message)
      refute request.done?
      assert_match(/inside a chain/, assert_raises(ArgumentError) { c.chain { |_| nil } }.message)
      assert_match(/path: /, assert_raises(TypeError) { c.stat(5) }.message)
      assert_raises(ArgumentError) { c.group { nil } }
      assert_raises(ArgumentError) { c.walk(@path) }
    end
    assert_match(/has ended/, assert_raises(ArgumentError) { outside.nop }.message)
    assert_match(/block/, assert_raises(ArgumentError) { @context.chain }.message)
    assert_raises(NoMethodError) { AIOClone::Chain.create(@context) }
  end

  def test_under_gc_stress
    GC.stress = true
    results = @context.chain do |c|
      c.stat(+"#{@path}")
      c.utimens(+"#{@path}", [nil, Time.at(7)])
      c.load(+"#{@path}")
    end
    GC.stress = false
    assert_equal "0123456789", results[2]
    assert_equal Time.at(7), ::File.mtime(@path)
  ensure
    GC.stress = false
  end

  def test_a_fork_inside
    results = @context.chain do |c|
      c.nop
      assert(in_child { c.stat(@path) && c.nop && true })
      c.stat(@path)
    end
    assert_equal [0, 10], [results[0], results[1].size]
  end
end
