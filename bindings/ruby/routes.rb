# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# What the C preprocessor cannot make: macros that send the calls in SWIG's wrappers to the general form of an operation
# if they have a plan. (The named form costs less.)
# Usage: ruby routes.rb operations.inc > routes.inc
ARGF.read.scan(/^AIOCLONE_OPERATION\((\w+),/) do |name,|
  puts "#define aioc_#{name}(...) (_global_call.plan ? aioclone_submit_#{name} : aioc_#{name})(__VA_ARGS__)"
end
