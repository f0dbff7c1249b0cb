/* SPDX-License-Identifier: MIT */
/* What a completion is in Ruby. */
#include "aioclone_ruby.h"

#include <ruby/io.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static VALUE statx_class, statvfs_class;

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

VALUE aioclone_stat(const struct statx *from) {
    struct stat status;
    to_stat(&status, from);
    return rb_stat_new(&status);
}

/* A new String was made for all that was asked for. Where none was asked for, the answer may be a length. */
static VALUE shortened(VALUE string, int64_t length, int answer) {
    if (length > RSTRING_LEN(string)) {
        return LL2NUM(length);
    }
    if (length < RSTRING_LEN(string) / 2) {
        string = rb_str_resize(string, (long)length);
    } else {
        rb_str_set_len(string, (long)length);
    }
    if (answer == AIOCLONE_NAME) {
        const VALUE name = aioclone_name_string(RSTRING_PTR(string), RSTRING_LEN(string));
        RB_GC_GUARD(string);
        return name;
    }
    return string;
}

static VALUE to_time(const struct statx_timestamp *from) {
    struct timespec time;
    set_time(&time, from);
    return rb_time_timespec_new(&time, INT_MAX); /* local time */
}

static VALUE to_statx(const struct statx *s) {
    return rb_struct_new(statx_class, UINT2NUM(s->stx_mask), UINT2NUM(s->stx_mode), UINT2NUM(s->stx_nlink),
                         UINT2NUM(s->stx_uid), UINT2NUM(s->stx_gid), ULL2NUM(s->stx_ino), ULL2NUM(s->stx_size),
                         ULL2NUM(s->stx_blocks), UINT2NUM(s->stx_blksize), ULL2NUM(s->stx_attributes),
                         ULL2NUM(s->stx_attributes_mask), to_time(&s->stx_atime), to_time(&s->stx_btime),
                         to_time(&s->stx_ctime), to_time(&s->stx_mtime),
                         ULL2NUM(makedev(s->stx_dev_major, s->stx_dev_minor)),
                         ULL2NUM(makedev(s->stx_rdev_major, s->stx_rdev_minor)));
}

static VALUE to_statvfs(const struct statvfs *s) {
    return rb_struct_new(statvfs_class, ULL2NUM(s->f_bsize), ULL2NUM(s->f_frsize), ULL2NUM(s->f_blocks),
                         ULL2NUM(s->f_bfree), ULL2NUM(s->f_bavail), ULL2NUM(s->f_files), ULL2NUM(s->f_ffree),
                         ULL2NUM(s->f_favail), ULL2NUM(s->f_fsid), ULL2NUM(s->f_flag), ULL2NUM(s->f_namemax));
}

static VALUE failed(aioclone_request *request) {
    const int64_t result = request->result;
    const char *const operation = request->operation;
    VALUE path = request->path;
    VALUE error;
    aioclone_give_back(request);
    error = aioclone_error(result, operation, path);
    RB_GC_GUARD(path);
    return error;
}

/* What runs out of memory below loses the result, and nothing else. */
VALUE aioclone_result(aioclone_request *request, VALUE *ret_error) {
    const int64_t result = request->result;
    const int answer = request->answer;
    VALUE data = request->data, file = request->file;
    struct stat status;
    struct statx statx;
    struct statvfs statvfs;
    int mount_id;
    *ret_error = Qnil;
    if (answer >= AIOCLONE_LOADED) {
        return aioclone_object_result(request, ret_error);
    }
    if (RB_UNLIKELY(result < 0)) {
        *ret_error = failed(request);
        return Qnil;
    }
    switch (answer) {
    case AIOCLONE_STRING:
    case AIOCLONE_NAME:
        aioclone_give_back(request);
        return shortened(data, result, answer);
    case AIOCLONE_FILE:
        aioclone_give_back(request);
        return file;
    case AIOCLONE_STAT:
        to_stat(&status, &request->out.stat);
        aioclone_give_back(request);
        return rb_stat_new(&status);
    case AIOCLONE_STATX:
        statx = request->out.stat;
        aioclone_give_back(request);
        return to_statx(&statx);
    case AIOCLONE_STATVFS:
        statvfs = request->out.statvfs;
        aioclone_give_back(request);
        return to_statvfs(&statvfs);
    case AIOCLONE_DIRECTORY:
        file = aioclone_new_directory();
        aioclone_directory_set(file, request->out.directory);
        aioclone_give_back(request);
        return file;
    case AIOCLONE_MOUNT_ID:
        mount_id = request->out.mount_id;
        aioclone_give_back(request);
        return INT2NUM(mount_id);
    default:
        aioclone_give_back(request);
        return LL2NUM(result);
    }
}

void aioclone_init_result(void) {
    statx_class = rb_struct_define_under(aioclone_module, "Statx", "mask", "mode", "nlink", "uid", "gid", "ino", "size",
                                         "blocks", "blksize", "attributes", "attributes_mask", "atime", "btime", "ctime",
                                         "mtime", "dev", "rdev", NULL);
    statvfs_class = rb_struct_define_under(aioclone_module, "StatVFS", "bsize", "frsize", "blocks", "bfree", "bavail",
                                           "files", "ffree", "favail", "fsid", "flag", "namemax", NULL);
}
