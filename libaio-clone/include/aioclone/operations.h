/* SPDX-License-Identifier: MIT */
/*
 * The operations: their codes, and one function for each. Included by <aioclone.h>, whose contract holds.
 *
 * Arguments are as in the system call's man page, results too: -errno is the kernel's own, also -ENOSYS or
 * -EOPNOTSUPP where this kernel or file system lacks the feature (aioc_probe_operation). What every function adds
 * is the callback with its user_data; refusals at once are those of aioc_submit. What is rarer (directory
 * descriptors, RWF_ and AT_ flags) is in the general form, aioc_submit with aioc_operation: "Fields:" names those of
 * an operation that its function does not set, or sets under another name.
 */
#ifndef AIOCLONE_H
#include <aioclone.h> /* which includes this file */
#endif
#ifndef AIOCLONE_OPERATIONS_H
#define AIOCLONE_OPERATIONS_H

struct iovec;    /* <sys/uio.h> */
struct statx;    /* <sys/stat.h> with _GNU_SOURCE, or <linux/stat.h> */
struct statvfs;  /* <sys/statvfs.h> */
struct timespec; /* <time.h> */

/* What a readdir found. The caller's, who frees it; any thread may read it. */
typedef struct aioc_directory aioc_directory;

/* Operation codes. New ones are added at the end; a code never changes. */
enum {
    AIOC_OP_NOP = 1,
    AIOC_OP_OPEN = 2,
    AIOC_OP_CLOSE = 3,
    AIOC_OP_READ = 4,
    AIOC_OP_WRITE = 5,
    AIOC_OP_READAHEAD = 6,
    AIOC_OP_STAT = 7,
    AIOC_OP_LSTAT = 8,
    AIOC_OP_FSTAT = 9,
    AIOC_OP_UNLINK = 10,
    AIOC_OP_FSYNC = 11,
    AIOC_OP_FDATASYNC = 12,
    /* Names */
    AIOC_OP_MKDIR = 13,
    AIOC_OP_RMDIR = 14,
    AIOC_OP_RENAME = 15,
    AIOC_OP_LINK = 16,
    AIOC_OP_SYMLINK = 17,
    AIOC_OP_MKNOD = 18,
    AIOC_OP_READLINK = 19,
    AIOC_OP_REALPATH = 20,
    AIOC_OP_READDIR = 21,
    AIOC_OP_OPENAT2 = 22,
    AIOC_OP_FLINK = 23,
    /* Attributes */
    AIOC_OP_STATX = 24,
    AIOC_OP_STATVFS = 25,
    AIOC_OP_FSTATVFS = 26,
    AIOC_OP_CHMOD = 27,
    AIOC_OP_FCHMOD = 28,
    AIOC_OP_CHOWN = 29,
    AIOC_OP_LCHOWN = 30,
    AIOC_OP_FCHOWN = 31,
    AIOC_OP_UTIMENS = 32,
    AIOC_OP_FUTIMENS = 33,
    AIOC_OP_TRUNCATE = 34,
    AIOC_OP_FTRUNCATE = 35,
    AIOC_OP_GETXATTR = 36,
    AIOC_OP_LGETXATTR = 37,
    AIOC_OP_FGETXATTR = 38,
    AIOC_OP_SETXATTR = 39,
    AIOC_OP_LSETXATTR = 40,
    AIOC_OP_FSETXATTR = 41,
    AIOC_OP_LISTXATTR = 42,
    AIOC_OP_LLISTXATTR = 43,
    AIOC_OP_FLISTXATTR = 44,
    AIOC_OP_REMOVEXATTR = 45,
    AIOC_OP_LREMOVEXATTR = 46,
    AIOC_OP_FREMOVEXATTR = 47,
    /* Data */
    AIOC_OP_READV = 48,
    AIOC_OP_WRITEV = 49,
    AIOC_OP_SEEK = 50,
    AIOC_OP_FALLOCATE = 51,
    AIOC_OP_FADVISE = 52,
    AIOC_OP_SYNC = 53,
    AIOC_OP_SYNCFS = 54,
    AIOC_OP_SYNC_FILE_RANGE = 55,
    AIOC_OP_SENDFILE = 56,
    AIOC_OP_COPY_FILE_RANGE = 57,
    AIOC_OP_SPLICE = 58,
    AIOC_OP_TEE = 59,
    AIOC_OP_FICLONE = 60,
    AIOC_OP_FICLONERANGE = 61,
    AIOC_OP_FIEMAP = 62,
    /* Descriptors */
    AIOC_OP_DUP = 63,
    AIOC_OP_DUP3 = 64,
    AIOC_OP_FCNTL = 65,
    AIOC_OP_IOCTL = 66,
    AIOC_OP_FLOCK = 67,
    AIOC_OP_OFD_LOCK = 68,
    AIOC_OP_NAME_TO_HANDLE = 69,
    AIOC_OP_OPEN_BY_HANDLE = 70,
    AIOC_OP_FSVERITY_ENABLE = 71,
    AIOC_OP_FSVERITY_MEASURE = 72,
    /* Memory */
    AIOC_OP_MSYNC = 73,
    AIOC_OP_MADVISE = 74,
    AIOC_OP_MTOUCH = 75,
    AIOC_OP_MLOCK = 76,
    AIOC_OP_MUNLOCK = 77,
    AIOC_OP_MLOCKALL = 78,
    AIOC_OP_MUNLOCKALL = 79,
    /* For tests and measurements */
    AIOC_OP_BUSY = 80,
    /* Composites: <aioclone/composites.h> */
    AIOC_OP_READ_FULL = 81,
    AIOC_OP_WRITE_FULL = 82,
    AIOC_OP_LOAD = 83,
    AIOC_OP_SCANDIR = 84,
    AIOC_OP_REPLACE = 85,
    AIOC_OP_PATHSYNC = 86,
    AIOC_OP_COPY = 87,
    AIOC_OP_COPY_TREE = 88,
    AIOC_OP_MOVE = 89,
    AIOC_OP_REMOVE_TREE = 90,
    AIOC_OP_WALK_NEXT = 91
};

/* --- Opening, closing, reading, writing ------------------------------------------ */

AIOC_API aioc_request aioc_nop(aioc_context *ctx, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_open(aioc_context *ctx, const char *path, int flags, uint32_t mode,
                                aioc_callback callback, void *user_data);
/* openat2(2), Linux 5.6. resolve: RESOLVE_*. Fields: operation_flags; argument: resolve. */
AIOC_API aioc_request aioc_openat2(aioc_context *ctx, const char *path, int flags, uint32_t mode,
                                   uint64_t resolve, aioc_callback callback, void *user_data);
/* It does not wait for other requests that name fd: one that has not begun finds no file (-EBADF), or the one
 * that has got the number meanwhile. Close when they have completed. */
AIOC_API aioc_request aioc_close(aioc_context *ctx, int fd, aioc_callback callback, void *user_data);
/* As pread(2), pwrite(2): one call, which may transfer less than count. Offset -1 is not the file's position, but
 * -EINVAL. Fields: operation_flags: RWF_* of preadv2(2). */
AIOC_API aioc_request aioc_read(aioc_context *ctx, int fd, void *buf, size_t count, int64_t offset,
                                aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_write(aioc_context *ctx, int fd, const void *buf, size_t count,
                                 int64_t offset, aioc_callback callback, void *user_data);
/* preadv2(2), pwritev2(2). The vectors and their count stay the caller's, as the buffers. Fields: buffer: iov;
 * length: iovcnt; operation_flags: RWF_*. */
AIOC_API aioc_request aioc_readv(aioc_context *ctx, int fd, const struct iovec *iov, int iovcnt,
                                 int64_t offset, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_writev(aioc_context *ctx, int fd, const struct iovec *iov, int iovcnt,
                                  int64_t offset, aioc_callback callback, void *user_data);
/* lseek(2): the result is the new position. Fields: operation_flags: whence. */
AIOC_API aioc_request aioc_seek(aioc_context *ctx, int fd, int64_t offset, int whence,
                                aioc_callback callback, void *user_data);

/* --- Names ------------------------------------------------------------------------ */

AIOC_API aioc_request aioc_unlink(aioc_context *ctx, const char *path, aioc_callback callback,
                                  void *user_data);
/* The file mode mask is the one of the moment when it runs. */
AIOC_API aioc_request aioc_mkdir(aioc_context *ctx, const char *path, uint32_t mode,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_rmdir(aioc_context *ctx, const char *path, aioc_callback callback,
                                 void *user_data);
/* renameat2(2): RENAME_*. Fields: fd2 with AIOC_USE_DIRFD2, in all three. */
AIOC_API aioc_request aioc_rename(aioc_context *ctx, const char *path, const char *path2, int flags,
                                  aioc_callback callback, void *user_data);
/* linkat(2): AT_SYMLINK_FOLLOW, AT_EMPTY_PATH. */
AIOC_API aioc_request aioc_link(aioc_context *ctx, const char *path, const char *path2, int flags,
                                aioc_callback callback, void *user_data);
/* path is the link's content, path2 its name: only path2 can be relative to a descriptor. */
AIOC_API aioc_request aioc_symlink(aioc_context *ctx, const char *path, const char *path2,
                                   aioc_callback callback, void *user_data);
/* Gives the file open as fd the name path2, as for O_TMPFILE (open(2)); needs /proc. Fields: fd2. */
AIOC_API aioc_request aioc_flink(aioc_context *ctx, int fd, const char *path2, aioc_callback callback,
                                 void *user_data);
/* Fields: argument: device, as makedev(3). */
AIOC_API aioc_request aioc_mknod(aioc_context *ctx, const char *path, uint32_t mode, uint64_t device,
                                 aioc_callback callback, void *user_data);
/* readlink(2): the result is the length; no NUL is added; what does not fit is cut off. */
AIOC_API aioc_request aioc_readlink(aioc_context *ctx, const char *path, void *buf, size_t count,
                                    aioc_callback callback, void *user_data);
/* The absolute path without links, "." and ".."; the file must exist, reading it need not be allowed. The result is
 * the length; no NUL is added; -ERANGE if it does not fit (PATH_MAX always does). Resolved by the kernel in one
 * step; needs /proc (-ENOSYS). */
AIOC_API aioc_request aioc_realpath(aioc_context *ctx, const char *path, void *buf, size_t count,
                                    aioc_callback callback, void *user_data);

/* All entries but "." and "..": the result is their number. ret gets an object that the caller frees, also when it has
 * no entries; it is not written on failure. A directory that is open: "." with AIOC_USE_DIRFD.
 * Entries are in the order in which the file system gives them, or by inode number (STAT_ORDER: stat calls on
 * them are then faster on a cold disk), or with directories first (DIRS_FIRST; where the file system tells no
 * type, names without a dot are taken for likely directories, and come after the known ones). */
AIOC_API aioc_request aioc_readdir(aioc_context *ctx, const char *path, int flags, aioc_directory **ret,
                                   aioc_callback callback, void *user_data);
#define AIOC_READDIR_STAT_ORDER 0x1
#define AIOC_READDIR_DIRS_FIRST 0x2
AIOC_API int64_t aioc_directory_count(const aioc_directory *directory);
/* Beyond the end: NULL, 0. Names are bytes, NUL-terminated, valid until the object is freed; the type is a DT_* of
 * readdir(3), DT_UNKNOWN where the file system does not tell. */
AIOC_API const char *aioc_directory_name(const aioc_directory *directory, int64_t index);
AIOC_API uint32_t aioc_directory_type(const aioc_directory *directory, int64_t index);
AIOC_API uint64_t aioc_directory_inode(const aioc_directory *directory, int64_t index);
/* How many types are DT_UNKNOWN. */
AIOC_API int64_t aioc_directory_unknown(const aioc_directory *directory);
/* NULL is allowed. */
AIOC_API void aioc_directory_free(aioc_directory *directory);

/* --- Attributes -------------------------------------------------------------------- */

/* Fill a struct statx with STATX_BASIC_STATS | STATX_BTIME. As stat(2), no automount. */
AIOC_API aioc_request aioc_stat(aioc_context *ctx, const char *path, struct statx *ret,
                                aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_lstat(aioc_context *ctx, const char *path, struct statx *ret,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fstat(aioc_context *ctx, int fd, struct statx *ret,
                                 aioc_callback callback, void *user_data);
/* statx(2): flags AT_*, mask STATX_*. Fields: mode: mask. */
AIOC_API aioc_request aioc_statx(aioc_context *ctx, const char *path, int flags, uint32_t mask,
                                 struct statx *ret, aioc_callback callback, void *user_data);
/* statvfs(3). Neither opens the file for reading: search permission is enough, as for statfs(2). */
AIOC_API aioc_request aioc_statvfs(aioc_context *ctx, const char *path, struct statvfs *ret,
                                   aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fstatvfs(aioc_context *ctx, int fd, struct statvfs *ret,
                                    aioc_callback callback, void *user_data);
/* Fields: operation_flags: AT_* of fchmodat2(2), Linux 6.6. */
AIOC_API aioc_request aioc_chmod(aioc_context *ctx, const char *path, uint32_t mode,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fchmod(aioc_context *ctx, int fd, uint32_t mode, aioc_callback callback,
                                  void *user_data);
/* (uint32_t)-1 keeps the one or the other. Fields: operation_flags: AT_* of fchownat(2). */
AIOC_API aioc_request aioc_chown(aioc_context *ctx, const char *path, uint32_t uid, uint32_t gid,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_lchown(aioc_context *ctx, const char *path, uint32_t uid, uint32_t gid,
                                  aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fchown(aioc_context *ctx, int fd, uint32_t uid, uint32_t gid,
                                  aioc_callback callback, void *user_data);
/* utimensat(2), futimens(3): times[0] of access, times[1] of modification, in nanoseconds; UTIME_NOW and UTIME_OMIT
 * stand for each alone, NULL for now in both. They are copied at submission. flags: AT_SYMLINK_NOFOLLOW.
 * Fields: buffer: times. */
AIOC_API aioc_request aioc_utimens(aioc_context *ctx, const char *path, const struct timespec *times,
                                   int flags, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_futimens(aioc_context *ctx, int fd, const struct timespec *times,
                                    aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_truncate(aioc_context *ctx, const char *path, int64_t length,
                                    aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_ftruncate(aioc_context *ctx, int fd, int64_t length, aioc_callback callback,
                                     void *user_data);
/* xattr(7). The result of get and list is the length, also with count 0, which asks for it. Fields: path2: name;
 * operation_flags: XATTR_*. Relative to a directory descriptor they need /proc, as truncate does. */
AIOC_API aioc_request aioc_getxattr(aioc_context *ctx, const char *path, const char *name, void *buf,
                                    size_t count, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_lgetxattr(aioc_context *ctx, const char *path, const char *name, void *buf,
                                     size_t count, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fgetxattr(aioc_context *ctx, int fd, const char *name, void *buf,
                                     size_t count, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_setxattr(aioc_context *ctx, const char *path, const char *name,
                                    const void *buf, size_t count, int flags, aioc_callback callback,
                                    void *user_data);
AIOC_API aioc_request aioc_lsetxattr(aioc_context *ctx, const char *path, const char *name,
                                     const void *buf, size_t count, int flags, aioc_callback callback,
                                     void *user_data);
AIOC_API aioc_request aioc_fsetxattr(aioc_context *ctx, int fd, const char *name, const void *buf,
                                     size_t count, int flags, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_listxattr(aioc_context *ctx, const char *path, void *buf, size_t count,
                                     aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_llistxattr(aioc_context *ctx, const char *path, void *buf, size_t count,
                                      aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_flistxattr(aioc_context *ctx, int fd, void *buf, size_t count,
                                      aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_removexattr(aioc_context *ctx, const char *path, const char *name,
                                       aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_lremovexattr(aioc_context *ctx, const char *path, const char *name,
                                        aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fremovexattr(aioc_context *ctx, int fd, const char *name,
                                        aioc_callback callback, void *user_data);

/* --- Space and persistence ---------------------------------------------------------- */

AIOC_API aioc_request aioc_fsync(aioc_context *ctx, int fd, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_fdatasync(aioc_context *ctx, int fd, aioc_callback callback,
                                     void *user_data);
AIOC_API aioc_request aioc_sync(aioc_context *ctx, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_syncfs(aioc_context *ctx, int fd, aioc_callback callback, void *user_data);
/* flags: SYNC_FILE_RANGE_*; count 0: to the end. */
AIOC_API aioc_request aioc_sync_file_range(aioc_context *ctx, int fd, int64_t offset, size_t count,
                                           int flags, aioc_callback callback, void *user_data);
/* fallocate(2), not emulated. mode: FALLOC_FL_*. Fields: operation_flags: mode. */
AIOC_API aioc_request aioc_fallocate(aioc_context *ctx, int fd, int mode, int64_t offset, size_t count,
                                     aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_readahead(aioc_context *ctx, int fd, int64_t offset, size_t count,
                                     aioc_callback callback, void *user_data);
/* posix_fadvise(2): POSIX_FADV_*. Fields: operation_flags: advice. */
AIOC_API aioc_request aioc_fadvise(aioc_context *ctx, int fd, int64_t offset, size_t count, int advice,
                                   aioc_callback callback, void *user_data);
/* FS_IOC_FIEMAP: arg is a struct fiemap (<linux/fiemap.h>) with room for fm_extent_count extents. Fields: buffer:
 * arg. */
AIOC_API aioc_request aioc_fiemap(aioc_context *ctx, int fd, void *arg, aioc_callback callback,
                                  void *user_data);

/* --- From file to file: one call, which may move less than count -------------------- */

/* Fields of all: fd, offset: from where; fd2, offset2: to where. */
/* Reads fd_in at offset and writes to fd_out at its position. */
AIOC_API aioc_request aioc_sendfile(aioc_context *ctx, int fd_out, int fd_in, int64_t offset,
                                    size_t count, aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_copy_file_range(aioc_context *ctx, int fd_in, int64_t offset_in, int fd_out,
                                           int64_t offset_out, size_t count, int flags,
                                           aioc_callback callback, void *user_data);
/* Offset -1: the descriptor's own position, the only way for a pipe. It may wait for a pipe as long as that takes. */
AIOC_API aioc_request aioc_splice(aioc_context *ctx, int fd_in, int64_t offset_in, int fd_out,
                                  int64_t offset_out, size_t count, int flags, aioc_callback callback,
                                  void *user_data);
AIOC_API aioc_request aioc_tee(aioc_context *ctx, int fd_in, int fd_out, size_t count, int flags,
                               aioc_callback callback, void *user_data);
/* Let fd_out share the blocks of fd_in: ioctl_ficlonerange(2); count 0: to the end. */
AIOC_API aioc_request aioc_ficlone(aioc_context *ctx, int fd_out, int fd_in, aioc_callback callback,
                                   void *user_data);
AIOC_API aioc_request aioc_ficlonerange(aioc_context *ctx, int fd_out, int fd_in, int64_t offset_in,
                                        size_t count, int64_t offset_out, aioc_callback callback,
                                        void *user_data);

/* --- Descriptors, locks, handles ------------------------------------------------------ */

AIOC_API aioc_request aioc_dup(aioc_context *ctx, int fd, aioc_callback callback, void *user_data);
/* Fields: fd2: new_fd. */
AIOC_API aioc_request aioc_dup3(aioc_context *ctx, int fd, int new_fd, int flags,
                                aioc_callback callback, void *user_data);
/* argument: an integer, or the address of a struct that stays the caller's. One that waits for a lock keeps a
 * worker until it has it. Fields: operation_flags: cmd or request. */
AIOC_API aioc_request aioc_fcntl(aioc_context *ctx, int fd, int cmd, uint64_t argument,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_ioctl(aioc_context *ctx, int fd, uint32_t request, uint64_t argument,
                                 aioc_callback callback, void *user_data);
/* Fields: operation_flags: LOCK_*. Waits on a worker: see fcntl. */
AIOC_API aioc_request aioc_flock(aioc_context *ctx, int fd, int operation, aioc_callback callback,
                                 void *user_data);
/* A lock of the open file description (fcntl(2)): cmd F_OFD_SETLK or F_OFD_SETLKW, type F_RDLCK, F_WRLCK or F_UNLCK;
 * count 0: to the end. Fields: operation_flags: cmd; mode: type. */
AIOC_API aioc_request aioc_ofd_lock(aioc_context *ctx, int fd, int cmd, int type, int64_t offset,
                                    size_t count, aioc_callback callback, void *user_data);
/* name_to_handle_at(2): arg is a struct file_handle. Fields: buffer: arg; argument: address of mount_id. */
AIOC_API aioc_request aioc_name_to_handle(aioc_context *ctx, const char *path, void *arg, int *mount_id,
                                          int flags, aioc_callback callback, void *user_data);
/* open_by_handle_at(2): fd is any file on the mount. */
AIOC_API aioc_request aioc_open_by_handle(aioc_context *ctx, int fd, void *arg, int flags,
                                          aioc_callback callback, void *user_data);
/* FS_IOC_ENABLE_VERITY with a struct fsverity_enable_arg, FS_IOC_MEASURE_VERITY with a struct fsverity_digest
 * (<linux/fsverity.h>). Fields: buffer: arg. */
AIOC_API aioc_request aioc_fsverity_enable(aioc_context *ctx, int fd, void *arg, aioc_callback callback,
                                           void *user_data);
AIOC_API aioc_request aioc_fsverity_measure(aioc_context *ctx, int fd, void *arg, aioc_callback callback,
                                            void *user_data);

/* --- Memory of the process -------------------------------------------------------------- */

/* Fields: buffer: addr; length: count; operation_flags. */
AIOC_API aioc_request aioc_msync(aioc_context *ctx, void *addr, size_t count, int flags,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_madvise(aioc_context *ctx, void *addr, size_t count, int advice,
                                   aioc_callback callback, void *user_data);
/* Brings the pages into memory; with AIOC_MTOUCH_MODIFY as if each were written to. -EFAULT or -ENOMEM: not all are
 * mapped so; no signal is raised. */
AIOC_API aioc_request aioc_mtouch(aioc_context *ctx, void *addr, size_t count, int flags,
                                  aioc_callback callback, void *user_data);
#define AIOC_MTOUCH_MODIFY 0x1
/* flags: MLOCK_ONFAULT. */
AIOC_API aioc_request aioc_mlock(aioc_context *ctx, void *addr, size_t count, int flags,
                                 aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_munlock(aioc_context *ctx, void *addr, size_t count, aioc_callback callback,
                                   void *user_data);
/* flags: MCL_*. */
AIOC_API aioc_request aioc_mlockall(aioc_context *ctx, int flags, aioc_callback callback,
                                    void *user_data);
AIOC_API aioc_request aioc_munlockall(aioc_context *ctx, aioc_callback callback, void *user_data);

/* Keeps a worker busy: it sleeps for so many nanoseconds. Fields: length. */
AIOC_API aioc_request aioc_busy(aioc_context *ctx, int64_t nanoseconds, aioc_callback callback,
                                void *user_data);

#endif
