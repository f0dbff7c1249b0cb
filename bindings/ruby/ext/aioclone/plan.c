/* SPDX-License-Identifier: MIT */
/* AIOClone::Plan: priority, timeout, group and directories of the requests that are submitted through it; groups. */
#include "aioclone_ruby.h"

static ID id_id;

static void mark_plan(void *data) {
    const aioclone_plan *const plan = data;
    rb_gc_mark(plan->owner);
    rb_gc_mark(plan->dirfd);
    rb_gc_mark(plan->dirfd2);
    aioclone_chain_mark(plan->chain);
}

static void free_plan(void *data) {
    aioclone_chain_free(((aioclone_plan *)data)->chain);
    xfree(data);
}

static const rb_data_type_t plan_type = {
    "AIOClone::Plan", {mark_plan, free_plan, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

const aioclone_plan *aioclone_plan_in(VALUE object) {
    if (RB_TYPE_P(object, T_DATA) && RTYPEDDATA_P(object) && RTYPEDDATA_TYPE(object) == &plan_type) {
        return RTYPEDDATA_DATA(object);
    }
    return NULL;
}

/* The general form, of a request that has a plan. */
aioc_request aioclone_submit(aioc_context *context, aioc_operation *operation) {
    const aioclone_plan *const plan = ((aioclone_request *)operation->user_data)->plan;
    aioc_request id;
    int status;
    operation->priority = plan->priority;
    operation->timeout_ns = plan->timeout_ns;
    operation->group = plan->group;
    if (operation->path && plan->flags & AIOC_USE_DIRFD) {
        operation->flags |= AIOC_USE_DIRFD;
        operation->fd = plan->fd;
    }
    if (operation->path2 && plan->flags & AIOC_USE_DIRFD2) {
        operation->flags |= AIOC_USE_DIRFD2;
        operation->fd2 = plan->fd2;
    }
    if (plan->chain) {
        return aioclone_chain_collect(plan->chain, operation);
    }
    status = aioc_submit(context, operation, 1, &id);
    return status > 0 ? id : status;
}

aioc_request aioclone_submit_group(aioc_context *context, aioc_callback callback, void *user_data) {
    aioc_operation operation = AIOC_OPERATION_INIT;
    operation.code = AIOC_OP_GROUP;
    operation.callback = callback;
    operation.user_data = user_data;
    return aioclone_submit(context, &operation);
}

VALUE aioclone_new_plan(VALUE class, aioclone_plan **ret) {
    const VALUE self = TypedData_Make_Struct(class, aioclone_plan, &plan_type, *ret);
    (*ret)->owner = (*ret)->dirfd = (*ret)->dirfd2 = Qnil;
    return self;
}

/* See {Context#using}. */
static VALUE new_plan(VALUE class, VALUE owner, VALUE priority, VALUE timeout_ns, VALUE group, VALUE dirfd, VALUE dirfd2) {
    aioclone_plan *plan;
    const VALUE self = aioclone_new_plan(class, &plan);
    aioclone_call call = {.context = aioclone_context_of(owner), .operation = "using"};
    plan->owner = owner;
    plan->dirfd = dirfd;
    plan->dirfd2 = dirfd2;
    plan->priority = (int32_t)aioclone_integer(priority, INT32_MIN, INT32_MAX, "priority");
    plan->timeout_ns = aioclone_size(timeout_ns, "timeout");
    plan->group = aioclone_integer(group, 0, INT64_MAX, "group");
    if (!NIL_P(dirfd)) {
        plan->flags |= AIOC_USE_DIRFD;
        plan->fd = aioclone_fd(&call, dirfd, "dirfd");
    }
    if (!NIL_P(dirfd2)) {
        plan->flags |= AIOC_USE_DIRFD2;
        plan->fd2 = aioclone_fd(&call, dirfd2, "dirfd2");
    }
    return self;
}

aioc_request aioclone_to_group(VALUE group) {
    if (!RB_INTEGER_TYPE_P(group) && rb_respond_to(group, id_id)) {
        group = rb_funcall(group, id_id, 0);
    }
    return aioclone_integer(group, INT64_MIN, INT64_MAX, "group");
}

static void check(int status) {
    if (status < 0) {
        rb_exc_raise(aioclone_error(status, "group", Qnil));
    }
}

/* No more members: it completes when all of them have.
 * @param group [Integer, Request]
 * @return [nil]
 * @raise [Errno::ENOENT] it has completed */
static VALUE context_close_group(VALUE self, VALUE group) {
    check(aioc_group_close(aioclone_open_context(self)->context, aioclone_to_group(group)));
    return Qnil;
}

/* @param group [Integer, Request]
 * @return [Hash] closed, outstanding, succeeded, failed, first_error (a SystemCallError or nil)
 * @raise [Errno::ENOENT] it has completed */
static VALUE context_group_info(VALUE self, VALUE group) {
    aioc_group_report report = AIOC_GROUP_REPORT_INIT;
    VALUE hash;
    check(aioc_group_info(aioclone_open_context(self)->context, aioclone_to_group(group), &report));
    hash = rb_hash_new();
    rb_hash_aset(hash, ID2SYM(rb_intern("closed")), RBOOL(report.flags & AIOC_GROUP_CLOSED));
    rb_hash_aset(hash, ID2SYM(rb_intern("outstanding")), ULL2NUM(report.outstanding));
    rb_hash_aset(hash, ID2SYM(rb_intern("succeeded")), ULL2NUM(report.succeeded));
    rb_hash_aset(hash, ID2SYM(rb_intern("failed")), ULL2NUM(report.failed));
    rb_hash_aset(hash, ID2SYM(rb_intern("first_error")),
                 report.first_error < 0 ? aioclone_error(report.first_error, "group", Qnil) : Qnil);
    return hash;
}

void aioclone_init_plan(void) {
    const VALUE plan_class = rb_define_class_under(aioclone_module, "Plan", rb_cObject);
    const VALUE context_class = rb_const_get(aioclone_module, rb_intern("Context"));
    id_id = rb_intern("id");
    rb_undef_alloc_func(plan_class);
    rb_define_private_method(rb_singleton_class(plan_class), "create", new_plan, 6);
    rb_define_method(context_class, "close_group", context_close_group, 1);
    rb_define_method(context_class, "group_info", context_group_info, 1);
}
