/* SPDX-License-Identifier: MIT */
/* stat and lstat: their result is what Perl's "_" names. */
#include "linux_aio.h"

#include <sys/sysmacros.h>

static void submit(pTHX_ SV *argument, SV *callback, int kind) {
    linux_aio_call call;
    int fd = -1;
    const char *path = NULL;
    aioc_context *context;
    linux_aio_request *request;
    aioc_request answer;
    linux_aio_begin(aTHX_ &call);
    context = linux_aio_context(aTHX_ &call);
    call.callback = linux_aio_callback(aTHX_ callback);
    if (linux_aio_is_handle(aTHX_ argument)) {
        fd = linux_aio_fd(aTHX_ &call, argument);
    } else {
        path = linux_aio_path(aTHX_ argument);
    }
    request = linux_aio_take(aTHX_ &call);
    request->kind = kind;
    if (!path) {
        answer = aioc_fstat(context, fd, &request->stat, linux_aio_done, request);
    } else if (kind == LINUX_AIO_LSTAT) {
        answer = aioc_lstat(context, path, &request->stat, linux_aio_done, request);
    } else {
        answer = aioc_stat(context, path, &request->stat, linux_aio_done, request);
    }
    linux_aio_submitted(aTHX_ &call, answer);
}

void linux_aio_stat(pTHX_ SV *fh_or_path, SV *callback) {
    submit(aTHX_ fh_or_path, callback, LINUX_AIO_STAT);
}

void linux_aio_lstat(pTHX_ SV *fh_or_path, SV *callback) {
    submit(aTHX_ fh_or_path, callback, LINUX_AIO_LSTAT);
}

static void set_time(struct timespec *to, const struct statx_timestamp *from) {
    to->tv_sec = (time_t)from->tv_sec;
    to->tv_nsec = (long)from->tv_nsec;
}

void linux_aio_fill_stat(pTHX_ const linux_aio_request *request, int status) {
    const struct statx *const from = &request->stat;
    Stat_t *const to = &PL_statcache;
    PL_laststype = request->kind == LINUX_AIO_LSTAT ? OP_LSTAT : OP_STAT;
    PL_laststatval = status;
    /* "-T _" opens the file again: the handle, if that is what we know, and never that of an older stat. */
    PL_statgv = request->handle && isGV_with_GP(request->handle) ? (GV *)request->handle : NULL;
    if (SvCUR(PL_statname)) {
        sv_setpvs(PL_statname, "");
    }
    if (status < 0) {
        return;
    }
    Zero(to, 1, Stat_t);
    to->st_dev = makedev(from->stx_dev_major, from->stx_dev_minor);
    to->st_ino = (ino_t)from->stx_ino;
    to->st_mode = from->stx_mode;
    to->st_nlink = from->stx_nlink;
    to->st_uid = from->stx_uid;
    to->st_gid = from->stx_gid;
    to->st_rdev = makedev(from->stx_rdev_major, from->stx_rdev_minor);
    to->st_size = (off_t)from->stx_size;
    to->st_blksize = (blksize_t)from->stx_blksize;
    to->st_blocks = (blkcnt_t)from->stx_blocks;
    set_time(&to->st_atim, &from->stx_atime);
    set_time(&to->st_mtim, &from->stx_mtime);
    set_time(&to->st_ctim, &from->stx_ctime);
}
