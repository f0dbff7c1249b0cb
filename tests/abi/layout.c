/* SPDX-License-Identifier: MIT */
/* The layouts and values that programs of release 1.0 were built with (64-bit). They only grow. */
#include <aioclone.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == bytes, #type)
#define AT(type, member, offset) _Static_assert(offsetof(type, member) == offset, #type "." #member)
#define VALUE(name, value) _Static_assert(name == value, #name)

SIZE(aioc_options, 32);
AT(aioc_options, size, 0); AT(aioc_options, flags, 4); AT(aioc_options, engine, 8); AT(aioc_options, spawner, 12);
AT(aioc_options, min_workers, 16); AT(aioc_options, max_workers, 20); AT(aioc_options, idle_timeout_ms, 24);
AT(aioc_options, max_outstanding, 28);

SIZE(aioc_completion, 40);
AT(aioc_completion, size, 0); AT(aioc_completion, operation, 4); AT(aioc_completion, engine, 8);
AT(aioc_completion, flags, 12); AT(aioc_completion, request, 16); AT(aioc_completion, result, 24);
AT(aioc_completion, user_data, 32);

SIZE(aioc_operation, 72);
AT(aioc_operation, size, 0); AT(aioc_operation, code, 4); AT(aioc_operation, flags, 8); AT(aioc_operation, fd, 12);
AT(aioc_operation, operation_flags, 16); AT(aioc_operation, mode, 20); AT(aioc_operation, path, 24);
AT(aioc_operation, buffer, 32); AT(aioc_operation, length, 40); AT(aioc_operation, offset, 48);
AT(aioc_operation, callback, 56); AT(aioc_operation, user_data, 64);

SIZE(aioc_statistics, 80);
AT(aioc_statistics, size, 0); AT(aioc_statistics, workers, 4); AT(aioc_statistics, submitted, 8);
AT(aioc_statistics, completed, 16); AT(aioc_statistics, outstanding, 24); AT(aioc_statistics, queued, 32);
AT(aioc_statistics, worker_wakeups, 40); AT(aioc_statistics, poll_wakeups, 48);
AT(aioc_statistics, workers_started, 56); AT(aioc_statistics, inline_hits, 64); AT(aioc_statistics, inline_misses, 72);

SIZE(aioc_engine_report, 24);
AT(aioc_engine_report, size, 0); AT(aioc_engine_report, status, 4); AT(aioc_engine_report, spawner, 8);
AT(aioc_engine_report, reserved, 12); AT(aioc_engine_report, reason, 16);

SIZE(aioc_buffer_report, 24);
AT(aioc_buffer_report, size, 0); AT(aioc_buffer_report, count, 4); AT(aioc_buffer_report, taken, 8);
AT(aioc_buffer_report, registered, 12); AT(aioc_buffer_report, buffer_size, 16);

SIZE(aioc_request, 8);
VALUE(AIOC_OP_NOP, 1); VALUE(AIOC_OP_OPEN, 2); VALUE(AIOC_OP_CLOSE, 3); VALUE(AIOC_OP_READ, 4);
VALUE(AIOC_OP_WRITE, 5); VALUE(AIOC_OP_READAHEAD, 6); VALUE(AIOC_OP_STAT, 7); VALUE(AIOC_OP_LSTAT, 8);
VALUE(AIOC_OP_FSTAT, 9); VALUE(AIOC_OP_UNLINK, 10); VALUE(AIOC_OP_FSYNC, 11); VALUE(AIOC_OP_FDATASYNC, 12);
VALUE(AIOC_ENGINE_AUTO, 0); VALUE(AIOC_ENGINE_INLINE, 1); VALUE(AIOC_ENGINE_RING, 2);
VALUE(AIOC_ENGINE_WORKERS, 3); VALUE(AIOC_ENGINE_SYNC, 4);
VALUE(AIOC_SPAWNER_AUTO, 0); VALUE(AIOC_SPAWNER_CLONE, 1); VALUE(AIOC_SPAWNER_PTHREAD, 2);
VALUE(AIOC_SINGLE_THREADED, 1); VALUE(AIOC_USE_DIRFD, 1);

int main(void) {
    return 0;
}
