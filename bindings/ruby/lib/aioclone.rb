# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require "aioclone/native"
require "aioclone/version"
require "aioclone/operations"
require "aioclone/composites"
require "aioclone/file"
require "aioclone/context"

# File operations that do not block, on libaioclone.
#
# Every operation of the library is a method here and of {Context}:
#
# - without a block it waits and returns its result, or raises its error (an Errno class). Under a Fiber scheduler only
#   the fiber waits; else the thread does, other threads run, and Thread#kill, Thread#raise and Ctrl-C end the wait.
# - with a block it returns at once the request's id. {Context#poll} calls the block with the result and nil, or with
#   nil and the error. ({AIOClone.open} and {AIOClone.scandir} are the exceptions: their blocks get the file, and the
#   entries, as File.open's and Dir.each_child's do.)
# - called on {AIOClone.start} it returns a {Request} at once.
#
# The methods of AIOClone use a context of the calling thread. See {Operations} for their arguments.
#
#   AIOClone.open("/etc/passwd") { |f| puts f.pread(15, 7) }
module AIOClone
  include Constants
  extend Operations

  class << self
    # Opens a file.
    # @param path [String, #to_path]
    # @param mode [String, Integer] as File.open's ("r", "w+", ...), or IO constants
    # @param perm [Integer] of a new file, minus the umask
    # @yieldparam file [File] open during the block, then closed
    # @return [File] or the block's value
    # @raise [SystemCallError]
    def open(path, mode = "r", perm = 0o666)
      file = super(path, mode, perm, &nil)
      return file unless block_given?

      begin
        yield file
      ensure
        file.close unless file.closed?
      end
    end

    # One directory, directories first. Here a block waits, and gets the entries one by one, as Dir.each_child's; that of
    # {Context#scandir} is called with all of them.
    # @param path [String, #to_path]
    # @yieldparam entry [Entry]
    # @return [Entries]
    # @raise [SystemCallError]
    def scandir(path, &block)
      entries = super(path, &nil)
      block ? entries.each(&block) : entries
    end

    # As {Context#progress}, of the calling thread's context.
    # @return [Report]
    def progress(id)
      context.progress(id)
    end

    # @return [Starter] whose methods are the operations; they return a {Request} at once
    # @example Two at a time
    #   a, b = AIOClone.start.stat("a"), AIOClone.start.stat("b")
    #   p a.value.size + b.value.size
    def start
      context.start
    end

    # Calls the blocks of the calling thread's context: {Context#poll}.
    # @return [Integer] how many were called
    def poll
      context.poll
    end

    # (see Context#run)
    def run
      context.run
    end

    # As {Context#using}, of the calling thread's context.
    # @return [Plan]
    def using(**options)
      context.using(**options)
    end

    # (see Context#hold)
    def hold(&block)
      context.hold(&block)
    end

    # (see Context#cancel)
    def cancel(id)
      context.cancel(id)
    end

    # (see Context#map)
    def map(items, limit: 64, &block)
      context.map(items, limit: limit, &block)
    end

    private

    # A scheduler ended a wait that has no limit of its own.
    def timed_out
      raise defined?(Async::TimeoutError) ? Async::TimeoutError : Errno::ETIMEDOUT, "execution expired"
    end
  end
end
