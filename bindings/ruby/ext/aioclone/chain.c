/* SPDX-License-Identifier: MIT */
/* AIOClone::Chain: operations that are collected, and then submitted as a chain. It is a Plan whose requests wait here,
 * with everything that they use rooted as that of submitted ones. */
#include "aioclone_ruby.h"

#include <errno.h>
#include <stdlib.h>

struct aioclone_chain {
    aioc_operation *operations;
    aioclone_request **requests;
    uint32_t count, capacity;
    int ended;
    VALUE members; /* an Array: Requests, and nil of those with a block */
};

static VALUE chain_class;

void aioclone_chain_mark(const aioclone_chain *chain) {
    if (chain) {
        rb_gc_mark(chain->members);
    }
}

void aioclone_chain_free(aioclone_chain *chain) {
    if (chain) {
        free(chain->operations);
        free(chain->requests);
        xfree(chain);
    }
}

void aioclone_chain_check(const aioclone_chain *chain) {
    if (chain->ended) {
        rb_raise(rb_eArgError, "the chain's block has ended");
    }
}

static int grow(aioclone_chain *chain) {
    const uint32_t capacity = chain->capacity ? chain->capacity * 2 : 8;
    aioc_operation *const operations = realloc(chain->operations, capacity * sizeof *operations);
    aioclone_request **requests;
    if (!operations) {
        return 0;
    }
    chain->operations = operations;
    requests = realloc(chain->requests, capacity * sizeof(aioclone_request *));
    if (!requests) {
        return 0;
    }
    chain->requests = requests;
    chain->capacity = capacity;
    return 1;
}

/* Raises nothing. */
aioc_request aioclone_chain_collect(aioclone_chain *chain, const aioc_operation *operation) {
    if (chain->count == chain->capacity && !grow(chain)) {
        return -ENOMEM;
    }
    chain->operations[chain->count] = *operation;
    chain->requests[chain->count] = operation->user_data;
    chain->requests[chain->count]->collected = 1;
    ++chain->count;
    return AIOCLONE_COLLECTED;
}

VALUE aioclone_chain_collected(aioclone_chain *chain, VALUE handle) {
    rb_ary_push(chain->members, handle);
    return handle;
}

/* See {Operations#chain}. */
static VALUE new_chain(VALUE class, VALUE owner) {
    const VALUE target = aioclone_starter_target(owner);
    const aioclone_plan *const base = aioclone_plan_in(target);
    aioclone_plan *plan;
    VALUE self;
    if (base && base->chain) {
        rb_raise(rb_eArgError, "chain: inside a chain");
    }
    self = aioclone_new_plan(class, &plan);
    if (base) {
        *plan = *base;
    } else {
        plan->owner = target;
        aioclone_context_of(target);
    }
    plan->chain = ZALLOC(aioclone_chain);
    plan->chain->members = Qnil;
    plan->chain->members = rb_ary_new();
    return self;
}

static const aioclone_plan *chain_in(VALUE self) {
    const aioclone_plan *const plan = aioclone_plan_in(self);
    if (!plan || !plan->chain) {
        rb_raise(rb_eTypeError, "no chain");
    }
    return plan;
}

/* @return [Array<Request, Integer>] */
static VALUE chain_submit(VALUE self) {
    const aioclone_plan *const plan = chain_in(self);
    aioclone_chain *const chain = plan->chain;
    aioclone_context *const context = aioclone_context_of(plan->owner);
    VALUE ids = rb_str_new(NULL, (long)(chain->count * sizeof(aioc_request)));
    uint32_t i;
    int status = 0;
    aioclone_check_open(context);
    aioclone_chain_check(chain);
    for (i = 0; i + 1 < chain->count; ++i) {
        chain->operations[i].flags |= AIOC_LINK;
    }
    if (chain->count > 0) { /* accepted whole, or not at all */
        status = aioc_submit(context->context, chain->operations, chain->count, (aioc_request *)RSTRING_PTR(ids));
    }
    if (status < 0) {
        rb_exc_raise(aioclone_error(status, "chain", Qnil));
    }
    chain->ended = 1;
    for (i = 0; i < chain->count; ++i) {
        const aioc_request id = ((const aioc_request *)RSTRING_PTR(ids))[i];
        const VALUE member = rb_ary_entry(chain->members, i);
        aioclone_accept(chain->requests[i], id, member);
        if (NIL_P(member)) {
            rb_ary_store(chain->members, i, LL2NUM(id));
        }
    }
    chain->count = 0;
    RB_GC_GUARD(ids);
    return chain->members;
}

/* What was not submitted: as if it had been refused. */
static VALUE chain_drop(VALUE self) {
    aioclone_chain *const chain = chain_in(self)->chain;
    chain->ended = 1;
    while (chain->count > 0) {
        aioclone_request *const request = chain->requests[--chain->count];
        aioclone_refuse(request, rb_ary_entry(chain->members, chain->count));
    }
    return Qnil;
}

void aioclone_init_chain(void) {
    chain_class = rb_define_class_under(aioclone_module, "Chain", rb_cObject);
    rb_undef_alloc_func(chain_class);
    rb_define_private_method(rb_singleton_class(chain_class), "create", new_chain, 1);
    rb_define_private_method(chain_class, "submit", chain_submit, 0);
    rb_define_private_method(chain_class, "drop", chain_drop, 0);
}
