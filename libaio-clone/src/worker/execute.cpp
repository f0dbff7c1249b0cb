// SPDX-License-Identifier: MIT
// Worker zone: no libc, no TLS, no C++ runtime. User memory is touched by the kernel only, so a bad
// pointer gives -EFAULT and never a signal; the two results that we write ourselves (OperationUse: gives_directory,
// gives_statvfs) go where submission has found memory.
#include "composite/composite.hpp"
#include "core/operation_uses.hpp"
#include "worker/execute_attributes.hpp"
#include "worker/execute_data.hpp"
#include "worker/execute_names.hpp"
#include "worker/execute_process.hpp"
#include "worker/job_queue.hpp"

namespace aioc {

extern "C" Request* aioc_zone_execute(Request* r) {
    if (is_ticket(*r) || works_on_tree(r->operation)) {
        return work_on_tree(r);
    }
    switch (r->operation) {
#define AIOC_OPERATION(CODE, name, ...)                                                                                \
    case AIOC_OP_##CODE:                                                                                               \
        r->result = execute_##name(*r);                                                                                \
        return r;
#include "core/operations.def"
#undef AIOC_OPERATION
    case AIOC_OP_CUSTOM: // only where threads are the C library's (Context::custom_)
        r->result = reinterpret_cast<int64_t (*)(void*)>(static_cast<uintptr_t>(r->offset))(r->buffer);
        return r;
    default:
        r->result = -ENOSYS;
        return r;
    }
}

extern "C" void aioc_zone_finish(Request* r) {
    if (!is_undoable(*r)) {
        sys::store_release(r->state, uint32_t{state_done});
        return;
    }
    const bool cancelled = sys::exchange(r->state, uint32_t{state_done}) == state_cancelling;
    if (r->operation == AIOC_OP_READDIR) {
        aioc_zone_settle_directory(r, cancelled);
    } else if (cancelled && r->result >= 0) {
        sys::call(SYS_close, r->result);
    }
    if (cancelled) {
        r->result = -ECANCELED;
    }
}

} // namespace aioc
