# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# What the C preprocessor cannot make of the operation table: macros that send the calls in SWIG's wrappers to the
# general form of an operation if they have a plan (the named form costs less), and that say what an operation's result
# is, as far as its parameters don't: aioclone_answer_open and so on.
# Usage: ruby routes.rb operations.inc > routes.inc
ARGF.read.scan(/^AIOCLONE_OPERATION\((\w+),.*, "([^"]*)"\)/) do |name, uses|
  answer = if name == "statx" then "AIOCLONE_STATX" # all of it; the others: a File::Stat
           elsif uses.match?(/\bgives_fd\b/) then "AIOCLONE_FILE"
           else "AIOCLONE_INTEGER"
           end
  puts "#define aioc_#{name}(...) (_global_call.plan ? aioclone_submit_#{name} : aioc_#{name})(__VA_ARGS__)"
  puts "#define aioclone_answer_#{name} #{answer}"
end
