/* SPDX-License-Identifier: MIT */
/* Every pointer argument of every function with NULL, 1, a page without rights, and memory that ends too early:
 * -EFAULT or -EINVAL, from the call or as the completion's result, and never a signal. The table must have a row
 * for each function of the header. */
#define _GNU_SOURCE
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static aioc_context *ctx;
static struct record record;
static int file;
static const char *path;
static struct statx status;
static int mount_id;
#define ATTRIBUTE "user.aioclone"
enum { transfer_bytes = 16 };

#define DONE record_callback, &record

/* madvise(2) says ENOMEM of what is not mapped. */
static int64_t touch_of(void *bad) {
    const int64_t result = result_of(ctx, aioc_mtouch(ctx, bad, sizeof(int), AIOC_MTOUCH_MODIFY, DONE), &record);
    return result == 0 || result == -ENOMEM ? -EFAULT : result;
}
static int64_t rename_to(void *bad) { return aioc_rename(ctx, path, bad, 0, DONE); }
static int64_t link_to(void *bad) { return aioc_link(ctx, path, bad, 0, DONE); }
static int64_t symlink_at(void *bad) { return aioc_symlink(ctx, path, bad, DONE); }
static int64_t name_of_attribute(void *bad) { return aioc_getxattr(ctx, path, bad, NULL, 0, DONE); }
static int64_t times_at(void *bad) { return bad ? aioc_utimens(ctx, path, bad, 0, DONE) : -EFAULT; }
static int64_t readlink_of(void *bad) { return aioc_readlink(ctx, bad, &status, sizeof status, DONE); }
static int64_t readdir_of(void *bad) {
    aioc_directory *directory = NULL;
    return aioc_readdir(ctx, bad, 0, &directory, DONE);
}
static int64_t mount_id_at(void *bad) {
    struct {
        struct file_handle head;
        unsigned char more[MAX_HANDLE_SZ];
    } handle = {.head = {.handle_bytes = MAX_HANDLE_SZ}};
    const int64_t result = result_of(ctx, aioc_name_to_handle(ctx, "/", &handle.head, bad, 0, DONE), &record);
    return result == 0 ? -EFAULT : result; /* the last int of a page is one */
}

static int64_t submit_bad_path(void *bad) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_UNLINK;
    op.path = bad;
    return aioc_submit(ctx, &op, 1, NULL);
}
static int64_t submit_bad_ids(void *bad) {
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_NOP;
    return bad ? aioc_submit(ctx, &op, 1, bad) : -EFAULT; /* NULL is allowed */
}
static int64_t create_bad_options(void *bad) {
    aioc_context *other = NULL;
    return bad ? aioc_create(&other, bad) : -EFAULT; /* NULL is allowed */
}

static uint32_t taken;

/* name, call with a bad pointer, call without a context */
#define FUNCTIONS(F)                                                                                                   \
    F(create, aioc_create(bad, NULL), -EINVAL)                                                                         \
    F(destroy, -EFAULT, aioc_destroy(NULL) == 0 ? -EINVAL : 0)                                                         \
    F(submit, aioc_submit(ctx, bad, 1, NULL), aioc_submit(NULL, NULL, 1, NULL))                                        \
    F(nop, -EFAULT, aioc_nop(NULL, DONE))                                                                              \
    F(open, aioc_open(ctx, bad, O_RDONLY, 0, DONE), aioc_open(NULL, "/", 0, 0, DONE))                                  \
    F(close, -EFAULT, aioc_close(NULL, 0, DONE))                                                                       \
    F(read, aioc_read(ctx, file, bad, transfer_bytes, 0, DONE), aioc_read(NULL, 0, NULL, 0, 0, DONE))                  \
    F(write, aioc_write(ctx, file, bad, transfer_bytes, 0, DONE), aioc_write(NULL, 0, NULL, 0, 0, DONE))               \
    F(readahead, -EFAULT, aioc_readahead(NULL, 0, 0, 0, DONE))                                                         \
    F(stat, aioc_stat(ctx, "/", bad, DONE), aioc_stat(NULL, "/", &status, DONE))                                       \
    F(lstat, aioc_lstat(ctx, "/", bad, DONE), aioc_lstat(NULL, "/", &status, DONE))                                    \
    F(fstat, aioc_fstat(ctx, file, bad, DONE), aioc_fstat(NULL, 0, &status, DONE))                                     \
    F(unlink, aioc_unlink(ctx, bad, DONE), aioc_unlink(NULL, "", DONE))                                                \
    F(fsync, -EFAULT, aioc_fsync(NULL, 0, DONE))                                                                       \
    F(fdatasync, -EFAULT, aioc_fdatasync(NULL, 0, DONE))                                                               \
    F(openat2, aioc_openat2(ctx, bad, O_RDONLY, 0, 0, DONE), aioc_openat2(NULL, "/", 0, 0, 0, DONE))                   \
    F(readv, aioc_readv(ctx, file, bad, 1, 0, DONE), aioc_readv(NULL, 0, NULL, 0, 0, DONE))                            \
    F(writev, aioc_writev(ctx, file, bad, 1, 0, DONE), aioc_writev(NULL, 0, NULL, 0, 0, DONE))                         \
    F(seek, -EFAULT, aioc_seek(NULL, 0, 0, 0, DONE))                                                                   \
    F(mkdir, aioc_mkdir(ctx, bad, 0, DONE), aioc_mkdir(NULL, "", 0, DONE))                                             \
    F(rmdir, aioc_rmdir(ctx, bad, DONE), aioc_rmdir(NULL, "", DONE))                                                   \
    F(rename, aioc_rename(ctx, bad, "", 0, DONE), aioc_rename(NULL, "", "", 0, DONE))                                  \
    F(link, aioc_link(ctx, bad, "", 0, DONE), aioc_link(NULL, "", "", 0, DONE))                                        \
    F(symlink, aioc_symlink(ctx, bad, "", DONE), aioc_symlink(NULL, "", "", DONE))                                     \
    F(flink, aioc_flink(ctx, file, bad, DONE), aioc_flink(NULL, 0, "", DONE))                                          \
    F(mknod, aioc_mknod(ctx, bad, 0, 0, DONE), aioc_mknod(NULL, "", 0, 0, DONE))                                       \
    F(readlink, aioc_readlink(ctx, "/proc/self/exe", bad, transfer_bytes, DONE),                                       \
      aioc_readlink(NULL, "", NULL, 0, DONE))                                                                          \
    F(realpath, aioc_realpath(ctx, path, bad, PATH_MAX, DONE), aioc_realpath(NULL, "", NULL, 0, DONE))                 \
    F(readdir, aioc_readdir(ctx, "/", 0, bad, DONE), aioc_readdir(NULL, "", 0, NULL, DONE))                            \
    F(directory_count, -EFAULT, aioc_directory_count(NULL) == 0 ? -EINVAL : 0)                                         \
    F(directory_name, -EFAULT, aioc_directory_name(NULL, 0) == NULL ? -EINVAL : 0)                                     \
    F(directory_type, -EFAULT, aioc_directory_type(NULL, 0) == 0 ? -EINVAL : 0)                                        \
    F(directory_inode, -EFAULT, aioc_directory_inode(NULL, 0) == 0 ? -EINVAL : 0)                                      \
    F(directory_unknown, -EFAULT, aioc_directory_unknown(NULL) == 0 ? -EINVAL : 0)                                     \
    F(directory_free, -EFAULT, (aioc_directory_free(NULL), -EINVAL))                                                   \
    F(statx, aioc_statx(ctx, "/", 0, STATX_ALL, bad, DONE), aioc_statx(NULL, "/", 0, 0, &status, DONE))                \
    F(statvfs, aioc_statvfs(ctx, "/", bad, DONE), aioc_statvfs(NULL, "/", NULL, DONE))                                 \
    F(fstatvfs, aioc_fstatvfs(ctx, file, bad, DONE), aioc_fstatvfs(NULL, 0, NULL, DONE))                               \
    F(chmod, aioc_chmod(ctx, bad, 0, DONE), aioc_chmod(NULL, "", 0, DONE))                                             \
    F(fchmod, -EFAULT, aioc_fchmod(NULL, 0, 0, DONE))                                                                  \
    F(chown, aioc_chown(ctx, bad, 0, 0, DONE), aioc_chown(NULL, "", 0, 0, DONE))                                       \
    F(lchown, aioc_lchown(ctx, bad, 0, 0, DONE), aioc_lchown(NULL, "", 0, 0, DONE))                                    \
    F(fchown, -EFAULT, aioc_fchown(NULL, 0, 0, 0, DONE))                                                               \
    F(utimens, aioc_utimens(ctx, bad, NULL, 0, DONE), aioc_utimens(NULL, "", NULL, 0, DONE))                           \
    F(futimens, bad ? aioc_futimens(ctx, file, bad, DONE) : -EFAULT, aioc_futimens(NULL, 0, NULL, DONE))               \
    F(truncate, aioc_truncate(ctx, bad, 0, DONE), aioc_truncate(NULL, "", 0, DONE))                                    \
    F(ftruncate, -EFAULT, aioc_ftruncate(NULL, 0, 0, DONE))                                                            \
    F(getxattr, aioc_getxattr(ctx, path, ATTRIBUTE, bad, transfer_bytes, DONE),                                        \
      aioc_getxattr(NULL, "", "", NULL, 0, DONE))                                                                      \
    F(lgetxattr, aioc_lgetxattr(ctx, path, ATTRIBUTE, bad, transfer_bytes, DONE),                                      \
      aioc_lgetxattr(NULL, "", "", NULL, 0, DONE))                                                                     \
    F(fgetxattr, aioc_fgetxattr(ctx, file, ATTRIBUTE, bad, transfer_bytes, DONE),                                      \
      aioc_fgetxattr(NULL, 0, "", NULL, 0, DONE))                                                                      \
    F(setxattr, aioc_setxattr(ctx, path, "user.other", bad, transfer_bytes, 0, DONE),                                  \
      aioc_setxattr(NULL, "", "", NULL, 0, 0, DONE))                                                                   \
    F(lsetxattr, aioc_lsetxattr(ctx, path, "user.other", bad, transfer_bytes, 0, DONE),                                \
      aioc_lsetxattr(NULL, "", "", NULL, 0, 0, DONE))                                                                  \
    F(fsetxattr, aioc_fsetxattr(ctx, file, "user.other", bad, transfer_bytes, 0, DONE),                                \
      aioc_fsetxattr(NULL, 0, "", NULL, 0, 0, DONE))                                                                   \
    F(listxattr, aioc_listxattr(ctx, path, bad, transfer_bytes, DONE), aioc_listxattr(NULL, "", NULL, 0, DONE))        \
    F(llistxattr, aioc_llistxattr(ctx, path, bad, transfer_bytes, DONE), aioc_llistxattr(NULL, "", NULL, 0, DONE))     \
    F(flistxattr, aioc_flistxattr(ctx, file, bad, transfer_bytes, DONE), aioc_flistxattr(NULL, 0, NULL, 0, DONE))      \
    F(removexattr, aioc_removexattr(ctx, bad, "user.x", DONE), aioc_removexattr(NULL, "", "", DONE))                   \
    F(lremovexattr, aioc_lremovexattr(ctx, path, bad, DONE), aioc_lremovexattr(NULL, "", "", DONE))                    \
    F(fremovexattr, aioc_fremovexattr(ctx, file, bad, DONE), aioc_fremovexattr(NULL, 0, "", DONE))                     \
    F(sync, -EFAULT, aioc_sync(NULL, DONE))                                                                            \
    F(syncfs, -EFAULT, aioc_syncfs(NULL, 0, DONE))                                                                     \
    F(sync_file_range, -EFAULT, aioc_sync_file_range(NULL, 0, 0, 0, 0, DONE))                                          \
    F(fallocate, -EFAULT, aioc_fallocate(NULL, 0, 0, 0, 1, DONE))                                                      \
    F(fadvise, -EFAULT, aioc_fadvise(NULL, 0, 0, 0, 0, DONE))                                                          \
    F(fiemap, aioc_fiemap(ctx, file, bad, DONE), aioc_fiemap(NULL, 0, NULL, DONE))                                     \
    F(sendfile, -EFAULT, aioc_sendfile(NULL, 0, 0, 0, 1, DONE))                                                        \
    F(copy_file_range, -EFAULT, aioc_copy_file_range(NULL, 0, 0, 0, 0, 1, 0, DONE))                                    \
    F(splice, -EFAULT, aioc_splice(NULL, 0, 0, 0, 0, 1, 0, DONE))                                                      \
    F(tee, -EFAULT, aioc_tee(NULL, 0, 0, 1, 0, DONE))                                                                  \
    F(ficlone, -EFAULT, aioc_ficlone(NULL, 0, 0, DONE))                                                                \
    F(ficlonerange, -EFAULT, aioc_ficlonerange(NULL, 0, 0, 0, 0, 0, DONE))                                             \
    F(dup, -EFAULT, aioc_dup(NULL, 0, DONE))                                                                           \
    F(dup3, -EFAULT, aioc_dup3(NULL, 0, 0, 0, DONE))                                                                   \
    F(fcntl, aioc_fcntl(ctx, file, F_OFD_GETLK, (uintptr_t)bad, DONE), aioc_fcntl(NULL, 0, 0, 0, DONE))                \
    F(ioctl, aioc_ioctl(ctx, file, FS_IOC_FSGETXATTR, (uintptr_t)bad, DONE), aioc_ioctl(NULL, 0, 0, 0, DONE))          \
    F(flock, -EFAULT, aioc_flock(NULL, 0, 0, DONE))                                                                    \
    F(ofd_lock, -EFAULT, aioc_ofd_lock(NULL, 0, 0, 0, 0, 0, DONE))                                                     \
    F(name_to_handle, aioc_name_to_handle(ctx, "/", bad, &mount_id, 0, DONE),                                          \
      aioc_name_to_handle(NULL, "", NULL, NULL, 0, DONE))                                                              \
    F(open_by_handle, geteuid() == 0 ? aioc_open_by_handle(ctx, file, bad, 0, DONE) : -EFAULT,                         \
      aioc_open_by_handle(NULL, 0, NULL, 0, DONE))                                                                     \
    F(fsverity_enable, -EFAULT, aioc_fsverity_enable(NULL, 0, NULL, DONE))                                             \
    F(fsverity_measure, -EFAULT, aioc_fsverity_measure(NULL, 0, NULL, DONE))                                           \
    F(msync, -EFAULT, aioc_msync(NULL, NULL, 0, 0, DONE))                                                              \
    F(madvise, -EFAULT, aioc_madvise(NULL, NULL, 0, 0, DONE))                                                          \
    F(mtouch, touch_of(bad), aioc_mtouch(NULL, NULL, 0, 0, DONE))                                                      \
    F(mlock, -EFAULT, aioc_mlock(NULL, NULL, 0, 0, DONE))                                                              \
    F(munlock, -EFAULT, aioc_munlock(NULL, NULL, 0, DONE))                                                             \
    F(mlockall, -EFAULT, aioc_mlockall(NULL, 0, DONE))                                                                 \
    F(munlockall, -EFAULT, aioc_munlockall(NULL, DONE))                                                                \
    F(busy, -EFAULT, aioc_busy(NULL, 0, DONE))                                                                         \
    F(probe_operation, -EFAULT, -EINVAL)                                                                               \
    F(cancel, -EFAULT, aioc_cancel(NULL, 1))                                                                           \
    F(hold, -EFAULT, aioc_hold(NULL))                                                                                  \
    F(release, -EFAULT, aioc_release(NULL))                                                                            \
    F(poll_fileno, -EFAULT, aioc_poll_fileno(NULL))                                                                    \
    F(poll_cb, -EFAULT, aioc_poll_cb(NULL))                                                                            \
    F(poll_wait, -EFAULT, aioc_poll_wait(NULL, 0))                                                                     \
    F(poll_break, -EFAULT, aioc_poll_break(NULL))                                                                      \
    F(reap, aioc_reap(ctx, bad, 1), aioc_reap(NULL, NULL, 1))                                                          \
    F(exchange, aioc_exchange(ctx, bad, 1, NULL, NULL, 0, &taken), aioc_exchange(NULL, NULL, 0, NULL, NULL, 0, NULL))  \
    F(nreqs, -EFAULT, aioc_nreqs(NULL))                                                                                \
    F(buffer_create, -EFAULT, aioc_buffer_create(NULL, 1, 1))                                                          \
    F(buffer_get, aioc_buffer_get(ctx, bad), aioc_buffer_get(NULL, NULL))                                              \
    F(buffer_put, aioc_buffer_put(ctx, bad), aioc_buffer_put(NULL, NULL))                                              \
    F(buffer_info, aioc_buffer_info(ctx, bad), aioc_buffer_info(NULL, NULL))                                           \
    F(file_register, -EFAULT, aioc_file_register(NULL, 0))                                                             \
    F(file_unregister, -EFAULT, aioc_file_unregister(NULL, 0))                                                         \
    F(min_parallel, -EFAULT, aioc_min_parallel(NULL, 1))                                                               \
    F(max_parallel, -EFAULT, aioc_max_parallel(NULL, 1))                                                               \
    F(rebind, -EFAULT, aioc_rebind(NULL))                                                                              \
    F(version, -EFAULT, -EINVAL)                                                                                       \
    F(strerror, -EFAULT, -EINVAL)                                                                                      \
    F(operation_name, -EFAULT, -EINVAL)                                                                                \
    F(engine_name, -EFAULT, -EINVAL)                                                                                   \
    F(probe, -EFAULT, -EINVAL)                                                                                         \
    F(engine_info, aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, bad), aioc_engine_info(NULL, 0, NULL))                   \
    F(stats, aioc_stats(ctx, bad), aioc_stats(NULL, NULL))                                                             \
    F(count, -EFAULT, aioc_count(NULL, 0, 0))                                                                          \
    F(custom, aioc_custom(ctx, NULL, bad, DONE), aioc_custom(NULL, NULL, NULL, DONE))                                  \
    F(group, -EFAULT, aioc_group(NULL, DONE))                                                                          \
    F(group_close, -EFAULT, aioc_group_close(NULL, 1))                                                                 \
    F(group_feed, -EFAULT, aioc_group_feed(NULL, 1, 1, NULL, NULL))                                                    \
    F(group_info, aioc_group_info(ctx, 1, bad), aioc_group_info(NULL, 1, NULL))

#define DEFINE(name, bad_call, null_call)                                                                              \
    static int64_t bad_##name(void *bad) {                                                                             \
        (void)bad;                                                                                                     \
        return bad_call;                                                                                               \
    }                                                                                                                  \
    static int64_t null_##name(void) { return null_call; }
FUNCTIONS(DEFINE)

struct row {
    const char *name;
    int64_t (*with_bad_pointer)(void *);
    int64_t (*without_context)(void);
};
#define ROW(name, bad_call, null_call) {"aioc_" #name, bad_##name, null_##name},
static const struct row functions[] = {FUNCTIONS(ROW)};
static int64_t exchange_bad_completions(void *bad) { return aioc_exchange(ctx, NULL, 0, NULL, bad, 1, &taken); }
static const struct row further_pointers[] = {
    {"aioc_rename, path2", rename_to, NULL},      {"aioc_link, path2", link_to, NULL},
    {"aioc_symlink, path2", symlink_at, NULL},    {"aioc_getxattr, name", name_of_attribute, NULL},
    {"aioc_utimens, times", times_at, NULL},      {"aioc_readlink, path", readlink_of, NULL},
    {"aioc_readdir, path", readdir_of, NULL},     {"aioc_name_to_handle, mount_id", mount_id_at, NULL},
    {"aioc_submit, path", submit_bad_path, NULL}, {"aioc_exchange, done", exchange_bad_completions, NULL},
    {"aioc_submit, ids", submit_bad_ids, NULL},   {"aioc_create, options", create_bad_options, NULL}};
/* Structs of which the stated size can be read, and no more. */
static const struct row sized_structs[] = {{"aioc_submit", bad_submit, NULL},
                                           {"aioc_create", create_bad_options, NULL},
                                           {"aioc_reap", bad_reap, NULL},
                                           {"aioc_exchange", bad_exchange, NULL},
                                           {"aioc_exchange, done", exchange_bad_completions, NULL},
                                           {"aioc_stats", bad_stats, NULL},
                                           {"aioc_engine_info", bad_engine_info, NULL}};
enum { functions_count = sizeof functions / sizeof *functions };

static void try_pointer(const struct row *row, void *bad) {
    record.calls = 0;
    int64_t result = row->with_bad_pointer(bad);
    if (result > 0) { /* accepted: the kernel is to find out */
        wait_all(ctx);
        result = record.calls == 1 ? record.done.result : 0;
        if (result > 0 && result < transfer_bytes) {
            return; /* as read(2) and write(2): as far as the buffer goes */
        }
    }
    if (result != -EFAULT && result != -EINVAL) {
        fprintf(stderr, "%s(%p) gave %lld\n", row->name, bad, (long long)result);
    }
    assert_true(result == -EFAULT || result == -EINVAL);
    assert_int_equal(aioc_nreqs(ctx), 0);
}

static void bad_pointers_give_an_error_and_no_signal(void **state) {
    (void)state;
    if (getenv("AIOC_UNDER_VALGRIND")) { /* there a wild pointer is reported and then read */
        return;
    }
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *const pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
    void *const bad[] = {
        NULL, (void *)1, pages + page, pages + page - 4, pages + page - 1, (void *)-1, (void *)(UINTPTR_MAX / 2 + 1)};
    for (size_t b = 0; b < sizeof bad / sizeof *bad; ++b) {
        for (size_t i = 0; i < functions_count; ++i) {
            memset(pages, 'a', page); /* the kernel may have filled a struct half */
            try_pointer(&functions[i], bad[b]);
        }
        for (size_t i = 0; i < sizeof further_pointers / sizeof *further_pointers; ++i) {
            memset(pages, 'a', page);
            try_pointer(&further_pointers[i], bad[b]);
        }
    }
    const uint32_t size = 32;
    memcpy(pages + page - sizeof size, &size, sizeof size);
    for (size_t i = 0; i < sizeof sized_structs / sizeof *sized_structs; ++i) {
        try_pointer(&sized_structs[i], pages + page - sizeof size);
    }
    munmap(pages, 2 * page);
}

static void results_in_read_only_memory_give_efault(void **state) {
    (void)state;
    if (getenv("AIOC_UNDER_VALGRIND")) { /* there it is not asked */
        return;
    }
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t *const memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    memory[0] = 32; /* a size, for the structs */
    assert_int_equal(mprotect(memory, page, PROT_READ), 0);
    aioc_operation op = AIOC_OPERATION_INIT;
    op.code = AIOC_OP_NOP;
    assert_int_equal(aioc_create((aioc_context **)memory, NULL), -EFAULT);
    assert_int_equal(aioc_submit(ctx, &op, 1, (aioc_request *)memory), -EFAULT);
    assert_int_equal(aioc_reap(ctx, (aioc_completion *)memory, 1), -EFAULT);
    assert_int_equal(aioc_stats(ctx, (aioc_statistics *)memory), -EFAULT);
    assert_int_equal(aioc_engine_info(ctx, AIOC_ENGINE_WORKERS, (aioc_engine_report *)memory), -EFAULT);
    /* What the library itself writes to at the completion. */
    assert_int_equal(aioc_readdir(ctx, "/", 0, (aioc_directory **)memory, DONE), -EFAULT);
    assert_int_equal(aioc_statvfs(ctx, "/", (struct statvfs *)memory, DONE), -EFAULT);
    assert_int_equal(aioc_fstatvfs(ctx, file, (struct statvfs *)memory, DONE), -EFAULT);
    munmap(memory, page);
}

static void no_context_gives_einval(void **state) {
    (void)state;
    for (size_t i = 0; i < functions_count; ++i) {
        if (functions[i].without_context() != -EINVAL) {
            fail_msg("%s", functions[i].name);
        }
    }
}

static void every_function_of_the_header_has_a_row(void **state) {
    (void)state;
    int declared = 0;
    char line[400];
    static const char *const headers[] = {HEADER, OPERATIONS_HEADER};
    for (size_t h = 0; h < sizeof headers / sizeof *headers; ++h) {
        FILE *const header = fopen(headers[h], "re");
        assert_non_null(header);
        while (fgets(line, sizeof line, header)) {
            declared += strncmp(line, "AIOC_API ", 9) == 0;
            for (size_t i = 0; strncmp(line, "AIOC_API ", 9) == 0; ++i) {
                const char *const name = i < functions_count ? strstr(line, functions[i].name) : NULL;
                if (i == functions_count) {
                    fail_msg("no row for: %s", line);
                }
                if (name && name[strlen(functions[i].name)] == '(') {
                    break;
                }
            }
        }
        fclose(header);
    }
    assert_int_equal(declared, functions_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {CASE(bad_pointers_give_an_error_and_no_signal),
                                       CASE(results_in_read_only_memory_give_efault), CASE(no_context_gives_einval),
                                       CASE(every_function_of_the_header_has_a_row)};
    path = make_file("sixteen bytes are");
    file = open(path, O_RDWR | O_CLOEXEC);
    if (setxattr(path, ATTRIBUTE, "sixteen bytes are", transfer_bytes, 0) != 0) {
        return 1;
    }
    ctx = make_context(0);
    if (aioc_buffer_create(ctx, 1, 1) != 0) {
        return 1;
    }
    const int failed = run_group(tests);
    return failed || aioc_destroy(ctx) != 0;
}
