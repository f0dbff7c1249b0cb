/* SPDX-License-Identifier: MIT */
/* Memory for reads and writes: a new String, or the caller's String or IO::Buffer, which are locked meanwhile. All of
 * it is marked, and so pinned, while its request is outstanding. */
#include "aioclone_ruby.h"

#include <errno.h>
#include <ruby/io/buffer.h>

#define TRANSFER_MAX 0x7ffff000 /* the most that one system call of Linux transfers */

static ID id_is_internal, id_is_mapped;

static int is_buffer(VALUE object) {
    return RB_TYPE_P(object, T_DATA) && rb_obj_is_kind_of(object, rb_cIOBuffer);
}

/* The lock does not reach what a slice is a part of, or the String that a buffer is made for. */
static void take_buffer(aioclone_call *call, VALUE buffer, const char *name) {
    if (!RTEST(rb_funcall(buffer, id_is_internal, 0)) && !RTEST(rb_funcall(buffer, id_is_mapped, 0))) {
        rb_raise(rb_eArgError, "%s: an IO::Buffer that owns its memory is needed, not a part of another", name);
    }
    call->kind = AIOCLONE_CALLER_BUFFER;
    call->data = buffer;
}

void aioclone_fill(aioclone_call *call, VALUE argument, const char *name) {
    if (RB_TYPE_P(argument, T_STRING)) {
        rb_check_frozen(argument);
        call->kind = AIOCLONE_CALLER_STRING;
        call->data = argument;
    } else if (is_buffer(argument)) {
        take_buffer(call, argument, name);
    } else {
        const uint64_t size = aioclone_size(argument, name);
        call->kind = AIOCLONE_NEW_STRING;
        call->data = rb_str_new(NULL, (long)(size < TRANSFER_MAX ? size : TRANSFER_MAX));
    }
}

void aioclone_source(aioclone_call *call, VALUE argument, const char *name) {
    VALUE string;
    if (is_buffer(argument)) {
        take_buffer(call, argument, name);
        return;
    }
    string = rb_check_string_type(argument);
    if (NIL_P(string)) {
        rb_raise(rb_eTypeError, "%s: no implicit conversion of %" PRIsVALUE " into String", name,
                 NIL_P(argument) ? rb_str_new_cstr("nil") : rb_class_name(rb_obj_class(argument)));
    }
    call->data = rb_str_new_frozen(string); /* shares the bytes until the caller changes them */
}

void aioclone_lock(const aioclone_call *call) {
    if (call->kind == AIOCLONE_CALLER_STRING) {
        rb_str_modify(call->data); /* bytes of its own */
        rb_str_locktmp(call->data);
    } else if (call->kind == AIOCLONE_CALLER_BUFFER) {
        rb_io_buffer_lock(call->data);
    }
}

void *aioclone_memory(aioclone_call *call, size_t *ret_size) {
    void *base;
    if (call->kind == AIOCLONE_CALLER_BUFFER) {
        rb_io_buffer_get_bytes(call->data, &base, ret_size);
        return base;
    }
    *ret_size = (size_t)RSTRING_LEN(call->data);
    return RSTRING_PTR(call->data);
}

/* When it has completed, or was refused. */
void aioclone_unlock(aioclone_request *request) {
    const VALUE data = request->data;
    if (request->kind == AIOCLONE_CALLER_STRING) {
        rb_str_unlocktmp(data);
        if (request->done || request->submitted) {
            if (OBJ_FROZEN(data)) { /* meanwhile */
                request->result = request->result > 0 ? -EFAULT : request->result;
            } else if (request->result >= 0) {
                rb_str_set_len(data, request->result);
            }
        }
    } else if (request->kind == AIOCLONE_CALLER_BUFFER) {
        rb_io_buffer_unlock(data);
    }
}

void aioclone_init_buffer(void) {
    id_is_internal = rb_intern("internal?");
    id_is_mapped = rb_intern("mapped?");
}
