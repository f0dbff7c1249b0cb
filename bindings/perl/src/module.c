/* SPDX-License-Identifier: MIT */
/* The module's life: one context for each interpreter, dropped requests after a fork, the end. */
#include "linux_aio.h"

#include <pthread.h>
#include <unistd.h>

typedef linux_aio_module my_cxt_t;
#define MY_CXT_KEY "Linux::AIO::_module"
START_MY_CXT

/* Forks that made this process, counted in the child. Only the thread that forked lives there. */
static unsigned forks;

static void count_fork(void) {
    ++forks;
}

/* Only the first interpreter is used, and in the end freed, by one thread: a clone is freed by whoever joins it, and
 * programs that embed Perl move clones between threads. */
static int has_one_thread(pTHX) {
#ifdef MULTIPLICITY
    return aTHX == PL_curinterp && gettid() == getpid();
#else
    return 1;
#endif
}

static void open_context(pTHX_ linux_aio_module *module) {
    /* As documented: one worker, which means one request at a time and in order, until min_parallel. */
    aioc_options options = AIOC_OPTIONS_INIT;
    int status;
    options.min_workers = 1;
    options.max_workers = 1;
    options.flags = AIOC_IN_ORDER | (has_one_thread(aTHX) ? AIOC_SINGLE_THREADED : 0u);
    module->workers = 1;
    status = aioc_create(&module->context, &options);
    if (status < 0) {
        module->context = NULL;
        Perl_croak(aTHX_ "Linux::AIO: %s", aioc_strerror(status));
    }
    aioc_min_parallel(module->context, 1); /* starts it now; if it cannot, each request will try again */
}

static void reset(pTHX_ linux_aio_module *module) {
    Zero(module, 1, linux_aio_module);
    module->argument = newSViv(0);
    module->forks = forks;
}

/* At the end of an interpreter, after END. What is left (END blocks that died, threads that did not wait) is
 * waited for, as its buffers are freed here, but calls nothing. */
static void close_module(pTHX_ void *unused) {
    linux_aio_module *const module = linux_aio_current(aTHX);
    aioc_context *const context = module->context;
    linux_aio_request *request;
    PERL_UNUSED_ARG(unused);
    module->context = NULL; /* so that no completion breaks the last delivery off */
    aioc_destroy(context);
    linux_aio_abandon(aTHX_ module);
    while ((request = module->free)) {
        module->free = request->next;
        Safefree(request->buffer);
        Safefree(request);
    }
    SvREFCNT_dec(module->argument);
    module->argument = NULL;
}

/* Perl's copy of the interpreter for a new thread: nothing of the parent's requests is ours. The end's handler came
 * with the copy. */
void linux_aio_clone(pTHX) {
    MY_CXT_CLONE;
    reset(aTHX_ &MY_CXT);
}

static void set_prototype(pTHX_ const char *function, const char *prototype) {
    sv_setpv((SV *)get_cv(function, 0), prototype);
}

void linux_aio_load(pTHX) {
    static const char *const prototypes[][2] = {
        {"Linux::AIO::aio_open", "$$$$"},        {"Linux::AIO::aio_close", "$$"},
        {"Linux::AIO::aio_read", "$$$$$$"},      {"Linux::AIO::aio_write", "$$$$$$"},
        {"Linux::AIO::aio_readahead", "$$$$"},   {"Linux::AIO::aio_stat", "$$"},
        {"Linux::AIO::aio_lstat", "$$"},         {"Linux::AIO::aio_unlink", "$$"},
        {"Linux::AIO::aio_fsync", "$$"},         {"Linux::AIO::aio_fdatasync", "$$"},
        {"Linux::AIO::poll_fileno", ""},         {"Linux::AIO::poll_cb", ""},
        {"Linux::AIO::poll_wait", ""},           {"Linux::AIO::nreqs", ""},
        {"Linux::AIO::min_parallel", "$"},       {"Linux::AIO::max_parallel", "$"},
    };
    static int watching_forks;
    unsigned i;
    MY_CXT_INIT;
    for (i = 0; i < C_ARRAY_LENGTH(prototypes); ++i) {
        set_prototype(aTHX_ prototypes[i][0], prototypes[i][1]);
    }
    if (!watching_forks && pthread_atfork(NULL, NULL, count_fork) == 0) {
        watching_forks = 1;
    }
    reset(aTHX_ &MY_CXT);
    Perl_call_atexit(aTHX_ close_module, NULL);
    open_context(aTHX_ &MY_CXT);
}

linux_aio_module *linux_aio_current(pTHX) {
    dMY_CXT;
    if (UNLIKELY(MY_CXT.forks != forks)) {
        /* A forked child: the library has forgotten the parent's requests. */
        MY_CXT.forks = forks;
        linux_aio_abandon(aTHX_ &MY_CXT);
    }
    return &MY_CXT;
}

aioc_context *linux_aio_context(pTHX_ linux_aio_call *call) {
    if (UNLIKELY(!call->module->context)) {
        open_context(aTHX_ call->module);
    }
    return call->module->context;
}
