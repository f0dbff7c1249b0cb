# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# The README's first example and the examples run; the documentation is complete.
require "digest"
require "open3"
require_relative "support/support"

class TestDocumentation < AIOCloneTest
  HERE = ::File.expand_path("..", __dir__)

  def test_the_first_example
    code = ::File.read(::File.join(HERE, "README.md"))[/```ruby\n(.*?)```/m, 1]
    output, status = output_of(code)
    assert_equal "#{::File.read("/etc/passwd")[7, 15]}\n#{::File.size("/etc/passwd")} bytes\n", output
    assert status.success?
  end

  def example(name, *arguments, input: "")
    libraries = $LOAD_PATH.map { |path| "-I#{path}" }
    output, status = Open3.capture2e("timeout", "60", RbConfig.ruby, *libraries, "-W",
                                     ::File.join(HERE, "examples", name), *arguments, stdin_data: input)
    assert status.success?, output
    output
  end

  def test_examples
    lines = example("checksum.rb", ::File.expand_path(__dir__)).lines
    path = ::File.expand_path(__FILE__)
    assert_includes lines, "#{Digest::SHA256.file(path).hexdigest}  #{path}\n"
    assert_equal Dir[::File.join(__dir__, "**/*")].count { |entry| ::File.file?(entry) }, lines.size
    output = example("event_loop.rb", input: "/etc\n/nonexistent\n")
    assert_match(%r{^/etc: directory, \d+ bytes$}, output)
    assert_match(%r{No such file or directory - /nonexistent}, output)
    copy = new_path("copy")
    lines = example("trees.rb", __dir__, copy).lines
    all = Dir[::File.join(__dir__, "**/*")]
    assert_match(/^#{all.select { |entry| ::File.file?(entry) }.map { |entry| ::File.size(entry) }.max} /, lines[0])
    assert_equal ["#{all.size + 2} items removed\n", true], [lines.last, !::File.exist?(copy)]
    need "async"
    assert_equal 5, example("fibers.rb").lines.size
  end

  def test_the_documentation_is_complete
    need "yard"
    output, = Open3.capture2e("yard", "stats", "--list-undoc", "--db", new_path("yardoc"), chdir: HERE)
    assert_match(/100.00% documented/, output)
    refute_match(/\[warn\]|\[error\]/, output)
  end
end
