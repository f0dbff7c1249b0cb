/* SPDX-License-Identifier: MIT */
/*
 * libaio-clone: asynchronous file operations for Linux.
 *
 * A context runs operations for its user and hands the results back through
 * one pollable descriptor and a callback on the caller's own thread.
 *
 * The contract, once for all functions:
 *  - A request that was accepted (the call returned an id > 0) completes exactly
 *    once: inside aioc_poll_cb, aioc_reap or aioc_destroy, never inside the
 *    submitting call and never on a worker. A refused one (< 0) never completes.
 *  - Paths are copied at submission. Buffers and out-structs belong to the
 *    caller and must stay valid until the completion.
 *  - Errors are negative errno values. A completion carries the kernel's own.
 *  - Any thread may submit and cancel; one thread at a time polls. With
 *    AIOC_SINGLE_THREADED one thread makes all calls.
 *  - Signals are never handled on a worker.
 *  - A submitting call never waits for a device or a server; it may answer from memory what it can,
 *    for at most half a millisecond between two polls (docs/routing.md).
 *  - Every struct starts with its size. A shorter one is taken as if the rest were
 *    zero; a longer one must be zero beyond what this version knows (-E2BIG).
 *  - A NULL context gives -EINVAL. NULL for any other required pointer gives -EFAULT.
 *  - In a forked child every context is empty and usable: requests of the parent
 *    never complete there and their ids give -ENOENT. Its descriptor has the same
 *    number, but must be added again to an inherited epoll set.
 *
 * Since 1.0 unless a declaration says otherwise.
 */
#ifndef AIOCLONE_H
#define AIOCLONE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AIOC_VERSION_MAJOR 1
#define AIOC_VERSION_MINOR 0
#define AIOC_VERSION_PATCH 0

#if defined(__GNUC__)
#define AIOC_API __attribute__((visibility("default")))
#else
#define AIOC_API
#endif

typedef struct aioc_context aioc_context;

/* > 0: the id of a request. < 0: -errno, the request was refused. */
typedef int64_t aioc_request;

/* What runs requests. SYNC: no worker could be started, so the submitting call ran it. */
enum {
    AIOC_ENGINE_AUTO = 0,
    AIOC_ENGINE_INLINE = 1,
    AIOC_ENGINE_RING = 2,
    AIOC_ENGINE_WORKERS = 3,
    AIOC_ENGINE_SYNC = 4
};

/* How a worker is started. AUTO: clone in an unprivileged process, pthread in a privileged one. */
enum { AIOC_SPAWNER_AUTO = 0, AIOC_SPAWNER_CLONE = 1, AIOC_SPAWNER_PTHREAD = 2 };

/* aioc_options.flags */
#define AIOC_SINGLE_THREADED 0x1u /* one thread makes every call on this context */
#define AIOC_ONE_CORE 0x2u        /* never keep a second core awake to be faster */
#define AIOC_NO_RING 0x4u         /* AIOC_ENGINE_AUTO without io_uring */
#define AIOC_LOCAL_PATHS 0x8u     /* every path is on a local disk: stat may be answered in the
                                   * submitting call, at worst after one read of that disk */
#define AIOC_IN_ORDER 0x10u       /* while max_workers is 1 (then its default), requests run one at a
                                   * time in the order of their submission; only stat, lstat and read may run,
                                   * and complete, beside others of these three. No io_uring */

/* Zero in any field means its default. */
typedef struct aioc_options {
    uint32_t size;            /* sizeof(aioc_options) */
    uint32_t flags;           /* AIOC_SINGLE_THREADED ...; unknown ones -EINVAL */
    uint32_t engine;          /* AIOC_ENGINE_AUTO or one to force; AIOC_ENGINE= overrides */
    uint32_t spawner;         /* AIOC_SPAWNER_*; AIOC_SPAWNER= overrides */
    uint32_t min_workers;     /* kept when idle; default 1, at most 1024 */
    uint32_t max_workers;     /* at most 1024; default 4, and 32 for requests that wait for a device
                               * (1 if AIOC_IN_ORDER; min_workers if more) */
    uint32_t idle_timeout_ms; /* an idle worker above the minimum ends after this; default 10000 */
    uint32_t max_outstanding; /* more are refused with -EAGAIN; default: no limit */
    uint32_t device_workers;  /* so many workers may wait at once for one remote file system (NFS, CIFS, FUSE ...), at
                               * most 1024; default: all but an eighth, and but one at least */
    uint32_t reserved;        /* 0 */
} aioc_options;
#define AIOC_OPTIONS_INIT {sizeof(aioc_options), 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* aioc_completion.flags: others are there already. If no more than this one is taken, the descriptor stays readable. */
#define AIOC_MORE 0x1u

/* The library's; valid during the callback. */
typedef struct aioc_completion {
    uint32_t size;      /* bytes that the library filled */
    uint32_t operation; /* AIOC_OP_* */
    uint32_t engine;    /* AIOC_ENGINE_* that ran it */
    uint32_t flags;     /* AIOC_MORE or 0 */
    aioc_request request;
    int64_t result;  /* >= 0, or -errno */
    void *user_data; /* as given; the library never looks at it */
} aioc_completion;

typedef void (*aioc_callback)(const aioc_completion *done, void *user_data);

/* aioc_operation.flags */
#define AIOC_USE_DIRFD 0x1u  /* a relative path starts at fd instead of the working directory */
#define AIOC_USE_DIRFD2 0x2u /* the same for path2 and fd2 */
#define AIOC_LINK 0x100u     /* the next one of the array starts when this one has ended well (see Scheduling) */
#define AIOC_ABSOLUTE 0x200u /* timeout_ns is a time of CLOCK_MONOTONIC */

/* One operation, for aioc_submit. Which fields it uses follows from its function in <aioclone/operations.h>, whose
 * parameters have the fields' names or say so. Fields that it does not use are ignored. */
typedef struct aioc_operation {
    uint32_t size;            /* sizeof(aioc_operation), the same in a whole array */
    uint32_t code;            /* AIOC_OP_* */
    uint32_t flags;           /* AIOC_USE_DIRFD ...; unknown ones -EINVAL */
    int32_t fd;               /* descriptor (the source, if there are two), or the directory with AIOC_USE_DIRFD */
    uint32_t operation_flags; /* the call's own: open: O_*; read, write: RWF_* of preadv2(2); others: flags,
                               * advice, whence ... */
    uint32_t mode;            /* open, mkdir ...: mode of a new file; statx: mask */
    const char *path;         /* at most PATH_MAX - 1 bytes, else -ENAMETOOLONG */
    void *buffer;             /* data; memory; or the struct to fill */
    uint64_t length;          /* bytes; at most INT64_MAX, else -EINVAL */
    int64_t offset;           /* bytes; negative: -EINVAL, but for seek and splice */
    aioc_callback callback;   /* NULL: counted, delivered to nobody */
    void *user_data;
    const char *path2;        /* rename, link, symlink, flink: the new name; xattrs: the attribute's */
    int64_t offset2;          /* copy_file_range ...: in the destination */
    uint64_t argument;        /* openat2: resolve; mknod: device; fcntl, ioctl; name_to_handle: int * */
    int32_t fd2;              /* the destination, or the directory of path2 with AIOC_USE_DIRFD2 */
    uint32_t uid;             /* chown family */
    uint32_t gid;
    int32_t priority;         /* -4 (last) .. 4 (first), else -EINVAL */
    aioc_request group;       /* to be a member of; 0: none */
    uint64_t timeout_ns;      /* nanoseconds from the submission, see AIOC_ABSOLUTE; 0: none */
} aioc_operation;
#define AIOC_OPERATION_INIT                                                                            \
    {sizeof(aioc_operation), 0, 0, 0, 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0}

typedef struct aioc_statistics {
    uint32_t size;             /* sizeof(aioc_statistics) */
    uint32_t workers;          /* alive now, without those that are ending */
    uint64_t submitted;        /* accepted since creation */
    uint64_t completed;        /* delivered since creation */
    uint64_t outstanding;      /* accepted and not yet delivered */
    uint64_t queued;           /* waiting for a worker now */
    uint64_t worker_wakeups;   /* futex wakes sent to workers */
    uint64_t poll_wakeups;     /* writes to the poll descriptor */
    uint64_t workers_started;  /* since creation */
    uint64_t inline_hits;      /* answered without waiting in the submitting call */
    uint64_t inline_misses;    /* tried inline, would have waited */
    uint64_t waiting;          /* now, for another request, for their members or for room on their device */
    uint64_t timed_out;        /* since creation */
} aioc_statistics;
#define AIOC_STATISTICS_INIT {sizeof(aioc_statistics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

typedef struct aioc_engine_report {
    uint32_t size;      /* sizeof(aioc_engine_report) */
    int32_t status;     /* 0: works here; else -errno, why not */
    uint32_t spawner;   /* workers: AIOC_SPAWNER_CLONE or _PTHREAD in use, else 0 */
    uint32_t reserved;  /* 0 */
    const char *reason; /* static text for status; never NULL */
} aioc_engine_report;
#define AIOC_ENGINE_REPORT_INIT {sizeof(aioc_engine_report), 0, 0, 0, NULL}

/* The pool of buffers of a context. */
typedef struct aioc_buffer_report {
    uint32_t size;        /* sizeof(aioc_buffer_report) */
    uint32_t count;       /* buffers there are */
    uint32_t taken;       /* of these, not put back */
    int32_t registered;   /* 0: with io_uring; else -errno, why not (-ENOSYS: no ring is in use,
                           * -ENOMEM: RLIMIT_MEMLOCK); they serve all the same */
    uint64_t buffer_size; /* bytes of each */
} aioc_buffer_report;
#define AIOC_BUFFER_REPORT_INIT {sizeof(aioc_buffer_report), 0, 0, 0, 0}

/* --- Contexts ------------------------------------------------------------------- */

/* options NULL: defaults. 0, or -EFAULT -EINVAL -E2BIG -ENOMEM -EMFILE -ENFILE, or why the
 * forced engine or spawner does not work here (-ENOSYS). Starts no worker. */
AIOC_API int aioc_create(aioc_context **ret, const aioc_options *options);

/* Cancels what is queued, waits for what runs (as long as that takes), delivers every
 * outstanding completion and frees. Submissions meanwhile are refused with -ESHUTDOWN.
 * NULL gives 0. -EDEADLK inside a callback; -EBUSY while another thread polls. */
AIOC_API int aioc_destroy(aioc_context *ctx);

/* --- Requests ------------------------------------------------------------------- */

/* Submits count operations from an array whose elements are ops[0].size bytes apart.
 * Returns how many were accepted, in order; the first refused one ends it. If that is the first
 * of all, its -errno. ret (may be NULL) receives their ids.
 * -EINVAL (code, flags, length, offset, size), -E2BIG, -EFAULT (ops, path), -ENAMETOOLONG,
 * -EAGAIN (max_outstanding), -ENOMEM, -ESHUTDOWN. */
AIOC_API int aioc_submit(aioc_context *ctx, const aioc_operation *ops, uint32_t count, aioc_request *ret);

/* 0: the request will complete with -ECANCELED (a descriptor that a running open obtains is
 * closed, a running readdir's object freed). -EALREADY: it runs or has run, and completes with its own result;
 * a composite that runs is asked to stop, and then this is -ECANCELED.
 * -ENOENT: no such request, it was delivered. */
AIOC_API int aioc_cancel(aioc_context *ctx, aioc_request request);

/* Between hold and the matching release, submissions (of any thread) are collected and
 * started together. They nest. aioc_poll_wait starts what is held before it waits.
 * Submissions inside a callback are collected until the poll returns: an event loop inside
 * of it calls aioc_poll_wait(ctx, 0) before it sleeps. -EINVAL: release without hold. */
AIOC_API int aioc_hold(aioc_context *ctx);
AIOC_API int aioc_release(aioc_context *ctx);

/* --- Operations ----------------------------------------------------------------- */

#include <aioclone/operations.h>
#include <aioclone/composites.h>

/* --- Scheduling ----------------------------------------------------------------- */
/*
 * Fields and flags of aioc_operation (docs/scheduling.md):
 *
 * priority: what waits for a worker, or is held, starts in the order of priority, and of submission within
 * one. It stops nothing that runs. So that none starves: when 64 later submitted requests have passed the
 * first one that waits with some priority, that one is next.
 *
 * AIOC_LINK: a chain, of two or more operations of one array. Each starts when the one before it has ended
 * with a result >= 0 (a short read or write is one), maybe before that one's callback; if that failed or was
 * cancelled, all that follow complete with -ECANCELED. On every engine, and delivered in their order. A chain
 * is accepted whole, or refused whole with the error of the first refused member; the last of an array has
 * no next. Use it for what must not overtake: a close after a read of the same descriptor.
 *
 * timeout_ns: a request that has not ended by then completes with -ETIMEDOUT. At once if it waits, is held or
 * queued (then it was never begun; a chain ends with it). If it runs, the kernel is asked to stop it where
 * it can be asked (io_uring), and it completes when the kernel has let go of its buffer, which may be
 * later: no completion ever comes while the kernel could still write there, so a buffer is the caller's
 * again with its completion and not before. The descriptor of an open is closed; a write may have been
 * done. 0 with AIOC_ABSOLUTE means none too. Deadlines are kept by aioc_poll_wait, aioc_poll_cb and
 * aioc_reap; the descriptor of aioc_poll_fileno becomes readable in time (by the kernel's aio of 4.18; where
 * that is missing, aioc_poll_fileno and submissions with a deadline after it give -ENOSYS or -EPERM).
 *
 * group: the request becomes a member of a group of this context. -ENOENT: the group was delivered.
 * -EINVAL: it is no group. -ESHUTDOWN: it is closed. -ECANCELED: it was cancelled or timed out.
 *
 * A group is a request (AIOC_OP_GROUP). It completes when it is closed and all its members were delivered. Its
 * result is the number of members that succeeded, or the error of the first that failed; -ECANCELED if it
 * was cancelled, -ETIMEDOUT if its own deadline passed: either closes it and cancels all members, also of
 * groups inside it. It can have a deadline, be a member of another group, and be the first of a chain.
 * aioc_destroy cancels it.
 *
 * Chained and fed requests run with the credentials of the thread that polls.
 */

/* No file operation, and not among those of <aioclone/operations.h>. */
enum { AIOC_OP_GROUP = 120, AIOC_OP_CUSTOM = 121 };

/* Makes a group. Members may be added by any thread until it is closed. Refusals as aioc_submit. */
AIOC_API aioc_request aioc_group(aioc_context *ctx, aioc_callback callback, void *user_data);
/* No more members. 0, also if it was closed. -ENOENT (it was delivered), -EINVAL (it is no group). */
AIOC_API int aioc_group_close(aioc_context *ctx, aioc_request group);

/* Adds members to the group. > 0: there are more. 0: that was all, the group is closed. < 0: the same, and
 * this is the group's error. If it returns > 0 without having added any, it is called again when a
 * member has been delivered, or by the next aioc_group_feed. */
typedef int (*aioc_feeder)(aioc_context *ctx, aioc_request group, void *user_data);
/* Calls the feeder while the group has fewer than limit members outstanding: first in this call, then in
 * aioc_poll_cb or aioc_reap, as members are delivered; never twice at once. limit 0: pauses. feeder NULL: the
 * one that the group has. -ENOENT, -EINVAL, -ESHUTDOWN (it is closed), -ECANCELED. */
AIOC_API int aioc_group_feed(aioc_context *ctx, aioc_request group, uint32_t limit, aioc_feeder feeder,
                             void *user_data);

#define AIOC_GROUP_CLOSED 0x1u
typedef struct aioc_group_report {
    uint32_t size;             /* sizeof(aioc_group_report) */
    uint32_t flags;            /* AIOC_GROUP_CLOSED */
    uint64_t outstanding;      /* members not delivered */
    uint64_t succeeded;        /* of those delivered: result >= 0 */
    uint64_t failed;           /* the others */
    int64_t first_error;       /* of the first that failed; 0: none */
    aioc_request first_failed; /* its id */
} aioc_group_report;
#define AIOC_GROUP_REPORT_INIT {sizeof(aioc_group_report), 0, 0, 0, 0, 0, 0}
/* As long as the group was not delivered: then -ENOENT. -EINVAL (no group, or size), -EFAULT. */
AIOC_API int aioc_group_info(aioc_context *ctx, aioc_request group, aioc_group_report *ret);

/* Runs a function of the program's as a request. Its result (>= 0, or -errno) is the request's. */
typedef int64_t (*aioc_work)(void *argument);
/* On threads of its own, made with pthread_create also where the spawner is clone, as many as max_workers allows; so
 * it may use libc, thread-local variables and locks, and blocks no file operation. All signals are blocked there. It
 * must return: no exception, longjmp or pthread_exit. If no thread can be started it runs in the submitting
 * call. As an operation (AIOC_OP_CUSTOM): argument is the address of the function, buffer its argument. Once it
 * runs it cannot be cancelled. Refusals as aioc_submit; -EFAULT: work is NULL. */
AIOC_API aioc_request aioc_custom(aioc_context *ctx, aioc_work work, void *argument, aioc_callback callback,
                                  void *user_data);

/* --- Completions ---------------------------------------------------------------- */

/* Readable (POLLIN) while completions wait. The context's: do not read or close it. It is a level: with
 * EPOLLET call aioc_poll_cb until it returns 0. It may be readable once more than needed. -ENOSYS, -EPERM:
 * there are deadlines, and the kernel cannot make it readable for them. */
AIOC_API int aioc_poll_fileno(aioc_context *ctx);

/* Calls back for every completion that waits, returns their number at once (0 when none).
 * Callbacks may submit, cancel and poll; none of our locks is held. They must return (no
 * longjmp, no C++ exception). -EBUSY: another thread polls. */
AIOC_API int aioc_poll_cb(aioc_context *ctx);

/* Waits until a completion waits: 1. 0 at once when nothing is outstanding, or after
 * timeout_ms (-1: no limit). -EINTR: a signal handler ran. -EBUSY: another thread polls. */
AIOC_API int aioc_poll_wait(aioc_context *ctx, int timeout_ms);

/* In a callback: aioc_poll_cb returns after it; the rest waits for the next poll. -EINVAL
 * outside of a callback. */
AIOC_API int aioc_poll_break(aioc_context *ctx);

/* Takes up to max completions instead of calling back (their callbacks are not called).
 * ret[0].size must be sizeof(aioc_completion) and is the distance between elements.
 * Returns their number. -EINVAL (size), -EFAULT, -EBUSY. */
AIOC_API int aioc_reap(aioc_context *ctx, aioc_completion *ret, uint32_t max);

/* aioc_submit, and then aioc_reap: what this thread answers itself in between comes back at once, and costs
 * no signal of the descriptor. taken receives the number of completions in done, of any requests; while another
 * thread polls that is 0, and they wait for a poll as ever. count or max may be 0. Result and refusals as
 * aioc_submit; completions are taken also when every operation was refused by it. -EINVAL (done[0].size) and
 * -EFAULT (done, taken) submit nothing. */
AIOC_API int aioc_exchange(aioc_context *ctx, const aioc_operation *ops, uint32_t count, aioc_request *ret,
                           aioc_completion *done, uint32_t max, uint32_t *taken);

/* Accepted and not yet delivered. */
AIOC_API int64_t aioc_nreqs(aioc_context *ctx);

/* --- Buffers and files known to the kernel -------------------------------------- */

/* Gives the context a pool of count buffers of size bytes (rounded up to whole pages), each at
 * the start of a page, as O_DIRECT wants it. Reads and writes that lie inside of one or more of
 * them are faster where io_uring runs them: their pages are pinned once instead of each time.
 * Once per context; freed with it, and unmapped: no pointer into it is valid after aioc_destroy.
 * -EINVAL (0, or too large), -EEXIST (there is a pool), -ENOMEM. */
AIOC_API int aioc_buffer_create(aioc_context *ctx, uint64_t size, uint32_t count);
/* A free buffer, its content whatever it was. -ENOBUFS: all are taken. -ENOENT: no pool. */
AIOC_API int aioc_buffer_get(aioc_context *ctx, void **ret);
/* Gives it back; no request may be using it. -EINVAL: no buffer of this context begins there.
 * -EALREADY: it is not taken. -ENOENT: no pool. In a forked child there is none; the memory
 * stays there to be read. */
AIOC_API int aioc_buffer_put(aioc_context *ctx, void *buffer);
/* 0, or -ENOENT (no pool), -EINVAL (size), -EFAULT. */
AIOC_API int aioc_buffer_info(aioc_context *ctx, aioc_buffer_report *ret);

/* Tells io_uring the file open as fd, so that requests which name fd find it faster. From then on
 * and until aioc_file_unregister such requests may mean this file, also when fd has been closed and
 * its number used again: unregister before you close. Regular files and block devices; 256 at a time.
 * -EBADF, -EINVAL (neither), -EEXIST, -ENFILE (256), -ENOMEM, or why there is no ring (-ENOSYS).
 * It is only ever a matter of speed: all errors but -EBADF can be ignored. */
AIOC_API int aioc_file_register(aioc_context *ctx, int fd);
/* Requests under way keep the file. -ENOENT: it is not registered. */
AIOC_API int aioc_file_unregister(aioc_context *ctx, int fd);

/* --- Workers -------------------------------------------------------------------- */

/* At least count workers (0..1024, else -EINVAL), started now if they can be; if not, why: -EAGAIN, -ENOMEM,
 * -EPERM, -ENOSYS. The number counts all the same. */
AIOC_API int aioc_min_parallel(aioc_context *ctx, uint32_t count);

/* At most count workers. Waits until surplus ones have ended, each after the request it runs.
 * 0: waits until the queue is empty and all have ended; the next request starts one again. */
AIOC_API int aioc_max_parallel(aioc_context *ctx, uint32_t count);

/* Retires all workers: what was submitted before is served by them, what comes after by new
 * ones that inherit everything from the submitter. Call it after seccomp, landlock, unshare,
 * setns or a label change, which the library cannot see. (Changed ids, groups and
 * capabilities it sees by itself.) */
AIOC_API int aioc_rebind(aioc_context *ctx);

/* --- Information ---------------------------------------------------------------- */

/* AIOC_VERSION_* of the library in use: major << 16 | minor << 8 | patch. */
AIOC_API uint32_t aioc_version(void);
/* Text of an errno value, negative or positive. Static; never NULL. */
AIOC_API const char *aioc_strerror(int64_t error);
/* Names as in the documentation; NULL for an unknown code. Codes run from 1 without gaps. */
AIOC_API const char *aioc_operation_name(uint32_t operation);
AIOC_API const char *aioc_engine_name(uint32_t engine);
/* 0: this library can use the engine in this process; else -errno, why not. */
AIOC_API int aioc_probe(uint32_t engine);
/* 0: this kernel has what the operation needs, or a file system of it may; else -ENOSYS or -EOPNOTSUPP, also if a
 * sandbox says so. -EINVAL: no such operation. Makes a system call that changes nothing. */
AIOC_API int aioc_probe_operation(uint32_t operation);
AIOC_API int aioc_engine_info(aioc_context *ctx, uint32_t engine, aioc_engine_report *ret);
AIOC_API int aioc_stats(aioc_context *ctx, aioc_statistics *ret);
/* Completions delivered of one operation by one engine; 0 for either means all. */
AIOC_API int64_t aioc_count(aioc_context *ctx, uint32_t operation, uint32_t engine);

#ifdef __cplusplus
}
#endif
#endif
