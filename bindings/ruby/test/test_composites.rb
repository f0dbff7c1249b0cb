# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Whole files, directories and trees.
require "find"
require_relative "support/support"
require_relative "support/scheduler"

class TestComposites < AIOCloneTest
  def setup
    @tree = new_path("tree")
    Dir.mkdir(@tree)
    4.times do |i|
      Dir.mkdir("#{@tree}/d#{i}")
      5.times { |j| ::File.write("#{@tree}/d#{i}/f#{j}", "x" * (100 * j)) }
    end
    ::File.symlink("d0", "#{@tree}/link")
    @context = AIOClone::Context.new
  end

  def teardown
    @context.destroy
  end

  def below(root)
    Find.find(root).to_a.drop(1).sort
  end

  def test_walks_are_enumerators
    walk = @context.walk(@tree)
    assert_kind_of Enumerator, walk
    2.times { assert_equal below(@tree), walk.map(&:path).sort }
    assert_equal below(@tree).size, @context.walk(@tree).lazy.map(&:name).to_a.size
    assert_equal 2, @context.walk(@tree).lazy.select(&:file?).first(2).size
    entries = @context.walk(@tree, stat: true).to_h { |entry| [entry.path, entry] }
    entry = entries.fetch("#{@tree}/d1/f3")
    assert_equal ["f3", "d1", 2, "file", 300], [entry.name, entry.directory, entry.depth, entry.ftype, entry.stat.size]
    assert_equal [::File.stat(entry).ino] * 2, [entry.ino, entry.stat.ino]
    assert entries.fetch("#{@tree}/link").symlink?
    assert entries.fetch("#{@tree}/link").stat.symlink?
    assert entries.fetch("#{@tree}/d0").directory?
    assert_nil entry.error
    assert_nil @context.walk(@tree).first.stat
    assert_same @context, @context.walk(@tree) { |_| nil }
    assert_equal 25, AIOClone.walk(@tree).count
    assert_equal 25, @context.using(priority: 2, timeout: 60).walk(@tree).count
  end

  def test_external_enumerators
    walk = AIOClone.walk(@tree)
    found = Array.new(25) { walk.next.path }
    assert_equal below(@tree), found.sort
    assert_raises(StopIteration) { walk.next }
  end

  def test_a_walk_that_is_left_is_closed
    walk = nil
    AIOClone::Walk.open(@tree, context: @context) { |w| (walk = w).each { break } }
    assert walk.closed?
    assert_raises(ZeroDivisionError) { @context.walk(@tree) { 1 / 0 } }
    before = descriptors
    100.times { @context.walk("/usr/share") { break } }
    eventually("its descriptors are closed") { descriptors <= before }
    assert_equal 0, @context.outstanding
    walk = AIOClone::Walk.new(@tree, context: @context)
    walk.close
    walk.close
    assert_match(/walk: closed walk/, assert_raises(IOError) { walk.next_entries }.message)
  end

  def test_a_walk_in_an_event_loop
    walk = AIOClone::Walk.new(@tree, context: @context)
    found = []
    ends = 0
    more = lambda do |entries, error|
      raise error if error

      ends += 1 unless entries
      entries&.each { |entry| found << entry.path }
      walk.next_entries(&more) if entries
    end
    walk.next_entries(&more)
    while ends.zero?
      assert IO.select([@context], nil, nil, 20)
      @context.poll
    end
    assert_equal below(@tree), found.sort
    assert_nil walk.next_entries, "the end comes again"
    assert_nil @context.start.walk_next(walk).value
  end

  def test_errors_of_walks
    error = assert_raises(Errno::ENOENT) { @context.walk("#{@tree}/none").to_a }
    assert_match("#{@tree}/none", error.message)
    assert_raises(Errno::ENOTDIR) { @context.walk("#{@tree}/d0/f0") { flunk } }
    assert_raises(Errno::ENAMETOOLONG) { AIOClone::Walk.new("x" * 5000, context: @context) }
  end

  def test_directories_that_cannot_be_read
    ::File.chmod(0, "#{@tree}/d2")
    ::File.chmod(0o711, directory)
    assert(in_child do
      Process::Sys.setuid(65_534) if Process.uid.zero? # root reads everything
      entry = @context.walk(@tree).find(&:error)
      entry.error.is_a?(Errno::EACCES) && entry.error.message.end_with?(entry.path) && entry.path == "#{@tree}/d2" &&
        @context.walk(@tree).count == 21
    end)
  ensure
    ::File.chmod(0o700, directory)
    ::File.chmod(0o755, "#{@tree}/d2")
  end

  def test_wrong_arguments
    assert_match(/walk: .*String into AIOClone::Walk/, assert_raises(TypeError) { @context.walk_next("x") }.message)
    walk = AIOClone::Walk.new(@tree, context: @context)
    assert_match(/walk: .*another context/, assert_raises(ArgumentError) { AIOClone.walk_next(walk) }.message)
    assert_match(/path: contains a null byte/, assert_raises(ArgumentError) { AIOClone::Walk.new("a\0b") }.message)
    assert_match(/path: .*Integer/, assert_raises(TypeError) { @context.walk(5).to_a }.message)
    assert_match(/dirfd/, assert_raises(ArgumentError) { @context.using(dirfd: 0).walk("x").to_a }.message)
    assert_match(/walk: /, assert_raises(ArgumentError) { @context.start.walk(@tree) }.message)
    assert_match(/preserve: :size/, assert_raises(ArgumentError) { @context.copy(@tree, "x", preserve: :size) }.message)
    assert_match(/path2: .*nil/, assert_raises(TypeError) { @context.copy_tree(@tree, nil) }.message)
    assert_match(/count: .*String/, assert_raises(TypeError) { @context.load(@tree, limit: "1") }.message)
    assert_match(/buf: .*Integer/, assert_raises(TypeError) { @context.replace(@tree, 1) }.message)
    assert_raises(NoMethodError, TypeError) { AIOClone::Entry.new }
    assert_equal 0, @context.outstanding
  end

  def test_scandir
    entries = AIOClone.scandir(@tree)
    assert_equal [5, 4], [entries.size, entries.directory_count]
    assert_equal %w[d0 d1 d2 d3], entries.directories.map(&:name).sort
    assert_equal ["#{@tree}/link"], entries.others.map(&:path)
    assert_equal entries.names, entries.each.map(&:name)
    names = []
    assert_instance_of AIOClone::Entries, AIOClone.scandir(@tree) { |entry| names << entry.name }
    assert_equal entries.names.sort, names.sort
    Dir.mkdir("#{@tree}/empty")
    assert_equal 0, @context.scandir("#{@tree}/empty").size
    assert_raises(Errno::ENOTDIR) { AIOClone.scandir("#{@tree}/link/f0") { flunk } }
  end

  def test_whole_files
    path = "#{@tree}/file"
    assert_equal 3, AIOClone.replace(path, "one", mode: 0o600)
    assert_equal 0o100600, ::File.stat(path).mode
    assert_equal 5, AIOClone.replace(path, "other")
    assert_equal 0o100600, ::File.stat(path).mode
    data = AIOClone.load(path)
    assert_equal ["other", Encoding::BINARY], [data, data.encoding]
    assert_raises(Errno::EFBIG) { AIOClone.load(path, limit: 4) }
    assert_equal "", AIOClone.load("#{@tree}/d0/f0")
    assert_match(/^Name:/, AIOClone.load("/proc/self/status"))
    ::File.open(path, "r+") do |io|
      assert_equal "her", AIOClone.read_full(io, 100, 2)
      assert_equal 2, AIOClone.write_full(io, "XY", 5)
      buffer = +"123"
      assert_equal 3, AIOClone.read_full(io, buffer, 4)
      assert_equal "rXY", buffer
    end
    AIOClone.open(path) { |file| assert_equal "otherXY", file.read_full(10, 0) }
  end

  def test_trees
    copy = new_path("copy")
    report = @context.copy_tree(@tree, copy, preserve: true)
    assert_equal [26, 4 * 1000, 0, nil, nil], report.to_a
    assert_equal below(@tree).map { |path| path.delete_prefix(@tree) }, below(copy).map { |path| path.delete_prefix(copy) }
    assert_equal ::File.mtime("#{@tree}/d1/f1"), ::File.mtime("#{copy}/d1/f1")
    error = assert_raises(Errno::EEXIST) { @context.copy_tree(@tree, copy) }
    assert_kind_of AIOClone::Reported, error
    assert_equal [1, ""], [error.report.errors, error.report.path]
    ::File.write("#{copy}/d0/f0", "changed")
    @context.copy_tree(@tree, copy, overwrite: true, preserve: %i[mode links], sync: true)
    assert_equal "", ::File.read("#{copy}/d0/f0")
    assert_raises(Errno::EEXIST) { @context.move(copy, @tree, overwrite: false) }
    assert_equal 1, @context.move(copy, "#{copy}.moved").items
    report = @context.remove_tree("#{copy}.moved")
    assert_equal [26, 0], [report.items, report.errors]
    refute ::File.exist?("#{copy}.moved")
    error = assert_raises(Errno::ENOENT) { @context.remove_tree(copy) }
    assert_equal 1, error.report.errors
  end

  # The error's message names where it was, not only the root.
  def test_errors_in_a_tree
    ::File.write("#{@tree}/copy", "in the way")
    copy = new_path("copy")
    Dir.mkdir(copy)
    Dir.mkdir("#{copy}/copy")
    error = assert_raises(SystemCallError) { @context.copy_tree(@tree, copy, overwrite: true) }
    assert_match(%r{ - #{@tree}/copy$}, error.message)
    assert_equal ["copy", error.class], [error.report.path, error.report.error.class]
    assert_operator error.report.items, :>=, 20, "it went on"
  end

  def test_copies
    ::File.write(path = "#{@tree}/file", "content")
    ::File.chmod(0o640, path)
    assert_equal 7, @context.copy(path, "#{path}.2", preserve: [:mode])
    assert_equal 0o100640, ::File.stat("#{path}.2").mode
    assert_raises(Errno::EEXIST) { @context.copy(path, "#{path}.2") }
    assert_equal 7, @context.copy(path, "#{path}.2", overwrite: true, preserve: :times)
    assert_equal ::File.mtime(path), ::File.mtime("#{path}.2")
  end

  def test_blocks
    got = []
    @context.copy_tree(@tree, copy = new_path("copy")) { |*all| got << all }
    @context.run
    @context.copy_tree(@tree, copy) { |*all| got << all }
    @context.run
    @context.load("/nonexistent") { |*all| got << all }
    @context.run
    assert_equal 26, got[0][0].items
    assert_nil got[0][1]
    assert_equal 1, got[1][1].report.errors
    assert_instance_of Errno::ENOENT, got[2][1]
  end

  # A fifo is waited for: until then it runs.
  def test_progress_and_cancel
    @path = fifo
    request = @context.start.load(@path)
    assert_equal [0, 0, 0, nil, nil], request.progress.to_a
    id = @context.load(@path) { |*all| @got = all }
    assert_equal 0, @context.progress(id).items
    request.cancel
    @context.cancel(id)
    release(@path)
    assert_raises(Errno::ECANCELED) { request.value }
    @context.run
    assert_instance_of Errno::ECANCELED, @got[1]
    assert_nil request.progress
    assert_raises(Errno::ENOENT) { @context.progress(id) }
    nop = @context.start.busy(1)
    assert_raises(Errno::EOPNOTSUPP, Errno::ENOENT) { @context.progress(nop.id) }
    nop.value
    assert_match(/id: /, assert_raises(TypeError) { @context.progress("x") }.message)
  end

  # What it was about to give is freed, by the library or here.
  def test_requests_that_nobody_keeps
    before = descriptors
    kilobytes = nil
    60.times do |i|
      start = @context.start
      50.times do
        start.load("#{@tree}/d0/f4")
        start.scandir(@tree)
        start.copy_tree("/nonexistent", "/nonexistent2")
      end
      GC.start
      @context.nop while @context.outstanding.positive?
      kilobytes = memory if i == 20
    end
    assert_operator memory, :<, kilobytes + 6000
    assert_operator descriptors, :<=, before + 2
  end

  def test_with_a_scheduler
    counts = []
    order = []
    path = fifo
    Thread.new do
      Fiber.set_scheduler(TestScheduler.new)
      Fiber.schedule { order << AIOClone.load(path) }
      Fiber.schedule do
        counts << AIOClone.walk(@tree).count
        order << :walked
        writer = ::File.open(path, ::File::WRONLY | ::File::NONBLOCK)
        writer.write("loaded")
        writer.close
      rescue Errno::ENXIO
        sleep 0.001
        retry
      end
      Fiber.schedule { counts << AIOClone.walk(@tree, stat: true).sum { |e| e.file? ? e.stat.size : 0 } }
    end.join
    assert_equal [25, 4000], counts.sort
    assert_equal [:walked, "loaded"], order
  end

  def test_walks_under_gc_stress_and_compaction
    kept = []
    GC.stress = true
    @context.walk(@tree, stat: true) { |entry| kept << entry }
    GC.stress = false
    GC.compact
    AIOClone.walk(@tree).next
    assert_equal below(@tree), kept.map(&:path).sort
    assert_equal 4000, kept.select(&:file?).sum { |entry| entry.stat.size }
    GC.verify_compaction_references(toward: :empty, double_heap: true) if GC.respond_to?(:verify_compaction_references)
    assert_equal below(@tree), kept.map(&:path).sort
    walk = AIOClone::Walk.new(@tree)
    walk.next_entries
    GC.stress = true
    error = assert_raises(Errno::EEXIST) { @context.copy_tree(@tree, @tree.b) }
    assert_equal 1, error.report.errors
  ensure
    GC.stress = false
  end

  def test_walks_and_forks
    walk = AIOClone::Walk.new("/usr/share", context: @context)
    entries = walk.next_entries
    names = entries.names
    assert(in_child do
      raises = begin
        walk.next_entries
        false
      rescue Errno::EINVAL
        true
      end
      walk.close
      raises && entries.names == names && @context.walk(@tree).count == 25
    end)
    assert_operator walk.next_entries.size, :>, 0
    walk.close
  end

  def test_a_destroyed_context
    walk = AIOClone::Walk.new(@tree, context: @context)
    entries = @context.scandir(@tree)
    @context.destroy
    assert_raises(IOError) { walk.next_entries }
    assert_raises(IOError) { @context.walk(@tree).to_a }
    walk.close
    assert_equal 5, entries.names.size
  end

  def test_memory_of_a_walk_is_bounded
    code = <<~'RUBY'
      root = ARGV[0]
      40.times do |i| # names of one file each: new inodes take much longer
        Dir.mkdir("#{root}/#{i}")
        File.write(file = "#{root}/#{i}/0", "")
        2499.times { |j| File.link(file, "#{root}/#{i}/#{"n" * 40}#{j}") }
      end
      own = -> { File.read("/proc/self/smaps_rollup")[/^Private_Dirty: *(\d+)/, 1].to_i }
      AIOClone.walk(root).first
      before = own.call
      print AIOClone.walk(root).count, " ", own.call - before
    RUBY
    Dir.mktmpdir do |root|
      output, = output_of(code, root)
      count, growth = output.split.map(&:to_i)
      assert_equal 100_040, count, output
      assert_operator growth, :<, 16_000, "of 100,040 entries, kB"
    end
  end
end
