// SPDX-License-Identifier: MIT
#include "api/guard.hpp"
#include "api/sized.hpp"
#include "composite/entries.hpp"

using namespace aioc;

namespace {

// The user's pointer is behind the list's head, as behind every object's.
EntryList* list_of(const aioc_entries* handle) noexcept {
    return reinterpret_cast<EntryList*>(const_cast<aioc_entries*>(handle)) - 1;
}

} // namespace

extern "C" {

void aioc_free(void* object) {
    if (object) {
        zone::free_object(zone::object_of(object));
    }
}

int aioc_progress(aioc_context* ctx, aioc_request request, aioc_report* ret) {
    return with_context(ctx, [&](Context& c) -> int {
        aioc_report report{};
        const int error = c.progress(request, &report);
        return error < 0 ? error : copy_out_sized(report, ret);
    });
}

uint64_t aioc_entries_count(const aioc_entries* entries) { return entries ? list_of(entries)->count : 0; }

uint64_t aioc_entries_directories(const aioc_entries* entries) { return entries ? list_of(entries)->directories : 0; }

const aioc_entry* aioc_entries_at(const aioc_entries* entries, uint64_t index) {
    return index < aioc_entries_count(entries) ? &list_of(entries)->entries()[index] : nullptr;
}

int aioc_walk_create(aioc_context* ctx, const char* path, int flags, aioc_walk** ret) {
    return with_context(ctx, [&](Context& c) -> int {
        if (!sys::is_writable(ret, sizeof *ret)) {
            return -EFAULT;
        }
        Walk* walk = nullptr;
        const int error = c.create_walk(path, flags, &walk);
        if (error == 0) {
            *ret = reinterpret_cast<aioc_walk*>(walk);
        }
        return error;
    });
}

int aioc_walk_destroy(aioc_context* ctx, aioc_walk* walk) {
    return with_context(ctx, [&](Context& c) { return walk ? c.destroy_walk(reinterpret_cast<Walk*>(walk)) : 0; });
}

} // extern "C"
