# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module AIOClone
  # Made by SWIG: the operations as methods.
  module Native
  end
  Native.send(:public, *Native.private_instance_methods(false))

  # Names of the operations' parameters in Ruby, from the library's table: { stat: [:path], ... }.
  OPERATIONS = C_PARAMETERS.to_h do |name, parameters|
    names = parameters.scan(/(\w+) *(?=[,)])/).flatten.map(&:to_sym)
    names -= %i[ret mount_id] # results
    names.delete(:iovcnt)
    names.delete(:count) if (names & %i[buf addr]).any? # its size
    [name, names.freeze]
  end.freeze

  # The operations, as AIOClone, {Context} and {Starter} have them. Their names and parameters are those of the system
  # calls' man pages ({OPERATIONS} lists all, aioclone(7) describes them):
  #
  # - +path+, +path2+, +name+: a String or what has to_path; none with a null byte inside
  # - +fd+, +fd_in+ ...: a {File}, an IO, or a descriptor's number
  # - +offset+, +count+, +flags+, +mode+ ...: Integers, 64 bits exact; +uid+, +gid+: -1 or nil keeps it
  # - +buf+ of what reads: how many bytes to read into a new binary String, which is the result (0 in the xattr family:
  #   the result is the length that is needed); or a String or an IO::Buffer to fill, whose size says how many, and the
  #   result is the number of bytes; the String is cut to it. It is locked until then.
  # - +buf+ of what writes: a String, which may be changed at once, or an IO::Buffer, which is locked
  # - +iov+: an Array of Strings and IO::Buffers, filled or written one after the other, each whole
  # - +times+: [of access, of modification], each a Time, seconds, :now, or nil to keep it; nil: now
  # - +addr+: an IO::Buffer; +arg+: a String that holds the kernel's struct, and is changed; +argument+ of fcntl and
  #   ioctl: an Integer or such a String
  #
  # The result is an Integer, but a {File} of what opens one; a ::File::Stat of stat, lstat and fstat; a {Statx}, a
  # {StatVFS}, a {Directory}; a String of readlink and realpath.
  #
  # An error of the request is an Errno exception. What the library or Ruby refuses at once (TypeError, ArgumentError,
  # RangeError, IOError of a closed file, Errno::EAGAIN of a full context) is raised by the call in every form.
  #
  # @example
  #   context.read(fd, 4096, 0) { |data, error| ... }
  module Operations
    include Native

    # Parameters that need not be given.
    DEFAULTS = {
      mkdir: { mode: "0o777" }, mknod: { mode: "0o666", device: "0" }, rename: { flags: "0" }, link: { flags: "0" },
      readlink: { buf: "4096" }, realpath: { buf: "4096" }, readdir: { flags: "0" },
      statx: { flags: "0", mask: "0xfff" }, utimens: { times: "nil", flags: "0" }, futimens: { times: "nil" },
      getxattr: { buf: "65_536" }, lgetxattr: { buf: "65_536" }, fgetxattr: { buf: "65_536" },
      setxattr: { flags: "0" }, lsetxattr: { flags: "0" }, fsetxattr: { flags: "0" },
      listxattr: { buf: "65_536" }, llistxattr: { buf: "65_536" }, flistxattr: { buf: "65_536" },
      sync_file_range: { offset: "0", count: "0", flags: "0" }, copy_file_range: { flags: "0" },
      splice: { flags: "0" }, tee: { flags: "0" }, dup3: { flags: "0" }, fcntl: { argument: "0" },
      ioctl: { argument: "0" }, name_to_handle: { flags: "0" }, open_by_handle: { flags: "0" },
      mtouch: { flags: "0" }, mlock: { flags: "0" }
    }.freeze
    private_constant :DEFAULTS

    # @return [Array<String>] the parameters as a method has them, and as they are handed on
    def self.signature(operation, parameters)
      defaults = DEFAULTS.fetch(operation, {})
      [parameters.map { |name| defaults.key?(name) ? "#{name} = #{defaults[name]}" : name }.push("&block").join(", "),
       [*parameters, "&block"].join(", ")]
    end

    DEFAULTS.each_key do |operation|
      parameters, arguments = signature(operation, OPERATIONS.fetch(operation))
      class_eval <<~RUBY, __FILE__, __LINE__ + 1
        def #{operation}(#{parameters}) # def mkdir(path, mode = 0o777, &block)
          super(#{arguments})           #   super(path, mode, &block)
        end                             # end
      RUBY
    end

    # What mode strings stand for; "b" and "x" are looked for apart.
    MODES = {
      "r" => ::File::RDONLY, "r+" => ::File::RDWR,
      "w" => ::File::WRONLY | ::File::CREAT | ::File::TRUNC, "w+" => ::File::RDWR | ::File::CREAT | ::File::TRUNC,
      "a" => ::File::WRONLY | ::File::CREAT | ::File::APPEND, "a+" => ::File::RDWR | ::File::CREAT | ::File::APPEND
    }.freeze
    private_constant :MODES

    # Opens a file; not inherited by programs that are executed.
    # @param path [String, #to_path]
    # @param mode [String, Integer] as File.open's ("r", "w+", ...), or IO constants
    # @param perm [Integer] of a new file, minus the umask
    # @yieldparam file [File, nil]
    # @yieldparam error [SystemCallError, nil]
    # @return [File]
    def open(path, mode = "r", perm = 0o666, &block)
      mode = Operations.flags(mode) unless mode.is_a?(Integer)
      super(path, mode | Native::CLOEXEC, perm, &block)
    end

    # Makes a group, which {Context#using} gives members. It completes when it is closed ({Context#close_group}) and all of
    # them have; cancelled or timed out it cancels them. {Context#feed_group} adds members as there is room. For blocks and
    # {Context#start}; nothing waits for it here.
    # @yieldparam succeeded [Integer, nil] how many members did
    # @yieldparam error [SystemCallError, nil] of the first that failed
    # @return [Integer, Request]
    def group(&block)
      raise ArgumentError, "group: needs a block, or start" unless block || is_a?(Starter)
      raise ArgumentError, "group: no member of a chain" if is_a?(Chain)

      super
    end

    # Runs what its block collects as a chain: each starts when the one before it has ended well, on every engine; after one
    # that failed the others end with Errno::ECANCELED. For what must not overtake: a close after a write. It is
    # submitted when the block ends, whole or not at all.
    # @yieldparam chain [Chain] whose methods are the operations; they return a {Request}, or with a block, which is
    #   called by {Context#poll}, nil
    # @return [Array] the results of all; of those with a block the id. {Context#start} has it return the Requests
    # @raise the first error
    # @example
    #   AIOClone.chain { |c| c.write_full(file, data, 0); c.fsync(file); c.close(file) }
    def chain
      raise ArgumentError, "chain: needs a block" unless block_given?

      collected = Chain.send(:create, is_a?(Module) ? context : self)
      begin
        yield collected
        members = collected.send(:submit)
      ensure
        collected.send(:drop)
      end
      return members if is_a?(Starter)

      begin
        members.map { |member| member.is_a?(Request) ? member.value : member }
      ensure
        members.each { |member| member.cancel if member.is_a?(Request) }
      end
    end

    # As {#open}, and as openat2(2) says how the path is resolved.
    # @param path [String, #to_path]
    # @param mode [String, Integer]
    # @param perm [Integer] of a new file
    # @param resolve [Integer] RESOLVE_ flags
    # @return [File]
    def openat2(path, mode = "r", perm = 0, resolve = 0, &block)
      mode = Operations.flags(mode) unless mode.is_a?(Integer)
      super(path, mode | Native::CLOEXEC, perm, resolve, &block)
    end

    # @param mode [String] "r", "w+", "ab" ...
    # @return [Integer] the flags of open(2)
    def self.flags(mode)
      name = String.try_convert(mode) or
        raise TypeError, "mode: no implicit conversion of #{mode.class} into String or Integer"
      exclusive = name.include?("x") ? ::File::EXCL : 0
      flags = MODES[name.delete("bx")]
      if flags.nil? || (exclusive != 0 && !name.start_with?("w"))
        raise ArgumentError, "mode: invalid access mode #{mode}"
      end

      flags | exclusive
    end
  end
end
