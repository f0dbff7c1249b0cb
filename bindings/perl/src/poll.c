/* SPDX-License-Identifier: MIT */
/* Completions, and what waits for them. */
#include "linux_aio.h"

#define WORKERS_MAX 1024
#define DRAIN_ROUNDS 1000
#define HELD_CALLBACKS 64 /* so many at most run before what they submit starts */

static linux_aio_module *opened(pTHX) {
    linux_aio_call call;
    linux_aio_begin(aTHX_ &call);
    linux_aio_context(aTHX_ &call);
    return call.module;
}

int linux_aio_poll_fileno(pTHX) {
    return aioc_poll_fileno(opened(aTHX)->context);
}

int linux_aio_nreqs(pTHX) {
    return (int)linux_aio_current(aTHX)->outstanding_count;
}

/* $_[0]: the same scalar again, unless a callback has kept a reference to it. */
static SV *argument(pTHX_ linux_aio_module *module, IV result) {
    SV *value = module->argument;
    if (SvREFCNT(value) != 1 || SvTYPE(value) != SVt_IV || SvTHINKFIRST(value)) {
        SvREFCNT_dec(value);
        value = module->argument = newSViv(result);
    } else {
        sv_setiv(value, result);
    }
    return sv_2mortal(SvREFCNT_inc_simple_NN(value));
}

/* What the request held is mortal and the request itself free before any Perl code runs: that may die. */
static void deliver(pTHX_ linux_aio_module *module, linux_aio_request *request, int64_t result) {
    SV *const callback = (SV *)request->callback;
    SV *const data = request->kind == LINUX_AIO_READ ? request->data : NULL;
    const IV height = PL_stack_sp - PL_stack_base;
    dSP;
    if (UNLIKELY(request->error)) {
        result = -request->error;
    }
    ENTER;
    SAVETMPS;
    sv_2mortal(callback);
    sv_2mortal(request->handle); /* NULL does nothing */
    sv_2mortal(request->data);
    sv_2mortal(request->written);
    if (data) {
        const int error = linux_aio_fill(aTHX_ request, result > 0 ? (STRLEN)result : 0);
        result = error ? -error : result;
    } else if (request->kind != LINUX_AIO_PLAIN) {
        linux_aio_fill_stat(aTHX_ request, result < 0 ? -1 : 0);
    }
    request->callback = NULL;
    request->handle = request->data = request->written = NULL;
    linux_aio_give_back(aTHX_ module, request);
    if (data) {
        SvSETMAGIC(data);
    }

    SPAGAIN; /* magic may have moved the stack */
    PUSHMARK(SP);
    XPUSHs(argument(aTHX_ module, result < 0 ? -1 : (IV)result));
    PUTBACK;
    errno = result < 0 ? (int)-result : 0;
    call_sv(callback, G_VOID); /* G_DISCARD would open and close a scope like ours once more */
    PL_stack_sp = PL_stack_base + height;
    FREETMPS;
    LEAVE;
}

/* The only C callback: it notes the completion and ends the poll, so that no frame of the library is on the stack
 * when Perl code runs. (aioc_reap probes the memory it is given, which costs three system calls.) */
void linux_aio_done(const aioc_completion *done, void *user_data) {
    linux_aio_request *const request = (linux_aio_request *)user_data;
    linux_aio_module *const module = request->module;
    request->result = done->result;
    module->taken = request;
    module->more = (done->flags & AIOC_MORE) != 0;
    aioc_poll_break(module->context);
}

static void release(pTHX_ void *module_of_hold) {
    linux_aio_module *const module = (linux_aio_module *)module_of_hold;
    PERL_UNUSED_CONTEXT;
    if (module->holding) {
        module->holding = 0;
        aioc_release(module->context); /* in a child that a callback has forked nothing is held */
    }
}

/* What callbacks submit starts together, so that another processor can take a part of it. But it is held only while a
 * completion waits, by which the descriptor is readable: an event loop that a callback runs is brought here by that, and
 * the last completion releases what is held.
 *
 * One at a time: what is not taken stays in the library, its descriptor readable, when a callback dies or runs an
 * event loop of its own. No more than were outstanding at the start, or callbacks that submit would keep it here. */
int linux_aio_poll_cb(pTHX) {
    linux_aio_module *const module = opened(aTHX);
    const IV limit = module->outstanding_count;
    int count = 0;
    dSP;
    ENTER;
    SAVEDESTRUCTOR_X(release, module); /* also when a callback dies */
    PUSHSTACKi(PERLSI_UNKNOWN); /* "last" and the like cannot leave a callback: they die */
    while (count < limit) {
        linux_aio_request *request;
        module->taken = NULL;
        aioc_poll_cb(module->context);
        request = module->taken;
        if (!request) {
            break;
        }
        ++count;
        if (!module->more || count % HELD_CALLBACKS == 0) {
            release(aTHX_ module);
        }
        if (module->more && !module->holding) {
            module->holding = 1;
            aioc_hold(module->context);
        }
        deliver(aTHX_ module, request, request->result);
    }
    SPAGAIN;
    POPSTACK;
    LEAVE;
    return count;
}

/* Returns when a signal came, so that its Perl handler runs. */
void linux_aio_poll_wait(pTHX) {
    aioc_poll_wait(opened(aTHX)->context, -1);
}

/* Until what is outstanding now was delivered. */
static void drain_once(pTHX_ linux_aio_module *module) {
    IV left = module->outstanding_count;
    while (left > 0 && module->outstanding_count > 0) {
        aioc_poll_wait(module->context, -1);
        PERL_ASYNC_CHECK();
        left -= linux_aio_poll_cb(aTHX);
    }
}

void linux_aio_min_parallel(pTHX_ int count) {
    linux_aio_module *const module = opened(aTHX);
    if (count > WORKERS_MAX) {
        count = WORKERS_MAX;
    }
    if (count > module->workers) {
        module->workers = count;
        aioc_max_parallel(module->context, (uint32_t)count);
        aioc_min_parallel(module->context, (uint32_t)count);
    }
}

/* 0 also delivers what is outstanding, and what its callbacks submit; but a program whose callbacks submit for ever
 * must be able to end. */
void linux_aio_max_parallel(pTHX_ int count) {
    linux_aio_module *const module = opened(aTHX);
    int rounds;
    if (count <= 0) {
        count = 0;
        for (rounds = 0; module->outstanding_count > 0 && rounds < DRAIN_ROUNDS; ++rounds) {
            drain_once(aTHX_ module);
        }
    }
    if (count < module->workers) {
        module->workers = count;
        aioc_max_parallel(module->context, (uint32_t)count);
    }
}
