# SPDX-License-Identifier: MIT
# frozen_string_literal: true

# Against an installed library, which pkg-config finds, or --with-aioclone-build=DIRECTORY: a build of its tree.
require "mkmf"

build = with_config("aioclone-build")
if build
  build = File.expand_path(build)
  include = File.expand_path("../../../../libaio-clone/include", __dir__)
  include = File.expand_path(with_config("aioclone-include", include))
  $INCFLAGS << " -I#{include}"
  $LDFLAGS << " -L#{build} -Wl,-rpath,#{build}"
elsif !pkg_config("aioclone")
  abort "pkg-config does not know aioclone: install libaioclone-dev, or say --with-aioclone-build=DIRECTORY"
end
have_header("aioclone.h") && have_library("aioclone", "aioc_version", "aioclone.h") or
  abort "libaioclone does not compile here: see mkmf.log"

$CFLAGS << " -fvisibility=hidden"
create_makefile("aioclone/native")
