# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# The operation table and this binding: an operation that the library gains is here by itself, or this fails.
require "fcntl"
require_relative "support/support"

class TestOperations < AIOCloneTest
  C = AIOClone
  GONE = "/nonexistent"
  BAD = 1_000_000
  # Where the file system or this process's rights may not have it.
  PERHAPS = [Errno::EOPNOTSUPP, Errno::ENOSYS, Errno::ENOTTY, Errno::EPERM, Errno::EINVAL, Errno::ENOMEM].freeze
  ZERO = ->(value, _) { value.zero? }

  # Each operation: arguments that succeed, what then holds, arguments that fail, and how; true: it may be unsupported.
  CASES = {
    nop: [-> { [] }, ZERO, nil],
    open: [-> { [@path, "r"] }, ->(value, _) { opened?(value) }, -> { [GONE, "r"] }, Errno::ENOENT],
    close: [-> { [::File.open(@path)] }, ->(value, (io)) { value.zero? && io.closed? }, -> { [BAD] }, Errno::EBADF],
    read: [-> { [@io, 4, 3] }, ->(value, _) { value == "3456" }, -> { [BAD, 1, 0] }, Errno::EBADF],
    write: [-> { [@io, "ab", 20] }, ->(value, _) { value == 2 && ::File.size(@path) == 22 }, -> { [BAD, "a", 0] },
            Errno::EBADF],
    readahead: [-> { [@io, 0, 10] }, ZERO, -> { [BAD, 0, 1] }, Errno::EBADF],
    stat: [-> { [@link] }, ->(value, _) { value.is_a?(::File::Stat) && value.size == 10 }, -> { [GONE] }, Errno::ENOENT],
    lstat: [-> { [@link] }, ->(value, _) { value.symlink? }, -> { [GONE] }, Errno::ENOENT],
    fstat: [-> { [@io] }, ->(value, _) { value.file? && value == ::File.stat(@path) }, -> { [BAD] }, Errno::EBADF],
    unlink: [-> { [@path] }, ->(value, _) { value.zero? && !::File.exist?(@path) }, -> { [GONE] }, Errno::ENOENT],
    fsync: [-> { [@io] }, ZERO, -> { [BAD] }, Errno::EBADF],
    fdatasync: [-> { [@io] }, ZERO, -> { [BAD] }, Errno::EBADF],
    mkdir: [-> { [@new] }, ->(value, _) { value.zero? && ::File.directory?(@new) }, -> { [@path] }, Errno::EEXIST],
    rmdir: [-> { [Dir.mkdir(@new) && @new] }, ->(value, _) { value.zero? && !::File.exist?(@new) }, -> { [@path] },
            Errno::ENOTDIR],
    rename: [-> { [@path, @new] }, ->(value, _) { value.zero? && ::File.size(@new) == 10 },
             -> { [@link, @new, C::RENAME_NOREPLACE] }, Errno::EEXIST],
    link: [-> { [@path, @new] }, ->(value, _) { value.zero? && ::File.stat(@new).nlink == 2 }, -> { [GONE, @new] },
           Errno::ENOENT],
    symlink: [-> { ["content", @new] }, ->(value, _) { value.zero? && ::File.readlink(@new) == "content" },
              -> { ["content", @path] }, Errno::EEXIST],
    mknod: [-> { [@new, 0o010644] }, ->(value, _) { value.zero? && ::File.pipe?(@new) }, -> { [@path, 0o010644] },
            Errno::EEXIST],
    readlink: [-> { [@link] }, ->(value, _) { value == @path && value.encoding == Encoding.find("filesystem") },
               -> { [@path] }, Errno::EINVAL],
    realpath: [-> { [@link] }, ->(value, _) { value == ::File.realpath(@path) }, -> { [GONE] }, Errno::ENOENT],
    readdir: [-> { [directory] },
              ->(value, _) { value.names.sort == Dir.children(directory).sort && value.size == value.to_a.size },
              -> { [@path] }, Errno::ENOTDIR],
    openat2: [-> { [@path, "r", 0, 0] }, ->(value, _) { opened?(value) },
              -> { [@link, "r", 0, C::RESOLVE_NO_SYMLINKS] }, Errno::ELOOP],
    flink: [-> { [@io, @new] }, ->(value, _) { value.zero? && ::File.stat(@new).nlink == 2 }, -> { [BAD, @new] },
            [Errno::EBADF, Errno::ENOENT]],
    statx: [-> { [@path] }, ->(value, _) { value.size == 10 && value.mtime == ::File.mtime(@path) }, -> { [GONE] },
            Errno::ENOENT],
    statvfs: [-> { [@path] }, ->(value, _) { value.bsize.positive? && value.namemax >= 255 }, -> { [GONE] },
              Errno::ENOENT],
    fstatvfs: [-> { [@io] }, ->(value, _) { value.frsize.positive? }, -> { [BAD] }, Errno::EBADF],
    chmod: [-> { [@path, 0o640] }, ->(value, _) { value.zero? && ::File.stat(@path).mode == 0o100640 },
            -> { [GONE, 0] }, Errno::ENOENT],
    fchmod: [-> { [@io, 0o600] }, ->(value, _) { value.zero? && ::File.stat(@path).mode == 0o100600 },
             -> { [BAD, 0] }, Errno::EBADF],
    chown: [-> { [@path, -1, Process.gid] }, ZERO, -> { [GONE, nil, nil] }, Errno::ENOENT],
    lchown: [-> { [@link, Process.uid, nil] }, ZERO, -> { [GONE, -1, -1] }, Errno::ENOENT],
    fchown: [-> { [@io, -1, -1] }, ZERO, -> { [BAD, -1, -1] }, Errno::EBADF],
    utimens: [-> { [@path, [nil, Time.at(5, 123_456_789, :nsec)]] },
              ->(value, _) { value.zero? && ::File.mtime(@path).nsec == 123_456_789 }, -> { [GONE] }, Errno::ENOENT],
    futimens: [-> { [@io, [7.5, :now]] }, ->(value, _) { value.zero? && ::File.atime(@path) == Time.at(7.5) },
               -> { [BAD] }, Errno::EBADF],
    truncate: [-> { [@path, 5] }, ->(value, _) { value.zero? && ::File.size(@path) == 5 }, -> { [GONE, 0] },
               Errno::ENOENT],
    ftruncate: [-> { [@io, 1 << 33] }, ->(value, _) { value.zero? && ::File.size(@path) == 1 << 33 },
                -> { [BAD, 0] }, Errno::EBADF],
    getxattr: [-> { attribute && [@path, "user.test"] }, ->(value, _) { value == "value" }, -> { [GONE, "user.test"] },
               Errno::ENOENT],
    lgetxattr: [-> { attribute && [@path, "user.test", 0] }, ->(value, _) { value == 5 }, -> { [GONE, "user.test"] },
                Errno::ENOENT],
    fgetxattr: [-> { attribute && [@io, "user.test"] }, ->(value, _) { value == "value" }, -> { [BAD, "user.test"] },
                Errno::EBADF],
    setxattr: [-> { [@path, "user.test", "value"] },
               ->(value, _) { value.zero? && @context.getxattr(@path, "user.test") == "value" },
               -> { [@path, "user.other", "x", C::XATTR_REPLACE] }, Errno::ENODATA],
    lsetxattr: [-> { [@path, "user.test", ""] }, ZERO, -> { [GONE, "user.test", "x"] }, Errno::ENOENT],
    fsetxattr: [-> { [@io, "user.test", "value"] }, ZERO, -> { [BAD, "user.test", "x"] }, Errno::EBADF],
    listxattr: [-> { attribute && [@path] }, ->(value, _) { value.split("\0").include?("user.test") }, -> { [GONE] },
                Errno::ENOENT],
    llistxattr: [-> { attribute && [@path] }, ->(value, _) { value.include?("user.test") }, -> { [GONE] },
                 Errno::ENOENT],
    flistxattr: [-> { attribute && [@io] }, ->(value, _) { value.include?("user.test") }, -> { [BAD] }, Errno::EBADF],
    removexattr: [-> { attribute && [@path, "user.test"] }, ->(value, _) { value.zero? && @context.listxattr(@path).empty? },
                  -> { [@path, "user.other"] }, Errno::ENODATA],
    lremovexattr: [-> { attribute && [@path, "user.test"] }, ZERO, -> { [GONE, "user.test"] }, Errno::ENOENT],
    fremovexattr: [-> { attribute && [@io, "user.test"] }, ZERO, -> { [BAD, "user.test"] }, Errno::EBADF],
    readv: [-> { [@io, [+"xx", +"yyy", IO::Buffer.new(3)], 1] },
            ->(value, (_, parts)) { value == 8 && parts[0..1] == %w[12 345] && parts[2].get_string(0, 3) == "678" },
            -> { [BAD, [+"x"], 0] }, Errno::EBADF],
    writev: [-> { [@io, ["ab", "", "cde"], 8] }, ->(value, _) { value == 5 && ::File.read(@path) == "01234567abcde" },
             -> { [BAD, ["x"], 0] }, Errno::EBADF],
    seek: [-> { [@io, -3, IO::SEEK_END] }, ->(value, _) { value == 7 }, -> { [BAD, 0, 0] }, Errno::EBADF],
    fallocate: [-> { [@io, C::FALLOC_FL_KEEP_SIZE, 0, 4096] }, ZERO, -> { [BAD, 0, 0, 1] }, Errno::EBADF, true],
    fadvise: [-> { [@io, 0, 0, C::POSIX_FADV_RANDOM] }, ZERO, -> { [BAD, 0, 0, 0] }, Errno::EBADF],
    sync: [-> { [] }, ZERO, nil],
    syncfs: [-> { [@io] }, ZERO, -> { [BAD] }, Errno::EBADF],
    sync_file_range: [-> { [@io, 0, 0, C::SYNC_FILE_RANGE_WRITE] }, ZERO, -> { [BAD] }, Errno::EBADF],
    sendfile: [-> { [@target, @io, 2, 100] }, ->(value, _) { value == 8 && ::File.read(@target.path) == "23456789" },
               -> { [BAD, @io, 0, 1] }, Errno::EBADF],
    copy_file_range: [-> { [@io, 2, @target, 1, 100] },
                      ->(value, _) { value == 8 && ::File.binread(@target.path) == "\00023456789" },
                      -> { [BAD, 0, @target, 0, 1] }, Errno::EBADF, true],
    splice: [-> { [@io, 3, pipe[1], -1, 4] }, ->(value, _) { value == 4 && pipe[0].readpartial(10) == "3456" },
             -> { [@io, 0, BAD, -1, 1] }, Errno::EBADF],
    tee: [-> { pipe[1].syswrite("text") && [pipe[0], other_pipe[1], 10] },
          ->(value, _) { value == 4 && pipe[0].readpartial(10) == "text" && other_pipe[0].readpartial(10) == "text" },
          -> { [BAD, pipe[1], 1] }, Errno::EBADF],
    ficlone: [-> { [@target, @io] }, ZERO, -> { [BAD, @io] }, Errno::EBADF, true],
    ficlonerange: [-> { [@target, @io, 0, 0, 0] }, ZERO, -> { [BAD, @io, 0, 0, 0] }, Errno::EBADF, true],
    fiemap: [-> { [@io, [0, 1 << 40, 0, 0, 0, 0].pack("QQLLLL")] }, ZERO, -> { [BAD, "\0" * 32] }, Errno::EBADF, true],
    dup: [-> { [@io] }, ->(value, _) { opened?(value) && value.fileno != @io.fileno }, -> { [BAD] }, Errno::EBADF],
    dup3: [-> { [@io, @target.fileno, ::File::NOFOLLOW * 0] },
           ->(value, _) { value == @target.fileno && AIOClone.fstat(@target).ino == ::File.stat(@path).ino },
           -> { [BAD, @target.fileno] }, Errno::EBADF],
    fcntl: [-> { [@io, Fcntl::F_GETFL] }, ->(value, _) { value & 3 == ::File::RDWR }, -> { [BAD, Fcntl::F_GETFL] },
            Errno::EBADF],
    ioctl: [-> { pipe[1].syswrite("text") && [pipe[0], FIONREAD, @number = "\0" * 4] },
            ->(value, _) { value.zero? && @number.unpack1("l") == 4 }, -> { [BAD, FIONREAD, 0] }, Errno::EBADF],
    flock: [-> { [@io, ::File::LOCK_EX | ::File::LOCK_NB] }, ZERO, -> { [BAD, ::File::LOCK_UN] }, Errno::EBADF],
    ofd_lock: [-> { [@io, C::F_OFD_SETLK, C::F_WRLCK, 0, 0] }, ZERO, -> { [BAD, C::F_OFD_SETLK, C::F_UNLCK, 0, 0] },
               Errno::EBADF],
    name_to_handle: [-> { [@path, @handle = [128, 0].pack("Ll") + "\0" * 128] },
                     ->(value, _) { value.positive? && @handle.unpack1("L").between?(1, 128) },
                     -> { [GONE, "\0" * 8] }, Errno::ENOENT, true],
    open_by_handle: [lambda {
                       @context.name_to_handle(@path, @handle = [128, 0].pack("Ll") + "\0" * 128)
                       [@io, @handle]
                     }, ->(value, _) { opened?(value) && value.pread(2, 0) == "01" },
                     -> { [BAD, [8, 1].pack("Ll") + "\0" * 8] }, [Errno::EBADF, Errno::EPERM, Errno::ESTALE], true],
    fsverity_enable: [-> { [@io, "\0" * 128] }, ZERO, -> { [BAD, "\0" * 128] }, Errno::EBADF, true],
    fsverity_measure: [-> { [@io, "\0" * 64] }, ->(_, _) { true }, -> { [BAD, "\0" * 64] }, Errno::EBADF,
                       Errno::ENODATA],
    msync: [-> { [pages, C::MS_SYNC] }, ZERO, -> { [pages, 0xffff] }, Errno::EINVAL],
    madvise: [-> { [pages, C::MADV_WILLNEED] }, ZERO, -> { [pages, 9999] }, Errno::EINVAL, true],
    mtouch: [-> { [pages, C::MTOUCH_MODIFY] }, ZERO, -> { [pages, 9999] }, Errno::EINVAL],
    mlock: [-> { [pages] }, ZERO, -> { [pages, 9999] }, Errno::EINVAL, true],
    munlock: [-> { [pages] }, ZERO, nil],
    mlockall: [-> { [C::MCL_FUTURE | C::MCL_ONFAULT] }, ->(value, _) { @context.munlockall.zero? && value.zero? },
               -> { [0] }, Errno::EINVAL, true],
    munlockall: [-> { [] }, ZERO, nil],
    busy: [-> { [1000] }, ZERO, -> { [-1] }, Errno::EINVAL],
    read_full: [-> { [@io, 4, 3] }, ->(value, _) { value == "3456" }, -> { [BAD, 1, 0] }, Errno::EBADF],
    write_full: [-> { [@io, "ab", 20] }, ->(value, _) { value == 2 && ::File.size(@path) == 22 }, -> { [BAD, "a", 0] },
                 Errno::EBADF],
    load: [-> { [@link] }, ->(value, _) { value == "0123456789" && value.encoding == Encoding::BINARY }, -> { [GONE] },
           Errno::ENOENT],
    scandir: [-> { [directory] }, ->(value, _) { value.names.sort == Dir.children(directory).sort }, -> { [@path] },
              Errno::ENOTDIR],
    replace: [-> { [@path, "other"] }, ->(value, _) { value == 5 && ::File.read(@path) == "other" },
              -> { [directory, "x"] }, [Errno::EISDIR, Errno::EINVAL, Errno::EEXIST]],
    pathsync: [-> { [@path] }, ZERO, -> { [GONE] }, Errno::ENOENT],
    copy: [-> { [@path, @new] }, ->(value, _) { value == 10 && ::File.read(@new) == "0123456789" },
           -> { [@path, @link] }, Errno::EEXIST],
    copy_tree: [-> { [@link, @new] }, ->(value, _) { value.items == 1 && ::File.readlink(@new) == @path },
                -> { [GONE, @new] }, [Errno::ENOENT, Errno::EEXIST]],
    move: [-> { [@link, @new] }, ->(value, _) { value.items == 1 && ::File.symlink?(@new) }, -> { [GONE, @new] },
           Errno::ENOENT],
    remove_tree: [-> { [@link] }, ->(value, _) { value.items == 1 && !::File.symlink?(@link) && ::File.exist?(@path) },
                  -> { [GONE] }, Errno::ENOENT],
    walk_next: [-> { [@walk = AIOClone::Walk.new(directory, context: @context)] },
                ->(value, _) { value.size.positive? && value.all? { |entry| ::File.symlink?(entry) || ::File.exist?(entry) } },
                -> { [AIOClone::Walk.new(GONE, context: @context)] }, Errno::ENOENT]
  }.freeze
  FIONREAD = 0x541b

  def setup
    Warning[:experimental] = false
    @path = file_with("0123456789")
    @link = "#{@path}.link"
    @new = new_path("new")
    ::File.symlink(@path, @link)
    @io = ::File.open(@path, "r+")
    @target = ::File.open(new_path("target"), "w+")
    @context = AIOClone::Context.new
  end

  def teardown
    [@io, @target, *@pipe, *@other_pipe].each { |io| io.close unless io.closed? }
    @context.destroy
  end

  def opened?(file)
    file.is_a?(AIOClone::File) && file.fileno > 2
  end

  def pipe
    @pipe ||= IO.pipe
  end

  def other_pipe
    @other_pipe ||= IO.pipe
  end

  def pages
    @pages ||= IO::Buffer.new(1 << 17, IO::Buffer::MAPPED)
  end

  def attribute
    AIOClone.setxattr(@path, "user.test", "value")
  end

  # Raised for what this system has not; the test then has shown at least that the error comes through.
  def perhaps(allowed)
    yield
  rescue SystemCallError => e
    raise unless allowed && (allowed == true ? PERHAPS : [*allowed, *PERHAPS]).any? { |error| error === e }

    :unsupported
  end

  def fails(error, &block)
    assert_raises(*error, &block)
  end

  def test_the_table_is_here
    assert_operator AIOClone::OPERATIONS.size, :>=, 12
    AIOClone::OPERATIONS.each_key do |name|
      assert_includes AIOClone::Native.public_instance_methods(false), name
      assert CASES.key?(name), "#{name} has no case in this test"
      [AIOClone, @context, @context.start].each do |receiver|
        owner = receiver.method(name).owner
        allowed = [AIOClone::Native, AIOClone::Operations]
        allowed << AIOClone.singleton_class if %i[open scandir].include?(name)
        assert_includes allowed, owner, "#{name} of #{receiver.inspect} is another method"
      end
    end
    assert_empty CASES.keys - AIOClone::OPERATIONS.keys
    assert_includes AIOClone::OPERATIONS, :walk_next, "the composites"
  end

  def test_operations_on_a_descriptor_are_methods_of_files
    AIOClone::OPERATIONS.each do |name, parameters|
      assert_includes AIOClone::File.public_instance_methods(false), name if parameters.first == :fd
    end
    AIOClone.open(@path, "r+") do |file|
      assert_equal 0, file.truncate(4)
      assert_equal 4, file.stat.size
      assert_equal 0, file.chmod(0o600)
      assert_operator file.statvfs.blocks, :>, 0
      file.dup.close
    end
  end

  AIOClone::OPERATIONS.each_key do |name|
    success, holds, failure, error, allowed = CASES[name]
    next unless success

    define_method(:"test_#{name}_waits") do
      arguments = instance_exec(&success)
      value = perhaps(allowed) { @context.public_send(name, *arguments) }
      assert instance_exec(value, arguments, &holds), "#{name} gave #{value.inspect}" unless value == :unsupported
      fails(error) { @context.public_send(name, *instance_exec(&failure)) } if failure
    end

    define_method(:"test_#{name}_calls_its_block") do
      arguments = instance_exec(&success)
      got = []
      id = @context.public_send(name, *arguments) { |*all| got << all }
      assert_kind_of Integer, id
      assert_empty got, "not inside the call"
      @context.run
      assert_equal 1, got.size
      value = perhaps(allowed) { got[0][1] ? raise(got[0][1]) : got[0][0] }
      assert instance_exec(value, arguments, &holds), "#{name} gave #{value.inspect}" unless value == :unsupported
      next unless failure

      fails(error) do
        @context.public_send(name, *instance_exec(&failure)) { |*all| got << all }
        @context.run
        assert_nil got[1][0]
        raise got[1][1]
      end
    end

    define_method(:"test_#{name}_is_a_request") do
      arguments = instance_exec(&success)
      request = @context.start.public_send(name, *arguments)
      assert_instance_of AIOClone::Request, request
      value = perhaps(allowed) { request.value }
      unless value == :unsupported
        assert instance_exec(value, arguments, &holds), "#{name} gave #{value.inspect}"
        assert_same value, request.value
      end
      next unless failure

      fails(error) do
        request = @context.start.public_send(name, *instance_exec(&failure))
        first = assert_raises(SystemCallError) { request.value }
        assert_same first, assert_raises(SystemCallError) { request.value }
        raise first
      end
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
