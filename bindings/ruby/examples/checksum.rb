# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Checksums of all regular files below a directory, 64 requests at a time.
# Usage: ruby examples/checksum.rb DIRECTORY
require "aioclone"
require "digest"

def walk(directory, &block)
  AIOClone.readdir(directory, AIOClone::READDIR_STAT_ORDER).each do |name, type|
    path = File.join(directory, name)
    type ||= AIOClone.lstat(path).ftype
    walk(path, &block) if type == "directory"
    yield path if type == "file"
  end
end

enum_for(:walk, ARGV.fetch(0, ".")).each_slice(64) do |paths|
  files = AIOClone.map(paths) { |start, path| start.open(path) }
  sizes = AIOClone.map(files) { |start, file| start.fstat(file) }.map(&:size)
  data = AIOClone.map(files.zip(sizes)) { |start, (file, size)| start.read(file, size, 0) }
  AIOClone.map(files) { |start, file| start.close(file) }
  paths.zip(data) { |path, content| puts "#{Digest::SHA256.hexdigest(content)}  #{path}" }
end
