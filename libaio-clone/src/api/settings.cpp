// SPDX-License-Identifier: MIT
#include "api/settings.hpp"

#include "api/sized.hpp"
#include "sys/processors.hpp"

#include <algorithm>
#include <stdlib.h>
#include <string.h>

namespace aioc {
namespace {

constexpr uint32_t workers_max = 1024;
// How long a worker stays awake for the next quick request.
constexpr int64_t helper_window_ns = 50'000;
constexpr uint32_t known_flags = AIOC_SINGLE_THREADED | AIOC_ONE_CORE | AIOC_NO_RING | AIOC_LOCAL_PATHS | AIOC_IN_ORDER;

struct Choice {
    const char* name;
    uint32_t value;
};

constexpr Choice engine_choices[] = {{"auto", AIOC_ENGINE_AUTO},
                                     {"inline", AIOC_ENGINE_INLINE},
                                     {"ring", AIOC_ENGINE_RING},
                                     {"workers", AIOC_ENGINE_WORKERS}};
constexpr Choice spawner_choices[] = {
    {"auto", AIOC_SPAWNER_AUTO}, {"clone", AIOC_SPAWNER_CLONE}, {"pthread", AIOC_SPAWNER_PTHREAD}};

// secure_getenv: a set-user-ID program does not let its user choose.
template <size_t N> int override_from(const char* variable, const Choice (&choices)[N], uint32_t* value) noexcept {
    const char* const text = secure_getenv(variable);
    if (!text || !*text) {
        return *value < N ? 0 : -EINVAL;
    }
    for (const Choice& choice : choices) {
        if (strcmp(text, choice.name) == 0) {
            *value = choice.value;
            return 0;
        }
    }
    return -EINVAL;
}

} // namespace

int probe_engine(uint32_t engine, const char** ret_reason) noexcept {
    switch (engine) {
    case AIOC_ENGINE_AUTO:
    case AIOC_ENGINE_INLINE:
    case AIOC_ENGINE_WORKERS:
    case AIOC_ENGINE_SYNC:
        *ret_reason = "works";
        return 0;
    case AIOC_ENGINE_RING:
        return RingEngine::probe(ret_reason);
    default:
        *ret_reason = "no such engine";
        return -EINVAL;
    }
}

int read_settings(const aioc_options* options, Settings* ret) noexcept {
    aioc_options o{};
    if (options) {
        if (const int error = copy_in_sized(options, &o); error < 0) {
            return error;
        }
    }
    if ((o.flags & ~known_flags) != 0 || o.min_workers > workers_max || o.max_workers > workers_max ||
        o.device_workers > workers_max || o.reserved != 0 || (o.max_workers != 0 && o.min_workers > o.max_workers)) {
        return -EINVAL;
    }
    if (override_from("AIOC_ENGINE", engine_choices, &o.engine) < 0 ||
        override_from("AIOC_SPAWNER", spawner_choices, &o.spawner) < 0) {
        return -EINVAL;
    }
    const char* reason = nullptr;
    if (const int error = probe_engine(o.engine, &reason); error < 0) {
        return error;
    }
#if defined(__SANITIZE_THREAD__)
    if (o.spawner == AIOC_SPAWNER_CLONE) {
        return -ENOSYS;
    }
#endif
    if (const char* const rung = secure_getenv("AIOC_RING_RUNG")) { // for tests
        ret->ring_rung = static_cast<uint32_t>(strtoul(rung, nullptr, 10));
    }
    ret->single_threaded = (o.flags & AIOC_SINGLE_THREADED) != 0;
    ret->in_order = (o.flags & AIOC_IN_ORDER) != 0;
    ret->trusts_paths = (o.flags & AIOC_LOCAL_PATHS) != 0;
    const bool automatic = o.engine == AIOC_ENGINE_AUTO;
    ret->engines.inline_engine = automatic || o.engine == AIOC_ENGINE_INLINE;
    ret->engines.ring = (automatic && (o.flags & (AIOC_NO_RING | AIOC_IN_ORDER)) == 0) ||
                        (o.engine == AIOC_ENGINE_RING && !ret->in_order);
    ret->engines.ring_for_all = o.engine == AIOC_ENGINE_RING;
    const bool spins = (o.flags & AIOC_ONE_CORE) == 0 && sys::usable_processors() > 1;
    ret->engines.spins = spins;
    // In order it needs to be known who submits first and who polls.
    ret->engines.helper = automatic && spins && (!ret->in_order || ret->single_threaded);
    ret->workers.hot_max = sys::usable_processors() > 1 ? sys::usable_processors() - 1 : 1;
    ret->workers.spin_looks = spins ? sys::looks_in_ns(helper_window_ns) : 0;
    ret->spawner = o.spawner;
    WorkerLimits& workers = ret->workers;
    workers.min = o.min_workers ? o.min_workers : 1;
    const uint32_t max_default = ret->in_order ? 1 : 32;
    const uint32_t quick_max_default = ret->in_order ? 1 : 4;
    workers.max = o.max_workers ? o.max_workers : (workers.min > max_default ? workers.min : max_default);
    workers.quick_max = o.max_workers ? o.max_workers : std::max(quick_max_default, workers.min);
    workers.idle_timeout_ms = o.idle_timeout_ms ? o.idle_timeout_ms : 10000;
    ret->device_workers = o.device_workers;
    ret->outstanding_max = o.max_outstanding ? o.max_outstanding : UINT64_MAX;
    return 0;
}

} // namespace aioc
