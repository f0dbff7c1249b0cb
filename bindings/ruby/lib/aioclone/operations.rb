# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module AIOClone
  # Made by SWIG: the operations as methods.
  module Native
    public(*private_instance_methods(false))
  end

  # Names of the operations' parameters in Ruby, from the library's table: { stat: [:path], ... }.
  OPERATIONS = C_PARAMETERS.to_h do |name, parameters|
    names = parameters.scan(/(\w+) *(?=[,)])/).flatten.map(&:to_sym)
    names.delete(:ret) # a result
    names.delete(:count) if names.include?(:buf) # the String's
    [name, names.freeze]
  end.freeze

  # The operations, as AIOClone, {Context} and {Starter} have them. Their names and parameters are those of the system
  # calls' man pages ({OPERATIONS} lists all):
  #
  # - +path+: a String or what has to_path; none with a null byte inside
  # - +fd+: a {File}, an IO, or a descriptor's number
  # - +offset+, +count+, +flags+, +mode+: Integers, 64 bits exact
  # - +buf+ of +read+: how many bytes to read into a new binary String (the result); or a String or an IO::Buffer to
  #   fill, whose size says how many, and the result is the number of bytes; the String is cut to it. It is locked
  #   until then.
  # - +buf+ of +write+: a String, which may be changed at once, or an IO::Buffer, which is locked. The result is the
  #   number of bytes written, which may be less.
  # - the stat family results in a File::Stat, everything else in an Integer
  #
  # An error of the request is an Errno exception. What the library or Ruby refuses at once (TypeError, ArgumentError,
  # RangeError, IOError of a closed file, Errno::EAGAIN of a full context) is raised by the call in every form.
  #
  # @example
  #   context.read(fd, 4096, 0) { |data, error| ... }
  #
  # @!method nop
  #   Does nothing.
  #   @return [Integer] 0
  # @!method read(fd, buf, offset)
  #   Reads as pread(2): one call, which may transfer less; "" or 0 at the end of the file.
  #   @return [String, Integer]
  # @!method write(fd, buf, offset)
  #   Writes as pwrite(2): one call, which may transfer less.
  #   @return [Integer]
  # @!method close(fd)
  #   Closes the descriptor. A {File} or IO is closed at once, its descriptor by the request.
  #   @return [Integer] 0
  # @!method readahead(fd, offset, count)
  #   @return [Integer] 0
  # @!method stat(path)
  #   @return [::File::Stat]
  # @!method lstat(path)
  #   @return [::File::Stat]
  # @!method fstat(fd)
  #   @return [::File::Stat]
  # @!method unlink(path)
  #   @return [Integer] 0
  # @!method fsync(fd)
  #   @return [Integer] 0
  # @!method fdatasync(fd)
  #   @return [Integer] 0
  module Operations
    include Native

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
