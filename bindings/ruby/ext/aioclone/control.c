/* SPDX-License-Identifier: MIT */
/* What can be asked of a context and of the library besides requests. */
#include "aioclone_ruby.h"

#include <ruby/thread.h>

static void check(int64_t status, const char *what) {
    if (status < 0) {
        rb_exc_raise(aioclone_error(status, what, Qnil));
    }
}

/* Asks for a request's end. Its block is called in any case.
 * @param id [Integer] what its operation returned
 * @return [Boolean] true: it completes with Errno::ECANCELED. false: it runs or has run, or was delivered */
static VALUE context_cancel(VALUE self, VALUE id) {
    aioclone_context *const context = aioclone_open_context(self);
    return RBOOL(aioc_cancel(context->context, aioclone_integer(id, INT64_MIN, INT64_MAX, "id")) == 0);
}

/* @return [Integer] requests accepted and not yet completed, and completed ones whose block was not called yet */
static VALUE context_outstanding(VALUE self) {
    const aioclone_context *const context = aioclone_context_of(self);
    return LONG2FIX(context->outstanding + context->ready_count);
}

int aioclone_hold_requests(aioclone_context *context) {
    if (aioc_hold(context->context) < 0) {
        return 0;
    }
    ++context->holds;
    return 1;
}

VALUE aioclone_release_requests(VALUE self) {
    aioclone_context *const context = aioclone_context_of(self);
    if (context->context && context->holds > 0) {
        --context->holds;
        aioc_release(context->context);
    }
    return Qnil;
}

/* Starts the requests that its block submits together when the block ends: the cheapest way to submit many. What waits
 * inside for a request starts them before.
 * @yieldparam context [Context] this one
 * @return the block's value */
static VALUE context_hold(VALUE self) {
    aioclone_context *const context = aioclone_open_context(self);
    rb_need_block();
    if (!aioclone_hold_requests(context)) {
        rb_memerror();
    }
    return rb_ensure(rb_yield, self, aioclone_release_requests, self);
}

typedef struct {
    aioc_context *context;
    uint32_t count;
    int status;
} limit_call;

static void *set_limit(void *data) {
    limit_call *const call = data;
    call->status = aioc_max_parallel(call->context, call->count);
    return NULL;
}

/* Sets the most workers there may be, 0 to 1024, and waits until surplus ones have ended, each after the request it
 * runs. 0: until the queue is empty and all have ended; the next request starts one again. */
static VALUE context_set_max_workers(VALUE self, VALUE count) {
    const aioclone_context *const context = aioclone_open_context(self);
    limit_call call = {context->context, (uint32_t)aioclone_integer(count, 0, UINT32_MAX, "max_workers"), 0};
    rb_thread_call_without_gvl(set_limit, &call, NULL, NULL);
    check(call.status, "max_workers");
    return count;
}

/* Sets the least workers there are, 0 to 1024, and starts them. */
static VALUE context_set_min_workers(VALUE self, VALUE count) {
    const aioclone_context *const context = aioclone_open_context(self);
    check(aioc_min_parallel(context->context, (uint32_t)aioclone_integer(count, 0, UINT32_MAX, "min_workers")),
          "min_workers");
    return count;
}

/* New workers, which inherit everything from who submits next: after seccomp, landlock, unshare or setns. (Changed
 * ids, groups and capabilities are seen without it.)
 * @return [nil] */
static VALUE context_rebind(VALUE self) {
    check(aioc_rebind(aioclone_open_context(self)->context), "rebind");
    return Qnil;
}

/* Tells io_uring a file, so that requests which name it find it faster. Unregister it before it is closed.
 * @param fd [File, IO, Integer]
 * @return [nil]
 * @raise [SystemCallError] it cannot be (see aioc_file_register); that matters for speed only */
static VALUE context_register(VALUE self, VALUE fd) {
    aioclone_call call = {.context = aioclone_open_context(self), .operation = "register"};
    check(aioc_file_register(call.context->context, aioclone_fd(&call, fd, "fd")), "register");
    return Qnil;
}

/* @param fd [File, IO, Integer]
 * @return [nil] */
static VALUE context_unregister(VALUE self, VALUE fd) {
    aioclone_call call = {.context = aioclone_open_context(self), .operation = "unregister"};
    check(aioc_file_unregister(call.context->context, aioclone_fd(&call, fd, "fd")), "unregister");
    return Qnil;
}

static void set(VALUE hash, const char *key, uint64_t value) {
    rb_hash_aset(hash, ID2SYM(rb_intern(key)), ULL2NUM(value));
}

/* @return [Hash{Symbol => Integer}] submitted, completed, outstanding, queued, workers, worker_wakeups, poll_wakeups,
 *   workers_started, inline_hits, inline_misses: see aioc_statistics */
static VALUE context_statistics(VALUE self) {
    aioc_statistics statistics = AIOC_STATISTICS_INIT;
    VALUE hash;
    check(aioc_stats(aioclone_open_context(self)->context, &statistics), "statistics");
    hash = rb_hash_new();
    set(hash, "submitted", statistics.submitted);
    set(hash, "completed", statistics.completed);
    set(hash, "outstanding", statistics.outstanding);
    set(hash, "queued", statistics.queued);
    set(hash, "workers", statistics.workers);
    set(hash, "worker_wakeups", statistics.worker_wakeups);
    set(hash, "poll_wakeups", statistics.poll_wakeups);
    set(hash, "workers_started", statistics.workers_started);
    set(hash, "inline_hits", statistics.inline_hits);
    set(hash, "inline_misses", statistics.inline_misses);
    return hash;
}

/* Number of the operation or engine that a Symbol names; 0 for nil. */
static uint32_t code_of(VALUE name, const char *(*name_of)(uint32_t), const char *what) {
    uint32_t code = 1;
    const char *known;
    if (NIL_P(name)) {
        return 0;
    }
    Check_Type(name, T_SYMBOL);
    while ((known = name_of(code))) {
        if (SYM2ID(name) == rb_intern(known)) {
            return code;
        }
        ++code;
    }
    rb_raise(rb_eArgError, "%s: unknown %" PRIsVALUE, what, rb_inspect(name));
}

/* Completions of one operation by one engine.
 * @overload count(operation = nil, engine = nil)
 *   @param operation [Symbol, nil] nil: all
 *   @param engine [Symbol, nil] :inline, :ring, :workers or :sync; nil: all
 *   @return [Integer] */
static VALUE context_count(int argc, VALUE *argv, VALUE self) {
    const aioclone_context *const context = aioclone_open_context(self);
    VALUE operation, engine;
    int64_t count;
    rb_scan_args(argc, argv, "02", &operation, &engine);
    count = aioc_count(context->context, code_of(operation, aioc_operation_name, "operation"),
                       code_of(engine, aioc_engine_name, "engine"));
    check(count, "count");
    return LL2NUM(count);
}

/* @param engine [Symbol] :inline, :ring or :workers
 * @return [Hash] error: nil if it works here, else the SystemCallError that says why not; reason: a text;
 *   spawner: :clone or :pthread, of the workers, else nil */
static VALUE context_engine_info(VALUE self, VALUE engine) {
    const aioclone_context *const context = aioclone_open_context(self);
    aioc_engine_report report = AIOC_ENGINE_REPORT_INIT;
    const VALUE hash = rb_hash_new();
    VALUE spawner = Qnil;
    check(aioc_engine_info(context->context, code_of(engine, aioc_engine_name, "engine"), &report), "engine_info");
    if (report.spawner) {
        spawner = ID2SYM(rb_intern(report.spawner == AIOC_SPAWNER_CLONE ? "clone" : "pthread"));
    }
    rb_hash_aset(hash, ID2SYM(rb_intern("error")),
                 report.status < 0 ? aioclone_error(report.status, "engine", Qnil) : Qnil);
    rb_hash_aset(hash, ID2SYM(rb_intern("reason")), rb_str_new_cstr(report.reason));
    rb_hash_aset(hash, ID2SYM(rb_intern("spawner")), spawner);
    return hash;
}

/* @param engine [Symbol] :inline, :ring or :workers
 * @return [Boolean] whether this process can use it */
static VALUE probe(VALUE self, VALUE engine) {
    (void)self;
    return RBOOL(aioc_probe(code_of(engine, aioc_engine_name, "engine")) == 0);
}

/* @return [String] of the library in use */
static VALUE library_version(VALUE self) {
    const uint32_t version = aioc_version();
    (void)self;
    return rb_sprintf("%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
}

/* Makes a String hold length bytes for a read to fill.
 * @return [String] itself */
static VALUE prepare(VALUE self, VALUE string, VALUE length) {
    const int64_t size = aioclone_integer(length, 0, LONG_MAX, "length");
    (void)self;
    if (RSTRING_LEN(string) != size) {
        rb_str_resize(string, (long)size);
    }
    return string;
}

void aioclone_init_control(void) {
    const VALUE context_class = rb_const_get(aioclone_module, rb_intern("Context"));
    rb_define_method(context_class, "cancel", context_cancel, 1);
    rb_define_method(context_class, "outstanding", context_outstanding, 0);
    rb_define_method(context_class, "hold", context_hold, 0);
    rb_define_method(context_class, "max_workers=", context_set_max_workers, 1);
    rb_define_method(context_class, "min_workers=", context_set_min_workers, 1);
    rb_define_method(context_class, "rebind", context_rebind, 0);
    rb_define_method(context_class, "register", context_register, 1);
    rb_define_method(context_class, "unregister", context_unregister, 1);
    rb_define_method(context_class, "statistics", context_statistics, 0);
    rb_define_method(context_class, "count", context_count, -1);
    rb_define_method(context_class, "engine_info", context_engine_info, 1);
    rb_define_singleton_method(aioclone_module, "probe", probe, 1);
    rb_define_singleton_method(aioclone_module, "library_version", library_version, 0);
    rb_define_private_method(aioclone_file_class, "prepare", prepare, 2);
}
