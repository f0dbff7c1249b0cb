// SPDX-License-Identifier: MIT
#pragma once
#include "aioclone.h"
#include "core/context.hpp"

#include <errno.h>
#include <new>
#include <utility>

namespace aioc {

// The boundary that no exception passes.
template <typename Function> auto guard(Function function) noexcept -> decltype(function()) {
    try {
        return function();
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    } catch (...) {
        return -EIO;
    }
}

// The same for a call on a context, which must exist and may have been forked.
template <typename Function>
auto with_context(aioc_context* handle, Function function) noexcept -> decltype(function(std::declval<Context&>())) {
    if (!handle) {
        return -EINVAL;
    }
    return guard([&] {
        Context& context = *reinterpret_cast<Context*>(handle);
        context.notice_fork();
        return function(context);
    });
}

} // namespace aioc
