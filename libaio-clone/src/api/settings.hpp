// SPDX-License-Identifier: MIT
#pragma once
#include "core/context.hpp"

namespace aioc {

// Options, checked, with defaults and the environment's overrides. 0 or -errno.
int read_settings(const aioc_options* options, Settings* ret) noexcept;

// 0 if this build and process can use the engine, else -errno; `ret_reason` says why.
int probe_engine(uint32_t engine, const char** ret_reason) noexcept;

} // namespace aioc
