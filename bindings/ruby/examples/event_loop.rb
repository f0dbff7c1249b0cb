# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# An event loop of one's own: answers the paths that come on standard input, one a line, in the order in which the file
# system does.
require "aioclone"

context = AIOClone::Context.new
open = true
while open || context.outstanding.positive?
  readable, = IO.select(open ? [context, $stdin] : [context])
  context.poll if readable.include?(context)
  next unless readable.include?($stdin)

  if (path = $stdin.gets&.chomp)
    context.stat(path) { |stat, error| puts stat ? "#{path}: #{stat.ftype}, #{stat.size} bytes" : error.message }
  else
    open = false
  end
end
