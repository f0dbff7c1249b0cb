# SPDX-License-Identifier: MIT
# frozen_string_literal: true

require_relative "lib/aioclone/version"

Gem::Specification.new do |spec|
  spec.name = "aioclone"
  spec.version = AIOClone::VERSION
  spec.summary = "File operations that do not block, on libaioclone"
  spec.description = "Every file operation of Linux, asynchronously: for fibers under a scheduler, for event loops with " \
                     "blocks, for threads. On io_uring, worker threads, or at once where the answer is in memory."
  spec.authors = ["The libaio-clone authors"]
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.1"
  # The generated ones are made by "rake generate".
  spec.files = Dir.chdir(__dir__) do
    Dir["lib/**/*.rb", "ext/aioclone/*.{c,cpp,h,inc,rb}", "examples/*.rb", "README.md", ".yardopts"].sort
  end
  unless spec.files.include?("ext/aioclone/native_wrap.c") && spec.files.include?("ext/aioclone/operations.inc")
    raise "run \"rake generate\" first: ext/aioclone/native_wrap.c is missing"
  end
  spec.extensions = ["ext/aioclone/extconf.rb"]
  spec.extra_rdoc_files = ["README.md"]
  spec.requirements = ["libaioclone 1"]
  spec.metadata = { "rubygems_mfa_required" => "true" }
end
