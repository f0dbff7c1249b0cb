/* SPDX-License-Identifier: MIT */
/* Requests: taken when all arguments are converted, given back when their callback is called. */
#include "linux_aio.h"

/* Kept for the next requests, so that a steady stream allocates nothing. */
#define FREE_MAX 256
#define FREE_BUFFER_MAX 16384

void linux_aio_begin(pTHX_ linux_aio_call *call) {
    call->module = linux_aio_current(aTHX);
    call->request = NULL;
    call->callback = NULL;
    call->handle = NULL;
}

linux_aio_request *linux_aio_take(pTHX_ linux_aio_call *call) {
    linux_aio_module *const module = call->module;
    linux_aio_request *request = call->request;
    if (request) {
        return request;
    }
    request = module->free;
    if (request) {
        module->free = request->next;
        --module->free_count;
    } else {
        Newxz(request, 1, linux_aio_request);
    }
    request->callback = (CV *)SvREFCNT_inc_simple_NN((SV *)call->callback);
    request->handle = SvREFCNT_inc(call->handle);
    request->kind = LINUX_AIO_PLAIN;
    request->module = module;
    request->error = 0;
    request->previous = NULL;
    request->next = module->outstanding;
    if (request->next) {
        request->next->previous = request;
    }
    module->outstanding = request;
    ++module->outstanding_count;
    call->request = request;
    return request;
}

struct statx *linux_aio_take_stat(pTHX_ linux_aio_call *call) {
    linux_aio_request *const request = linux_aio_take(aTHX_ call);
    request->kind = LINUX_AIO_STAT;
    return &request->stat;
}

/* Off the list. Its values must be elsewhere by now. */
void linux_aio_give_back(pTHX_ linux_aio_module *module, linux_aio_request *request) {
    if (request->next) {
        request->next->previous = request->previous;
    }
    *(request->previous ? &request->previous->next : &module->outstanding) = request->next;
    --module->outstanding_count;
    if (request->buffer_size > FREE_BUFFER_MAX) {
        Safefree(request->buffer);
        request->buffer = NULL;
        request->buffer_size = 0;
    }
    if (module->free_count >= FREE_MAX) {
        Safefree(request->buffer);
        Safefree(request);
        return;
    }
    request->next = module->free;
    module->free = request;
    ++module->free_count;
}

static void drop(pTHX_ linux_aio_module *module, linux_aio_request *request) {
    SV *const values[] = {(SV *)request->callback, request->handle, request->data, request->written};
    unsigned i;
    request->callback = NULL;
    request->handle = request->data = request->written = NULL;
    linux_aio_give_back(aTHX_ module, request);
    for (i = 0; i < C_ARRAY_LENGTH(values); ++i) {
        SvREFCNT_dec(values[i]); /* may run a destructor, which may use the module */
    }
}

/* What the library refuses (a path too long, a negative offset) is an error of the system call to a Perl program: a
 * request that does nothing brings it to the callback. */
void linux_aio_submitted(pTHX_ linux_aio_call *call, aioc_request answer) {
    if (LIKELY(answer > 0)) {
        return;
    }
    call->request->error = (int)-answer;
    if (aioc_nop(call->module->context, linux_aio_done, call->request) < 0) {
        drop(aTHX_ call->module, call->request);
        Perl_croak(aTHX_ "Linux::AIO: %s", aioc_strerror(answer));
    }
}

/* Of requests that will never complete. */
void linux_aio_abandon(pTHX_ linux_aio_module *module) {
    while (module->outstanding) {
        drop(aTHX_ module, module->outstanding);
    }
}
