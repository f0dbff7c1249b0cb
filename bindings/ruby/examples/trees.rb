# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# The largest files below a directory, a copy of it with its progress, and the removal of that.
# Usage: ruby trees.rb DIRECTORY NEW_DIRECTORY
require "aioclone"

from, to = ARGV
files = AIOClone.walk(from, stat: true).select(&:file?)
files.max_by(5) { |entry| entry.stat.size }.each { |entry| puts "#{entry.stat.size} #{entry.path}" }

copy = AIOClone.start.copy_tree(from, to, preserve: true)
until copy.done?
  report = copy.progress
  $stderr.print "\r#{report.items} items, #{report.bytes} bytes" if report && $stderr.tty?
  sleep 0.01
end
puts "#{copy.value.items} items, #{copy.value.bytes} bytes copied"

AIOClone.replace(File.join(to, "COPIED"), "from #{from}\n") # in one step, and it is on the disk
puts "#{AIOClone.remove_tree(to).items} items removed"
