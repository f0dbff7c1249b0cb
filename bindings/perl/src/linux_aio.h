/* SPDX-License-Identifier: MIT */
/* Linux::AIO: what its C files and the generated wrapper share. */
#ifndef LINUX_AIO_H
#define LINUX_AIO_H
#ifndef PERL_NO_GET_CONTEXT
#define PERL_NO_GET_CONTEXT
#endif
#include <EXTERN.h>
#include <perl.h>
#include <XSUB.h>

#include <aioclone.h>
#include <linux/stat.h>

/* What a completion has to do before its callback runs. */
enum { LINUX_AIO_PLAIN, LINUX_AIO_READ, LINUX_AIO_STAT, LINUX_AIO_LSTAT };

/* One accepted request: its user_data. It owns what Perl must keep until the callback. */
typedef struct linux_aio_request {
    struct linux_aio_request *next, *previous; /* of the outstanding ones; next: of the free ones */
    CV *callback;
    SV *handle;         /* keeps the descriptor open, or NULL */
    SV *data;           /* the caller's scalar, or NULL */
    SV *written;        /* what a write writes, or NULL */
    char *buffer;       /* what a read reads into; stays with a free request for the next read */
    STRLEN buffer_size; /* with the byte for the final NUL */
    STRLEN data_offset; /* a read: where in the scalar */
    struct linux_aio_module *module;
    int64_t result;
    int error;          /* > 0: it was refused, and a nop delivers this errno */
    int kind;           /* LINUX_AIO_* */
    struct statx stat;
} linux_aio_request;

/* One per interpreter. */
typedef struct linux_aio_module {
    aioc_context *context; /* NULL in a new thread, until its first request */
    linux_aio_request *outstanding, *free;
    linux_aio_request *taken; /* by linux_aio_done */
    int more;                 /* others are there */
    int holding;              /* what callbacks submit */
    SV *argument; /* $_[0] of the callbacks, used again while nobody keeps it */
    IV outstanding_count, free_count;
    IV workers;     /* limit, as min_parallel and max_parallel set it */
    unsigned forks; /* of the process, when the outstanding ones were submitted */
} linux_aio_module;

/* One call of an aio_ function. */
typedef struct {
    linux_aio_module *module;
    linux_aio_request *request; /* NULL until taken */
    CV *callback;               /* borrowed until taken, as handle */
    SV *handle;
} linux_aio_call;

/* module.c: load, threads, fork, end. */
void linux_aio_load(pTHX);
void linux_aio_clone(pTHX);
linux_aio_module *linux_aio_current(pTHX);

/* convert.c: arguments. They may die. */
int linux_aio_fd(pTHX_ linux_aio_call *call, SV *handle);
int linux_aio_is_handle(pTHX_ SV *handle_or_path);
const char *linux_aio_path(pTHX_ SV *path);
int64_t linux_aio_int64(pTHX_ SV *number);
CV *linux_aio_callback(pTHX_ SV *callback);

/* request.c: between the arguments' conversion and the library's answer nothing may die. */
void linux_aio_begin(pTHX_ linux_aio_call *call);
aioc_context *linux_aio_context(pTHX_ linux_aio_call *call);
linux_aio_request *linux_aio_take(pTHX_ linux_aio_call *call);
struct statx *linux_aio_take_stat(pTHX_ linux_aio_call *call);
void linux_aio_submitted(pTHX_ linux_aio_call *call, aioc_request answer);
void linux_aio_give_back(pTHX_ linux_aio_module *module, linux_aio_request *request);
void linux_aio_abandon(pTHX_ linux_aio_module *module);

/* transfer.c, status.c: operations in Perl's own shape, and what their completions fill. */
void linux_aio_read(pTHX_ SV *fh, SV *offset, SV *length, SV *data, SV *dataoffset, SV *callback);
void linux_aio_write(pTHX_ SV *fh, SV *offset, SV *length, SV *data, SV *dataoffset, SV *callback);
int linux_aio_fill(pTHX_ linux_aio_request *request, STRLEN bytes); /* 0, or an errno */
void linux_aio_stat(pTHX_ SV *fh_or_path, SV *callback);
void linux_aio_lstat(pTHX_ SV *fh_or_path, SV *callback);
void linux_aio_fill_stat(pTHX_ const linux_aio_request *request, int status);

/* poll.c: completions and workers. */
int linux_aio_poll_fileno(pTHX);
void linux_aio_done(const aioc_completion *done, void *user_data);
int linux_aio_poll_cb(pTHX);
void linux_aio_poll_wait(pTHX);
int linux_aio_nreqs(pTHX);
void linux_aio_min_parallel(pTHX_ int count);
void linux_aio_max_parallel(pTHX_ int count);

#endif
