/* SPDX-License-Identifier: MIT */
/* What a completion is in Ruby. */
#include "aioclone_ruby.h"

#include <ruby/io.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

VALUE aioclone_error(int64_t error, const char *operation, VALUE path) {
    const int number = (int)(error < 0 ? -error : error);
    return rb_syserr_new_str(number, NIL_P(path) ? rb_str_new_cstr(operation) : path);
}

static void set_time(struct timespec *to, const struct statx_timestamp *from) {
    to->tv_sec = (time_t)from->tv_sec;
    to->tv_nsec = (long)from->tv_nsec;
}

static void to_stat(struct stat *to, const struct statx *from) {
    const struct stat zero = {0};
    *to = zero;
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

/* A new String was made for all that was asked for. */
static VALUE shortened(VALUE string, long length) {
    if (length < RSTRING_LEN(string) / 2) {
        return rb_str_resize(string, length);
    }
    rb_str_set_len(string, length);
    return string;
}

VALUE aioclone_result(aioclone_request *request, VALUE *ret_error) {
    const int64_t result = request->result;
    const int kind = request->kind;
    VALUE data = request->data;
    struct stat status;
    *ret_error = Qnil;
    if (RB_UNLIKELY(result < 0)) {
        VALUE path = request->path;
        const char *const operation = request->operation;
        aioclone_give_back(request);
        *ret_error = aioclone_error(result, operation, path);
        RB_GC_GUARD(path);
        return Qnil;
    }
    if (kind == AIOCLONE_STAT) {
        to_stat(&status, &request->out.stat);
    }
    aioclone_give_back(request);
    switch (kind) {
    case AIOCLONE_STAT:
        return rb_stat_new(&status);
    case AIOCLONE_NEW_STRING:
        return shortened(data, (long)result);
    case AIOCLONE_OPENED:
        return data;
    default:
        return LL2NUM(result);
    }
}
