/* SPDX-License-Identifier: MIT */
/* AIOClone::Context: its life, the one of each thread, forks. */
#include "aioclone_ruby.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

static VALUE context_class;
static ID id_of_thread;
static aioclone_link contexts = {&contexts, &contexts};

/* Forks that made this process, counted in the child. Only the thread that forked lives there. */
unsigned aioclone_forks;

static void count_fork(void) {
    ++aioclone_forks;
}

/* Pins as well: the library has pointers into Strings. */
static void mark_context(void *data) {
    const aioclone_context *const context = data;
    const aioclone_link *link;
    for (link = context->used.next; link != &context->used; link = link->next) {
        const aioclone_request *const request = AIOCLONE_REQUEST(link, used);
        int i;
        rb_gc_mark(request->block);
        rb_gc_mark(request->queue);
        rb_gc_mark(request->fiber);
        rb_gc_mark(request->path);
        rb_gc_mark(request->data);
        rb_gc_mark(request->file);
        for (i = 0; request->memory == AIOCLONE_PARTS && i < RARRAY_LEN(request->data); ++i) {
            rb_gc_mark(rb_ary_entry(request->data, i)); /* pinned */
        }
        for (i = 0; i < AIOCLONE_HELD; ++i) {
            rb_gc_mark(request->held[i]);
        }
    }
    rb_gc_mark(context->io);
}

/* A context with outstanding requests is alive: what they use must stay. */
static void mark_busy(void *unused) {
    const aioclone_link *link;
    (void)unused;
    for (link = contexts.next; link != &contexts; link = link->next) {
        const aioclone_context *const context =
            (const aioclone_context *)((const char *)link - offsetof(aioclone_context, all));
        if (context->outstanding > 0) {
            rb_gc_mark(context->self);
        }
    }
}

static const rb_data_type_t busy_type = {
    "AIOClone busy contexts", {mark_busy, NULL, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

/* 0, or -EBUSY: another thread is about to leave a wait in the library. */
static int end_context(aioclone_context *context) {
    if (aioc_destroy(context->context) == -EBUSY) {
        return -EBUSY;
    }
    context->context = NULL;
    if (context->watched_fd >= 0) {
        close(context->watched_fd);
        close(context->kept_fd);
        context->watched_fd = context->kept_fd = -1;
    }
    return 0;
}

void aioclone_release(aioclone_context *context) {
    aioclone_link *link, *next;
    if (--context->references > 0) {
        return;
    }
    while (!aioclone_is_empty(&context->free)) {
        aioclone_request *const request = AIOCLONE_REQUEST(context->free.next, chain);
        aioclone_remove(&request->chain);
        xfree(request);
    }
    for (link = context->used.next; link != &context->used; link = next) {
        aioclone_request *const request = AIOCLONE_REQUEST(link, used);
        next = link->next;
        if (request->done || !request->submitted) { /* else the kernel may still write there */
            aioclone_abandon(request);
        }
    }
    xfree(context);
}

/* At the end of the program there may be requests that run, for as long as they like: not waited for. */
static void free_context(void *data) {
    aioclone_context *const context = data;
    if (context->outstanding == 0 && context->forks == aioclone_forks) {
        end_context(context);
    }
    aioclone_remove(&context->all);
    aioclone_release(context);
}

static size_t size_of_context(const void *data) {
    const aioclone_context *const context = data;
    return sizeof *context + (size_t)(context->free_count + context->outstanding) * sizeof(aioclone_request);
}

static const rb_data_type_t context_type = {"AIOClone::Context",
                                            {mark_context, free_context, size_of_context, NULL, {NULL}},
                                            NULL,
                                            NULL,
                                            RUBY_TYPED_FREE_IMMEDIATELY};

static VALUE allocate_context(VALUE class) {
    aioclone_context *context;
    const VALUE self = TypedData_Make_Struct(class, aioclone_context, &context_type, context);
    context->self = self;
    context->io = Qnil;
    context->references = 1;
    context->forks = aioclone_forks;
    context->watched_fd = context->kept_fd = -1;
    aioclone_list(&context->used);
    aioclone_list(&context->finished);
    aioclone_list(&context->ready);
    aioclone_list(&context->sleepers);
    aioclone_list(&context->runners);
    aioclone_list(&context->free);
    aioclone_list(&context->hungry);
    aioclone_append(&contexts, &context->all);
    return self;
}

/* Requests that nobody wants keep the context of a thread that has ended; nobody else would take them. */
static void sweep(void) {
    aioclone_link *link, *next;
    for (link = contexts.next; link != &contexts; link = next) {
        aioclone_context *const context = (aioclone_context *)((char *)link - offsetof(aioclone_context, all));
        next = link->next;
        if (context->context && context->forks == aioclone_forks && context->abandoned > 0 &&
            context->abandoned == context->outstanding) {
            aioclone_collect(context); /* wakes nobody, so that no Ruby code runs here */
        }
    }
}

static int create(aioclone_context *context, const aioc_options *options) {
    sweep();
    return aioc_create(&context->context, options);
}

/* The contexts of threads that have ended wait for the garbage collector. */
static void create_or_raise(aioclone_context *context, const aioc_options *options) {
    int status = create(context, options);
    if (status == -EMFILE || status == -ENFILE || status == -ENOMEM || status == -EAGAIN) {
        rb_gc();
        status = create(context, options);
    }
    if (status < 0) {
        context->context = NULL;
        rb_exc_raise(aioclone_error(status, "AIOClone::Context", Qnil));
    }
}

/* See lib/aioclone/context.rb. */
static VALUE context_create(VALUE self, VALUE flags, VALUE engine, VALUE spawner, VALUE min_workers, VALUE max_workers,
                            VALUE idle_timeout, VALUE max_outstanding, VALUE device_workers) {
    aioclone_context *const context = rb_check_typeddata(self, &context_type);
    aioc_options options = AIOC_OPTIONS_INIT;
    if (context->context || context->closing) {
        rb_raise(rb_eRuntimeError, "it is initialized already");
    }
    options.flags = NUM2UINT(flags);
    options.engine = NUM2UINT(engine);
    options.spawner = NUM2UINT(spawner);
    options.min_workers = NUM2UINT(min_workers);
    options.max_workers = NUM2UINT(max_workers);
    options.idle_timeout_ms = NUM2UINT(idle_timeout);
    options.max_outstanding = NUM2UINT(max_outstanding);
    options.device_workers = NUM2UINT(device_workers);
    create_or_raise(context, &options);
    return self;
}

void aioclone_check_open(const aioclone_context *context) {
    if (!context->context) {
        rb_raise(rb_eIOError, "destroyed context");
    }
    if (context->closing) {
        rb_exc_raise(aioclone_error(ESHUTDOWN, "AIOClone::Context being destroyed", Qnil));
    }
}

static aioclone_context *noticed(aioclone_context *context) {
    aioclone_notice_fork(context);
    return context;
}

aioclone_context *aioclone_context_in(VALUE object) {
    if (RB_TYPE_P(object, T_DATA) && RTYPEDDATA_P(object) && RTYPEDDATA_TYPE(object) == &context_type) {
        return noticed(RTYPEDDATA_DATA(object));
    }
    return NULL;
}

aioclone_context *aioclone_context_of(VALUE object) {
    return noticed(rb_check_typeddata(object, &context_type));
}

aioclone_context *aioclone_open_context(VALUE object) {
    aioclone_context *const context = aioclone_context_of(object);
    if (!context->context) {
        rb_raise(rb_eIOError, "destroyed context");
    }
    return context;
}

/* Idle workers of a thread's context all end, so that many threads do not keep as many workers. */
static VALUE context_of_thread(void) {
    const VALUE thread = rb_thread_current();
    VALUE object = rb_attr_get(thread, id_of_thread);
    if (RB_UNLIKELY(NIL_P(object) || !((aioclone_context *)RTYPEDDATA_DATA(object))->context)) {
        aioclone_context *context;
        object = allocate_context(context_class);
        context = RTYPEDDATA_DATA(object);
        create_or_raise(context, NULL);
        aioc_min_parallel(context->context, 0);
        rb_ivar_set(thread, id_of_thread, object);
    }
    return object;
}

aioclone_context *aioclone_default(void) {
    return noticed(RTYPEDDATA_DATA(context_of_thread()));
}

/* The context of the calling thread, which the methods of AIOClone use. It ends after its thread.
 * @return [Context] */
static VALUE default_context(VALUE self) {
    (void)self;
    return context_of_thread();
}

/* --- Forks ------------------------------------------------------------------------------------------------------- */

/* The library has forgotten the parent's requests. Blocks are dropped; who waits (a fiber of the thread that forked)
 * hears that it was cancelled. */
static void forget(aioclone_request *request) {
    aioclone_context *const context = request->context;
    request->submitted = 0;
    aioclone_remove(&request->chain);
    if (request->answer == AIOCLONE_GROUP) {
        aioclone_end_feeder(request);
    }
    if (!request->done) {
        request->result = -ECANCELED;
        aioclone_unlock(request);
        aioclone_undo_close(request);
        request->done = 1;
    }
    if (request->form == AIOCLONE_BLOCK || request->form == AIOCLONE_ABANDONED) {
        aioclone_give_back(request);
    } else if (!aioclone_is_empty(&request->sleep)) {
        aioclone_remove(&request->sleep);
        aioclone_append(&context->runners, &request->sleep); /* woken by the next completion */
    }
}

void aioclone_notice_fork(aioclone_context *context) {
    aioclone_link *link, *next;
    int waking;
    if (RB_LIKELY(context->forks == aioclone_forks)) {
        return;
    }
    context->forks = aioclone_forks;
    waking = context->leader != NULL;
    context->leader = context->heir = NULL;
    for (link = context->used.next; link != &context->used; link = next) {
        next = link->next;
        if (!AIOCLONE_REQUEST(link, used)->collected) { /* else the child submits it */
            forget(AIOCLONE_REQUEST(link, used));
        }
    }
    context->outstanding = context->blocks = context->abandoned = context->ready_count = 0;
    context->holds = 0;
    if (context->context) {
        aioclone_renew_watched(context);
        aioclone_keep_readable(context);
        if (waking || !aioclone_is_empty(&context->runners)) {
            aioc_nop(context->context, NULL, NULL);
        }
    }
}

/* --- The end ----------------------------------------------------------------------------------------------------- */

/* Refuses new requests and asks the outstanding ones to end.
 * @return [Boolean] whether there are any */
static VALUE context_begin_destroy(VALUE self) {
    aioclone_context *const context = aioclone_context_of(self);
    const aioclone_link *link;
    if (!context->context) {
        return Qfalse;
    }
    context->closing = 1;
    for (link = context->used.next; link != &context->used; link = link->next) {
        const aioclone_request *const request = AIOCLONE_REQUEST(link, used);
        if (request->submitted && !request->done) {
            aioc_cancel(context->context, request->id);
        }
    }
    return Qtrue;
}

/* Waits until something has completed.
 * @return [Boolean] false at once if nothing is outstanding */
static VALUE context_wait_any(VALUE self) {
    aioclone_context *const context = aioclone_open_context(self);
    if (context->outstanding == 0) {
        return Qfalse;
    }
    aioclone_collect(context);
    if (context->outstanding > 0 && aioclone_is_empty(&context->ready)) {
        aioclone_wait_any(context);
    }
    return Qtrue;
}

static VALUE context_end(VALUE self) {
    aioclone_context *const context = aioclone_context_of(self);
    while (context->context && context->outstanding == 0 && end_context(context) < 0) {
        rb_thread_schedule();
    }
    return Qnil;
}

/* @return [Boolean] */
static VALUE context_destroyed(VALUE self) {
    return RBOOL(!aioclone_context_of(self)->context);
}

/* --- AIOClone::Starter: what Context#start is -------------------------------------------------------------------- */

static void mark_starter(void *data) {
    rb_gc_mark((VALUE)data);
}

static const rb_data_type_t starter_type = {
    "AIOClone::Starter", {mark_starter, NULL, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

/* See {Context#start}.
 * @param target [Context, Plan] */
static VALUE new_starter(VALUE class, VALUE target) {
    if (!aioclone_plan_in(target)) {
        aioclone_context_of(target);
    }
    return TypedData_Wrap_Struct(class, &starter_type, (void *)target);
}

VALUE aioclone_starter_target(VALUE object) {
    if (RB_TYPE_P(object, T_DATA) && RTYPEDDATA_P(object) && RTYPEDDATA_TYPE(object) == &starter_type) {
        return (VALUE)RTYPEDDATA_DATA(object);
    }
    return object;
}

void aioclone_init_context(void) {
    const VALUE starter_class = rb_define_class_under(aioclone_module, "Starter", rb_cObject);
    context_class = rb_define_class_under(aioclone_module, "Context", rb_cObject);
    rb_gc_register_mark_object(TypedData_Wrap_Struct(rb_cObject, &busy_type, &contexts));
    id_of_thread = rb_intern("__aioclone_context__");
    rb_define_alloc_func(context_class, allocate_context);
    rb_define_private_method(context_class, "create", context_create, 8);
    rb_define_private_method(context_class, "begin_destroy", context_begin_destroy, 0);
    rb_define_private_method(context_class, "wait_any", context_wait_any, 0);
    rb_define_private_method(context_class, "end_destroy", context_end, 0);
    rb_define_method(context_class, "destroyed?", context_destroyed, 0);
    rb_define_singleton_method(aioclone_module, "context", default_context, 0);
    rb_undef_alloc_func(starter_class);
    rb_define_singleton_method(starter_class, "new", new_starter, 1);
    if (pthread_atfork(NULL, NULL, count_fork) != 0) {
        rb_raise(rb_eNoMemError, "pthread_atfork");
    }
}
