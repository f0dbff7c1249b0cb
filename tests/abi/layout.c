/* SPDX-License-Identifier: MIT */
/* The layouts and values that programs of release 1.0 were built with (64-bit). They only grow. */
#include <aioclone.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == bytes, #type)
#define AT(type, member, offset) _Static_assert(offsetof(type, member) == offset, #type "." #member)
#define VALUE(name, value) _Static_assert(name == value, #name)

SIZE(aioc_options, 40);
AT(aioc_options, size, 0); AT(aioc_options, flags, 4); AT(aioc_options, engine, 8); AT(aioc_options, spawner, 12);
AT(aioc_options, min_workers, 16); AT(aioc_options, max_workers, 20); AT(aioc_options, idle_timeout_ms, 24);
AT(aioc_options, max_outstanding, 28); AT(aioc_options, device_workers, 32); AT(aioc_options, reserved, 36);

SIZE(aioc_completion, 40);
AT(aioc_completion, size, 0); AT(aioc_completion, operation, 4); AT(aioc_completion, engine, 8);
AT(aioc_completion, flags, 12); AT(aioc_completion, request, 16); AT(aioc_completion, result, 24);
AT(aioc_completion, user_data, 32);

SIZE(aioc_operation, 128);
AT(aioc_operation, size, 0); AT(aioc_operation, code, 4); AT(aioc_operation, flags, 8); AT(aioc_operation, fd, 12);
AT(aioc_operation, operation_flags, 16); AT(aioc_operation, mode, 20); AT(aioc_operation, path, 24);
AT(aioc_operation, buffer, 32); AT(aioc_operation, length, 40); AT(aioc_operation, offset, 48);
AT(aioc_operation, callback, 56); AT(aioc_operation, user_data, 64); AT(aioc_operation, path2, 72);
AT(aioc_operation, offset2, 80); AT(aioc_operation, argument, 88); AT(aioc_operation, fd2, 96);
AT(aioc_operation, uid, 100); AT(aioc_operation, gid, 104);
AT(aioc_operation, priority, 108); AT(aioc_operation, group, 112); AT(aioc_operation, timeout_ns, 120);

SIZE(aioc_statistics, 96);
AT(aioc_statistics, size, 0); AT(aioc_statistics, workers, 4); AT(aioc_statistics, submitted, 8);
AT(aioc_statistics, completed, 16); AT(aioc_statistics, outstanding, 24); AT(aioc_statistics, queued, 32);
AT(aioc_statistics, worker_wakeups, 40); AT(aioc_statistics, poll_wakeups, 48);
AT(aioc_statistics, workers_started, 56); AT(aioc_statistics, inline_hits, 64); AT(aioc_statistics, inline_misses, 72);
AT(aioc_statistics, waiting, 80); AT(aioc_statistics, timed_out, 88);

SIZE(aioc_engine_report, 24);
AT(aioc_engine_report, size, 0); AT(aioc_engine_report, status, 4); AT(aioc_engine_report, spawner, 8);
AT(aioc_engine_report, reserved, 12); AT(aioc_engine_report, reason, 16);

SIZE(aioc_buffer_report, 24);
AT(aioc_buffer_report, size, 0); AT(aioc_buffer_report, count, 4); AT(aioc_buffer_report, taken, 8);
AT(aioc_buffer_report, registered, 12); AT(aioc_buffer_report, buffer_size, 16);

SIZE(aioc_group_report, 48);
AT(aioc_group_report, size, 0); AT(aioc_group_report, flags, 4); AT(aioc_group_report, outstanding, 8);
AT(aioc_group_report, succeeded, 16); AT(aioc_group_report, failed, 24); AT(aioc_group_report, first_error, 32);
AT(aioc_group_report, first_failed, 40);

SIZE(aioc_request, 8);
VALUE(AIOC_OP_NOP, 1); VALUE(AIOC_OP_OPEN, 2); VALUE(AIOC_OP_CLOSE, 3); VALUE(AIOC_OP_READ, 4); VALUE(AIOC_OP_WRITE, 5);
VALUE(AIOC_OP_READAHEAD, 6); VALUE(AIOC_OP_STAT, 7); VALUE(AIOC_OP_LSTAT, 8); VALUE(AIOC_OP_FSTAT, 9);
VALUE(AIOC_OP_UNLINK, 10); VALUE(AIOC_OP_FSYNC, 11); VALUE(AIOC_OP_FDATASYNC, 12); VALUE(AIOC_OP_MKDIR, 13);
VALUE(AIOC_OP_RMDIR, 14); VALUE(AIOC_OP_RENAME, 15); VALUE(AIOC_OP_LINK, 16); VALUE(AIOC_OP_SYMLINK, 17);
VALUE(AIOC_OP_MKNOD, 18); VALUE(AIOC_OP_READLINK, 19); VALUE(AIOC_OP_REALPATH, 20); VALUE(AIOC_OP_READDIR, 21);
VALUE(AIOC_OP_OPENAT2, 22); VALUE(AIOC_OP_FLINK, 23); VALUE(AIOC_OP_STATX, 24); VALUE(AIOC_OP_STATVFS, 25);
VALUE(AIOC_OP_FSTATVFS, 26); VALUE(AIOC_OP_CHMOD, 27); VALUE(AIOC_OP_FCHMOD, 28); VALUE(AIOC_OP_CHOWN, 29);
VALUE(AIOC_OP_LCHOWN, 30); VALUE(AIOC_OP_FCHOWN, 31); VALUE(AIOC_OP_UTIMENS, 32); VALUE(AIOC_OP_FUTIMENS, 33);
VALUE(AIOC_OP_TRUNCATE, 34); VALUE(AIOC_OP_FTRUNCATE, 35); VALUE(AIOC_OP_GETXATTR, 36); VALUE(AIOC_OP_LGETXATTR, 37);
VALUE(AIOC_OP_FGETXATTR, 38); VALUE(AIOC_OP_SETXATTR, 39); VALUE(AIOC_OP_LSETXATTR, 40); VALUE(AIOC_OP_FSETXATTR, 41);
VALUE(AIOC_OP_LISTXATTR, 42); VALUE(AIOC_OP_LLISTXATTR, 43); VALUE(AIOC_OP_FLISTXATTR, 44);
VALUE(AIOC_OP_REMOVEXATTR, 45); VALUE(AIOC_OP_LREMOVEXATTR, 46); VALUE(AIOC_OP_FREMOVEXATTR, 47);
VALUE(AIOC_OP_READV, 48); VALUE(AIOC_OP_WRITEV, 49); VALUE(AIOC_OP_SEEK, 50); VALUE(AIOC_OP_FALLOCATE, 51);
VALUE(AIOC_OP_FADVISE, 52); VALUE(AIOC_OP_SYNC, 53); VALUE(AIOC_OP_SYNCFS, 54); VALUE(AIOC_OP_SYNC_FILE_RANGE, 55);
VALUE(AIOC_OP_SENDFILE, 56); VALUE(AIOC_OP_COPY_FILE_RANGE, 57); VALUE(AIOC_OP_SPLICE, 58); VALUE(AIOC_OP_TEE, 59);
VALUE(AIOC_OP_FICLONE, 60); VALUE(AIOC_OP_FICLONERANGE, 61); VALUE(AIOC_OP_FIEMAP, 62); VALUE(AIOC_OP_DUP, 63);
VALUE(AIOC_OP_DUP3, 64); VALUE(AIOC_OP_FCNTL, 65); VALUE(AIOC_OP_IOCTL, 66); VALUE(AIOC_OP_FLOCK, 67);
VALUE(AIOC_OP_OFD_LOCK, 68); VALUE(AIOC_OP_NAME_TO_HANDLE, 69); VALUE(AIOC_OP_OPEN_BY_HANDLE, 70);
VALUE(AIOC_OP_FSVERITY_ENABLE, 71); VALUE(AIOC_OP_FSVERITY_MEASURE, 72); VALUE(AIOC_OP_MSYNC, 73);
VALUE(AIOC_OP_MADVISE, 74); VALUE(AIOC_OP_MTOUCH, 75); VALUE(AIOC_OP_MLOCK, 76); VALUE(AIOC_OP_MUNLOCK, 77);
VALUE(AIOC_OP_MLOCKALL, 78); VALUE(AIOC_OP_MUNLOCKALL, 79); VALUE(AIOC_OP_BUSY, 80);
VALUE(AIOC_ENGINE_AUTO, 0); VALUE(AIOC_ENGINE_INLINE, 1); VALUE(AIOC_ENGINE_RING, 2);
VALUE(AIOC_ENGINE_WORKERS, 3); VALUE(AIOC_ENGINE_SYNC, 4);
VALUE(AIOC_SPAWNER_AUTO, 0); VALUE(AIOC_SPAWNER_CLONE, 1); VALUE(AIOC_SPAWNER_PTHREAD, 2);
VALUE(AIOC_SINGLE_THREADED, 1); VALUE(AIOC_USE_DIRFD, 1); VALUE(AIOC_USE_DIRFD2, 2);
VALUE(AIOC_READDIR_STAT_ORDER, 1); VALUE(AIOC_READDIR_DIRS_FIRST, 2); VALUE(AIOC_MTOUCH_MODIFY, 1);
VALUE(AIOC_OP_GROUP, 120); VALUE(AIOC_OP_CUSTOM, 121); VALUE(AIOC_LINK, 0x100); VALUE(AIOC_ABSOLUTE, 0x200); VALUE(AIOC_GROUP_CLOSED, 1);

int main(void) {
    return 0;
}
