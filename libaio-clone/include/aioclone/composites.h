/* SPDX-License-Identifier: MIT */
/*
 * Composites: operations made of operations, which do what a synchronous program would do in a loop. Included by
 * <aioclone.h>, whose contract holds: each is one request with one id and one completion. They run on workers (a load of
 * a small file also inline), on every engine, with the rights of the submitter.
 *
 * A composite that runs can be cancelled: aioc_cancel gives -EALREADY, and it stops before its next system call, closes
 * what it opened and completes with -ECANCELED, unless it was done by then.
 *
 * Objects that a request gives (ret) are the caller's, any thread may read them, and aioc_free frees them. ret is
 * written when the completion is delivered, only on success if nothing else is said; it must be valid until then.
 */
#ifndef AIOCLONE_H
#include <aioclone.h> /* which includes this file */
#endif
#ifndef AIOCLONE_COMPOSITES_H
#define AIOCLONE_COMPOSITES_H

/* Frees what a composite gave. NULL is allowed. */
AIOC_API void aioc_free(void *object);

/* How far a request is, or how far it came. It may grow at its end. */
typedef struct aioc_report {
    uint32_t size;    /* sizeof(aioc_report) */
    int32_t error;    /* the first one, -errno; 0: none */
    uint64_t items;   /* files and directories that are done */
    uint64_t bytes;   /* of content that are done */
    uint64_t errors;  /* items that failed */
    const char *path; /* where the first error was, from the root of the tree ("" is the root itself); NULL: none */
} aioc_report;
#define AIOC_REPORT_INIT {sizeof(aioc_report), 0, 0, 0, 0, NULL}

/* How far a composite is that is not delivered yet: items, bytes and errors so far; the rest is 0.
 * -ENOENT: no such request. -EOPNOTSUPP: no composite. -EINVAL (size), -EFAULT. */
AIOC_API int aioc_progress(aioc_context *ctx, aioc_request request, aioc_report *ret);

/* --- Data ------------------------------------------------------------------------- */

/* pread(2), pwrite(2) until count bytes are transferred, also more than the 2,147,479,552 of one call. The result of
 * read_full is less than count only at the end of the file. An error after a part is an error: -errno. */
AIOC_API aioc_request aioc_read_full(aioc_context *ctx, int fd, void *buf, size_t count, int64_t offset,
                                     aioc_callback callback, void *user_data);
AIOC_API aioc_request aioc_write_full(aioc_context *ctx, int fd, const void *buf, size_t count,
                                      int64_t offset, aioc_callback callback, void *user_data);

/* A whole file: open, read until a read gives 0, close; so also files of /proc, that say that they are empty, and ones
 * that grow. The result is its length; behind the last byte there is a NUL. A FIFO is waited for, until its writers
 * have closed it. count: longer ones are refused with -EFBIG; 0: no limit. */
AIOC_API aioc_request aioc_load(aioc_context *ctx, const char *path, size_t count, void **ret,
                                aioc_callback callback, void *user_data);

/* The file at path has this content, in one step: it is written without a name (O_TMPFILE; else, and for the moment of
 * the exchange, as .aioc-* beside it), synced, renamed, and the directory synced. Whoever reads, and the disk after a
 * crash or a kill, has the old content or the new one, complete. The result is count.
 * mode: of the file; 0: of the regular file that is there, without set-ID bits, else 0666 and the umask. Owner, xattrs
 * and other names of the old file are not kept; a symbolic link is replaced, not followed. After a cancel or an error
 * before the rename all is as before. -EINVAL, -EISDIR: the last component is no name for a file. */
AIOC_API aioc_request aioc_replace(aioc_context *ctx, const char *path, const void *buf, size_t count,
                                   uint32_t mode, aioc_callback callback, void *user_data);

/* fsync(2) of what is at path, of any kind, and of the directory that it is in. */
AIOC_API aioc_request aioc_pathsync(aioc_context *ctx, const char *path, aioc_callback callback,
                                    void *user_data);

/* --- Directories and trees -------------------------------------------------------- */

/* Entries of directories, as scandir and walk give them. */
typedef struct aioc_entries aioc_entries;

/* It may grow at its end; pointers are into the object. Names are bytes, without encoding. */
typedef struct aioc_entry {
    uint32_t size;             /* sizeof(aioc_entry) */
    uint32_t type;             /* DT_* of readdir(3); DT_UNKNOWN only if asking for it failed */
    uint64_t inode;            /* 0 with an error */
    const char *name;          /* without its directory; NUL-terminated */
    const char *directory;     /* walk: its path from the root, "" for the root; scandir: NULL */
    const struct statx *status; /* AIOC_WALK_STAT: STATX_BASIC_STATS | STATX_BTIME of the entry itself; else NULL */
    uint32_t name_length;      /* bytes */
    uint32_t directory_length; /* bytes */
    uint32_t depth;            /* walk: 1 for what is in the root; scandir: 0 */
    int32_t error;             /* walk: 0; else -errno, why this directory could not be read (it comes once more,
                                * with the error), or its status */
} aioc_entry;

AIOC_API uint64_t aioc_entries_count(const aioc_entries *entries);
/* scandir: how many of them are directories; they are the first ones. */
AIOC_API uint64_t aioc_entries_directories(const aioc_entries *entries);
/* NULL beyond the end. */
AIOC_API const aioc_entry *aioc_entries_at(const aioc_entries *entries, uint64_t index);

/* One directory: its directories first, then all else, without "." and "..". A stat is made only for entries whose type
 * the file system does not tell. The result is their number. Symbolic links are not followed, but in path. */
AIOC_API aioc_request aioc_scandir(aioc_context *ctx, const char *path, aioc_entries **ret,
                                   aioc_callback callback, void *user_data);

/* A walk through a tree, in lists that are asked for one by one, while workers read ahead. Memory is bounded, whatever
 * the size of the tree: at most 8 lists wait, then reading does. Each entry comes once, in one of its directory's lists;
 * there is no order, and what is in a directory may come before the directory's own entry. Symbolic links are entries
 * and not followed, but in path. What changes meanwhile is seen or not. The root itself is no entry. Descriptors: at
 * most a fourth of RLIMIT_NOFILE, and 256. */
typedef struct aioc_walk aioc_walk;
#define AIOC_WALK_STAT 0x1 /* each entry with its status */
/* Reads nothing yet. 0, or -EINVAL (flags), -EFAULT (path, ret), -ENAMETOOLONG, -ENOMEM. */
AIOC_API int aioc_walk_create(aioc_context *ctx, const char *path, int flags, aioc_walk **ret);
/* Ends it, with its context or at any time before; requests for entries that wait complete with -ECANCELED. It never
 * waits. NULL is allowed. -EINVAL: no walk of this context, as in a forked child. */
AIOC_API int aioc_walk_destroy(aioc_context *ctx, aioc_walk *walk);
/* The next list: the result is the number of its entries. 0: the end, without an object, again and again. -errno: the
 * root could not be read. Several may wait at once. Fields: argument: walk. */
AIOC_API aioc_request aioc_walk_next(aioc_context *ctx, aioc_walk *walk, aioc_entries **ret,
                                     aioc_callback callback, void *user_data);

/* Flags of copy and copy_tree. Without any: content and, as for new files, the mode without set-ID bits and what the
 * umask takes away. */
#define AIOC_COPY_MODE 0x1  /* the mode exactly; set-ID bits only if the copy has the same owner (and group) */
#define AIOC_COPY_TIMES 0x2 /* of access and modification, nanoseconds */
#define AIOC_COPY_OWNER 0x4 /* owner and group; left as they are where the process may not change them */
#define AIOC_COPY_XATTRS 0x8 /* and so ACLs; those that are not in user. only where the process may set them */
#define AIOC_COPY_LINKS 0x10 /* copy_tree: names of one file stay names of one file */
#define AIOC_COPY_ALL 0x1f
#define AIOC_COPY_OVERWRITE 0x20 /* files that are there are replaced, in one step each; directories merged */
#define AIOC_COPY_SYNC 0x40      /* what was copied is synced (fsync) */

/* One regular file; a symbolic link at path is followed. By reflink, else copy_file_range(2), else read and write to the
 * end, whatever the size says; holes stay holes. The result is its length. The copy is removed again when it fails or is
 * cancelled. -EEXIST: without AIOC_COPY_OVERWRITE path2 must not exist. -EISDIR, -EINVAL: path is no regular file. */
AIOC_API aioc_request aioc_copy(aioc_context *ctx, const char *path, const char *path2, int flags,
                                aioc_callback callback, void *user_data);

/* The functions on trees go on after an error; the result is the first one, else the number of items. They use several
 * workers: as many as there are processors, and more if the file system makes them wait (at most max_workers). ret (may
 * be NULL) gets a report, also on failure. They follow no symbolic link in the tree, nor at path.
 *
 * Everything that is at path, of any kind, to path2, which does not exist (-EEXIST; AIOC_COPY_OVERWRITE: merged).
 * Symbolic links, FIFOs, sockets and devices are made anew. When it is cancelled, what is copied stays, without the file
 * that was being written. A copy into itself is not descended into (-EINVAL). */
AIOC_API aioc_request aioc_copy_tree(aioc_context *ctx, const char *path, const char *path2, int flags,
                                     aioc_report **ret, aioc_callback callback, void *user_data);
/* rename(2), also of a tree; to another file system by a copy with AIOC_COPY_ALL under a name beside path2
 * (.aioc-*), a rename, and the removal of path. Until the rename it can be cancelled, and fails as a whole: the
 * copy is removed. If path cannot be removed afterwards, both are there, and the result is that error. */
#define AIOC_MOVE_NOREPLACE 0x1 /* -EEXIST if path2 exists */
AIOC_API aioc_request aioc_move(aioc_context *ctx, const char *path, const char *path2, int flags,
                                aioc_report **ret, aioc_callback callback, void *user_data);
/* Removes what is at path, of any kind, with all that is in it: rm -r. It never leaves the tree: a directory that is
 * exchanged for a symbolic link meanwhile is removed as a link. (One that is moved out of the tree while it is read is
 * still emptied.) What appears meanwhile is removed too, up to four times a directory. -EINVAL: the last component is ".",
 * ".." or "/". -ENOTDIR: a slash behind what is no directory. */
AIOC_API aioc_request aioc_remove_tree(aioc_context *ctx, const char *path, aioc_report **ret,
                                       aioc_callback callback, void *user_data);

#endif
