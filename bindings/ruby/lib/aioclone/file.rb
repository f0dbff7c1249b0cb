# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module AIOClone
  # An open file. Its methods are those operations of the library that take a descriptor, without that argument, with
  # and without a block ({Operations}); and some that are as an IO's. One that nobody keeps is closed.
  class File
    OPERATIONS.each do |operation, parameters|
      next if parameters.first != :fd || %i[read write close].include?(operation)

      list, arguments = Operations.signature(operation, parameters.drop(1))
      class_eval <<~RUBY, __FILE__, __LINE__ + 1
        def #{operation}(#{list})                # def ftruncate(length, &block)
          context.#{operation}(self, #{arguments}) #   context.ftruncate(self, length, &block)
        end                                      # end
      RUBY
      short = operation.to_s.delete_prefix("f").to_sym
      alias_method short, operation if OPERATIONS.key?(short) && short != :sync # truncate: of this file
    end

    # Reads without the file's position, as IO#pread.
    # @param length [Integer] bytes at most; one system call, which may give less
    # @param offset [Integer] bytes from the start
    # @param buffer [String, IO::Buffer, nil] to fill; a String gets the right size
    # @return [String] binary; or the buffer. (With a block the block gets the bytes, or their number.)
    # @raise [EOFError] at the end of the file
    def pread(length, offset, buffer = nil, &block)
      return context.read(self, length, offset, &block) if block && buffer.nil?

      into = length
      into = buffer.is_a?(String) ? prepare(buffer, length) : part(buffer, length) if buffer
      result = context.read(self, into, offset, &block)
      return result if block

      count = buffer ? result : result.bytesize
      raise EOFError, "end of file reached" if count.zero? && length.positive?

      buffer || result
    end

    # Writes without the file's position, as IO#pwrite.
    # @param data [String, IO::Buffer]
    # @param offset [Integer] bytes from the start
    # @return [Integer] how many bytes were written: one system call, which may write less
    def pwrite(data, offset, &block)
      context.write(self, data.is_a?(IO::Buffer) ? data : String(data), offset, &block)
    end

    # @return [Integer] where {#read} and {#write} go on
    attr_reader :pos

    # @param pos [Integer] bytes from the start
    def pos=(pos)
      raise ArgumentError, "pos: #{pos} is negative" if pos.negative?

      @pos = pos
    end

    # Reads from the position on.
    # @param length [Integer, nil] bytes, all of them if the file has as many; nil: to the end
    # @return [String, nil] binary; nil at the end if a length was given
    def read(length = nil)
      raise ArgumentError, "length: #{length} is negative" if length&.negative?

      data = String.new(capacity: length && [length, CHUNK].min)
      while length.nil? || data.bytesize < length
        more = context.read(self, length ? [length - data.bytesize, CHUNK].min : CHUNK, @pos ||= 0)
        break if more.empty?

        @pos += more.bytesize
        data << more
      end
      data.empty? && length&.positive? ? nil : data
    end

    # Writes all of it at the position.
    # @param data [#to_s]
    # @return [Integer] bytes
    def write(data)
      data = String(data).b
      done = 0
      while done < data.bytesize
        count = context.write(self, done.zero? ? data : data.byteslice(done..), @pos ||= 0)
        @pos += count
        done += count
      end
      done
    end

    # @return [Integer] bytes
    def size
      fstat.size
    end

    # Closes the file; with a block in the background.
    # @return [nil] or the request's id
    def close(&block)
      result = context.close(self, &block)
      block ? result : nil
    end

    # @return [IO] of the same descriptor, which stays this file's
    def to_io
      @to_io = nil if @to_io && closed?
      @to_io ||= IO.for_fd(fileno, autoclose: false)
    end

    # @return [String]
    def inspect
      "#<#{self.class}:#{path}#{' (closed)' if closed?}>"
    end

    CHUNK = 1 << 20
    private_constant :CHUNK

    private

    # An IO::Buffer that is larger than the read cannot be filled in part: a slice of it cannot be locked.
    def part(buffer, length)
      return buffer if buffer.size == length

      raise ArgumentError, "buffer: its size is #{buffer.size}, not #{length}"
    end
  end
end
