# SPDX-License-Identifier: MIT
# frozen_string_literal: true

module AIOClone
  # Of this binding: the library's that it is made for. {AIOClone.library_version} is that of the one in use.
  VERSION = "1.0.0"
end
