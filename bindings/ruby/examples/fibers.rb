# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Under the scheduler of the async gem (apt install ruby-async): every call suspends only its task.
require "aioclone"
require "async"

Async do |task|
  tasks = Dir.children("/etc").map do |name|
    task.async { [name, AIOClone.lstat("/etc/#{name}").size] }
  end
  tasks.map(&:wait).sort_by(&:last).last(5).each { |name, size| puts "#{name}: #{size} bytes" }
end
