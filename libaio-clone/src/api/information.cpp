// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/settings.hpp"
#include "api/sized.hpp"
#include "core/probe.hpp"

#include <string.h>

using namespace aioc;

extern "C" {

uint32_t aioc_version(void) { return AIOC_VERSION_MAJOR << 16 | AIOC_VERSION_MINOR << 8 | AIOC_VERSION_PATCH; }

const char* aioc_strerror(int64_t error) {
    const bool possible = error > -4096 && error < 4096;
    const char* const text = possible ? strerrordesc_np(static_cast<int>(error < 0 ? -error : error)) : nullptr;
    return text ? text : "Unknown error";
}

const char* aioc_operation_name(uint32_t operation) { return operation_name(operation); }

const char* aioc_engine_name(uint32_t engine) {
    static const char* const names[] = {"auto", "inline", "ring", "workers", "sync"};
    return engine < sizeof names / sizeof *names ? names[engine] : nullptr;
}

int aioc_probe(uint32_t engine) {
    const char* reason;
    return probe_engine(engine, &reason);
}

int aioc_probe_operation(uint32_t operation) {
    return guard([&] { return probe_operation(operation); });
}

int aioc_engine_info(aioc_context* ctx, uint32_t engine, aioc_engine_report* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        if (!aioc_engine_name(engine)) {
            return -EINVAL;
        }
        aioc_engine_report report{};
        report.status = probe_engine(engine, &report.reason);
        if (engine == AIOC_ENGINE_WORKERS) {
            c.workers_report(&report);
            if (report.status != 0) {
                report.reason = "no worker could be started: requests run in the submitting call";
            }
        }
        return copy_out_sized(report, ret);
    });
}

int aioc_stats(aioc_context* ctx, aioc_statistics* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        aioc_statistics statistics{};
        c.statistics(&statistics);
        return copy_out_sized(statistics, ret);
    });
}

int64_t aioc_count(aioc_context* ctx, uint32_t operation, uint32_t engine) {
    return with_context(ctx, [&](Context& c) -> int64_t {
        if ((operation && !operation_name(operation)) || !aioc_engine_name(engine)) {
            return -EINVAL;
        }
        return static_cast<int64_t>(c.count(operation, engine));
    });
}

} // extern "C"
