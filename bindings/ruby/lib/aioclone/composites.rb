# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module AIOClone
  # Operations made of operations, for {Operations}. Each is one request.
  module Operations
    # A whole file, also of /proc and one that grows.
    # @param path [String, #to_path]
    # @param limit [Integer, nil] longer ones are refused with Errno::EFBIG
    # @return [String] binary
    def load(path, limit: nil, &block)
      super(path, limit || 0, &block)
    end

    # The file gets this content in one step: whoever reads, and the disk after a crash, has the old or the new one.
    # @param path [String, #to_path]
    # @param buf [String, IO::Buffer]
    # @param mode [Integer, nil] of the file; nil: of the one that is there, else 0666 minus the umask
    # @return [Integer] bytes
    def replace(path, buf, mode: nil, &block)
      super(path, buf, mode || 0, &block)
    end

    # Copies a regular file: by reflink where that is possible; holes stay holes.
    # @param path [String, #to_path]
    # @param path2 [String, #to_path] the copy
    # @param preserve [Boolean, Array<Symbol>] what is copied besides the content: :mode, :times, :owner, :xattrs; true:
    #   all of these
    # @param overwrite [Boolean] false: Errno::EEXIST if there is something
    # @param sync [Boolean] fsync of the copy
    # @return [Integer] bytes
    def copy(path, path2, preserve: false, overwrite: false, sync: false, &block)
      super(path, path2, Operations.copy_flags(preserve, overwrite, sync), &block)
    end

    # Copies what is at path, of any kind, with all that is in it. It goes on after an error; what is copied stays.
    # @param path [String, #to_path]
    # @param path2 [String, #to_path] the copy
    # @param preserve [Boolean, Array<Symbol>] as of {#copy}, and :links: names of one file stay names of one file
    # @param overwrite [Boolean] files are replaced, directories merged
    # @param sync [Boolean] fsync of what was copied
    # @return [Report]
    # @raise [SystemCallError, Reported] the first error
    def copy_tree(path, path2, preserve: false, overwrite: false, sync: false, &block)
      super(path, path2, Operations.copy_flags(preserve, overwrite, sync), &block)
    end

    # Renames a file or a tree; to another file system by a copy with everything, and its removal.
    # @param path [String, #to_path]
    # @param path2 [String, #to_path] the new name
    # @param overwrite [Boolean] false: Errno::EEXIST if there is something
    # @return [Report]
    # @raise [SystemCallError, Reported]
    def move(path, path2, overwrite: true, &block)
      super(path, path2, overwrite ? 0 : Native::MOVE_NOREPLACE, &block)
    end

    # @!method remove_tree(path)
    #   Removes what is at path with all that is in it. It follows no symbolic link and goes on after an error.
    #   @param path [String, #to_path]
    #   @return [Report]
    #   @raise [SystemCallError, Reported] the first error
    # @!method scandir(path)
    #   One directory, directories first.
    #   @param path [String, #to_path]
    #   @return [Entries]
    # @!method read_full(fd, buf, offset)
    #   As read, until all is there or the file ends.
    # @!method write_full(fd, buf, offset)
    #   As write, until all is written.
    # @!method pathsync(path)
    #   fsync of what is at path and of its directory.
    # @!method walk_next(walk)
    #   @param walk [Walk]
    #   @return [Entries, nil] nil: the end

    # Everything below path, in no order, while workers read ahead; in bounded memory. Symbolic links are not followed.
    # The walk ends with the block, also by break and by an exception.
    # @param path [String, #to_path]
    # @param stat [Boolean] each entry with its stat
    # @yieldparam entry [Entry] one that is kept keeps its list, some hundred entries, in memory
    # @return [self, Enumerator] an Enumerator without a block, whose each begins a walk
    # @raise [SystemCallError] the root cannot be read; of other directories {Entry#error} tells
    # @example
    #   AIOClone.walk("/usr", stat: true).lazy.select { |e| e.file? && e.stat.size > 1 << 20 }.map(&:path).first(10)
    def walk(path, stat: false, &block)
      raise ArgumentError, "walk: it waits; start walk_next of a Walk" if is_a?(Starter) || is_a?(Chain)
      return enum_for(:walk, path, stat: stat) unless block

      Walk.open(path, context: is_a?(Module) ? context : self, stat: stat) { |walk| walk.each(&block) }
      self
    end

    PRESERVED = { mode: Native::COPY_MODE, times: Native::COPY_TIMES, owner: Native::COPY_OWNER,
                  xattrs: Native::COPY_XATTRS, links: Native::COPY_LINKS }.freeze
    private_constant :PRESERVED

    # @return [Integer] the flags of copy and copy_tree
    def self.copy_flags(preserve, overwrite, sync)
      names = case preserve
              when true then PRESERVED.keys
              when false, nil then []
              else Array(preserve)
              end
      flags = names.sum do |name|
        PRESERVED.fetch(name) { raise ArgumentError, "preserve: #{name.inspect} is none of #{PRESERVED.keys.join(', ')}" }
      end
      flags | (overwrite ? Native::COPY_OVERWRITE : 0) | (sync ? Native::COPY_SYNC : 0)
    end
  end

  # What a scandir or a part of a walk found.
  class Entries
    # @return [Array<Entry>] of a scandir: its directories
    def directories
      first(directory_count)
    end

    # @return [Array<Entry>] of a scandir: all else
    def others
      drop(directory_count)
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{size}>"
    end
  end

  # One entry of a directory.
  class Entry
    # @return [Boolean]
    def directory?
      ftype == "directory"
    end

    # @return [Boolean] a regular file
    def file?
      ftype == "file"
    end

    # @return [Boolean]
    def symlink?
      ftype == "link"
    end

    # @return [String] as {#path}
    def to_path
      path
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{path}>"
    end
  end

  # How far a copy_tree, move or remove_tree is or came: items that are done, bytes of content that are done, errors: items
  # that failed, the first error (a SystemCallError or nil), path: where that was, from the root of the tree.
  class Report
  end

  # An error of copy_tree, move or remove_tree, which went on after it. Its message names where it was.
  module Reported
    # @return [Report]
    attr_reader :report
  end

  # A walk through a tree whose lists of entries are asked for one by one. {Operations#walk} is simpler; this is for
  # event loops and for many that share one walk.
  #
  # @example In an event loop
  #   walk = AIOClone::Walk.new("/usr", context: context)
  #   more = lambda do |entries, error|
  #     entries&.each { |entry| puts entry.path }
  #     walk.next_entries(&more) if entries
  #   end
  #   walk.next_entries(&more)
  class Walk
    include Enumerable

    # Reads nothing yet.
    # @param path [String, #to_path]
    # @param context [Context, Plan]
    # @param stat [Boolean] each entry with its stat
    def initialize(path, context: AIOClone.context, stat: false)
      create(context, path, stat ? Native::WALK_STAT : 0)
    end

    # @yieldparam walk [Walk] closed after the block
    # @return the block's value, or without a block the walk
    def self.open(path, **options)
      walk = new(path, **options)
      return walk unless block_given?

      begin
        yield walk
      ensure
        walk.close
      end
    end

    # The next list. Several may wait at once.
    # @return [Entries, nil] nil: the end. With a block the request's id: as every operation.
    def next_entries(&block)
      context.walk_next(self, &block)
    end

    # What is left of it, once.
    # @yieldparam entry [Entry]
    # @return [self, Enumerator]
    def each(&block)
      return enum_for(:each) unless block

      while (entries = context.walk_next(self))
        entries.each(&block)
      end
      self
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{path}#{' (closed)' if closed?}>"
    end
  end
end
