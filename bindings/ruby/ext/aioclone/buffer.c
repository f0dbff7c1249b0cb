/* SPDX-License-Identifier: MIT */
/* Memory for reads and writes: a new String, or the caller's Strings and IO::Buffers, which are locked meanwhile. All
 * of it is marked, and so pinned, while its request is outstanding. */
#include "aioclone_ruby.h"

#include <ruby/encoding.h>
#include <ruby/io/buffer.h>
#include <string.h>

#define TRANSFER_MAX 0x7ffff000 /* the most that one system call of Linux transfers */

static ID id_is_internal, id_is_mapped;

static int is_buffer(VALUE object) {
    return RB_TYPE_P(object, T_DATA) && RTEST(rb_obj_is_kind_of(object, rb_cIOBuffer));
}

/* The lock does not reach what a slice is a part of, or the String that a buffer is made for. */
static void check_buffer(VALUE buffer, const char *name) {
    if (!RTEST(rb_funcall(buffer, id_is_internal, 0)) && !RTEST(rb_funcall(buffer, id_is_mapped, 0))) {
        rb_raise(rb_eArgError, "%s: an IO::Buffer that owns its memory is needed, not a part of another", name);
    }
}

static void take_buffer(aioclone_call *call, VALUE buffer, const char *name) {
    check_buffer(buffer, name);
    call->memory = AIOCLONE_CALLER_BUFFER;
    call->data = buffer;
}

static void take_string(aioclone_call *call, VALUE string, int memory) {
    rb_check_frozen(string);
    call->memory = memory;
    call->data = string;
}

/* Results of these are names of files. */
static int gives_name(const char *operation) {
    return strcmp(operation, "readlink") == 0 || strcmp(operation, "realpath") == 0;
}

void aioclone_fill(aioclone_call *call, VALUE argument, const char *name) {
    if (RB_TYPE_P(argument, T_STRING)) {
        take_string(call, argument, AIOCLONE_CALLER_STRING);
    } else if (is_buffer(argument)) {
        take_buffer(call, argument, name);
    } else {
        const uint64_t size = aioclone_size(argument, name);
        uint64_t most = LONG_MAX;
        call->memory = AIOCLONE_NEW_STRING;
        call->answer = gives_name(call->operation) ? AIOCLONE_NAME : AIOCLONE_STRING;
        if (strcmp(call->operation, "read_full") != 0) {
            most = TRANSFER_MAX;
        }
        call->data = rb_str_new(NULL, (long)(size < most ? size : most));
    }
}

/* Shares the bytes until the caller changes them. */
static VALUE to_source(VALUE argument, const char *name) {
    const VALUE string = rb_check_string_type(argument);
    if (NIL_P(string)) {
        aioclone_no_conversion(argument, name, "String");
    }
    return rb_str_new_frozen(string);
}

void aioclone_source(aioclone_call *call, VALUE argument, const char *name) {
    if (is_buffer(argument)) {
        take_buffer(call, argument, name);
    } else {
        call->data = to_source(argument, name);
    }
}

void aioclone_struct(aioclone_call *call, VALUE argument, const char *name) {
    if (!RB_TYPE_P(argument, T_STRING)) {
        aioclone_no_conversion(argument, name, "String");
    }
    take_string(call, argument, AIOCLONE_CALLER_STRUCT);
}

uint64_t aioclone_argument(aioclone_call *call, VALUE argument, const char *name) {
    if (RB_TYPE_P(argument, T_STRING)) {
        take_string(call, argument, AIOCLONE_CALLER_STRUCT);
        return 0;
    }
    if (RB_FIXNUM_P(argument)) {
        return (uint64_t)FIX2LONG(argument); /* may be negative */
    }
    return aioclone_size(argument, name);
}

void aioclone_pages(aioclone_call *call, VALUE argument, const char *name) {
    if (!is_buffer(argument)) {
        aioclone_no_conversion(argument, name, "IO::Buffer");
    }
    take_buffer(call, argument, name);
}

/* A copy of the Array, so that the caller may change it. */
void aioclone_parts(aioclone_call *call, VALUE argument, const char *name) {
    const int writes = strcmp(call->operation, "writev") == 0;
    const VALUE array = rb_check_array_type(argument);
    VALUE copy;
    long i;
    if (NIL_P(array)) {
        aioclone_no_conversion(argument, name, "Array");
    }
    if (RARRAY_LEN(array) > IOV_MAX) {
        rb_raise(rb_eArgError, "%s: more than %d parts", name, IOV_MAX);
    }
    copy = rb_ary_new_capa(RARRAY_LEN(array));
    for (i = 0; i < RARRAY_LEN(array); ++i) {
        VALUE part = rb_ary_entry(array, i);
        if (is_buffer(part)) {
            check_buffer(part, name);
        } else if (writes) {
            part = to_source(part, name);
        } else if (RB_TYPE_P(part, T_STRING)) {
            rb_check_frozen(part);
        } else {
            aioclone_no_conversion(part, name, "String");
        }
        rb_ary_push(copy, part);
    }
    call->data = copy;
    call->memory = AIOCLONE_PARTS;
    call->vectors = rb_str_new(NULL, RARRAY_LEN(copy) * (long)sizeof(struct iovec)); /* memory that is collected */
    aioclone_hold(call, call->vectors);
}

/* --- Locks ------------------------------------------------------------------------------------------------------- */

static void lock(VALUE object) {
    if (!RB_TYPE_P(object, T_STRING)) {
        rb_io_buffer_lock(object);
    } else if (!OBJ_FROZEN(object)) { /* else it is a source */
        rb_str_modify(object); /* bytes of its own */
        rb_str_locktmp(object);
    }
}

static void unlock(VALUE object) {
    if (!RB_TYPE_P(object, T_STRING)) {
        rb_io_buffer_unlock(object);
    } else if (!OBJ_FROZEN(object)) {
        rb_str_unlocktmp(object);
    }
}

typedef struct {
    VALUE parts;
    long count;
} locking;

static VALUE lock_parts(VALUE argument) {
    locking *const l = (locking *)argument;
    for (; l->count < RARRAY_LEN(l->parts); ++l->count) {
        lock(rb_ary_entry(l->parts, l->count));
    }
    return Qnil;
}

static void unlock_parts(VALUE parts, long count) {
    while (count > 0) {
        unlock(rb_ary_entry(parts, --count));
    }
}

void aioclone_lock(const aioclone_call *call) {
    locking l = {call->data, 0};
    int state = 0;
    switch (call->memory) {
    case AIOCLONE_CALLER_STRING:
    case AIOCLONE_CALLER_STRUCT:
    case AIOCLONE_CALLER_BUFFER:
        lock(call->data);
        break;
    case AIOCLONE_PARTS:
        rb_protect(lock_parts, (VALUE)&l, &state);
        if (state) { /* one is twice in it, or in another request */
            unlock_parts(l.parts, l.count);
            rb_jump_tag(state);
        }
        break;
    default:
        break;
    }
}

/* When it has completed, or was refused. */
void aioclone_unlock(aioclone_request *request) {
    switch (request->memory) {
    case AIOCLONE_CALLER_STRING:
        unlock(request->data);
        if (request->submitted && request->result >= 0 && request->result < RSTRING_LEN(request->data) &&
            !OBJ_FROZEN(request->data)) {
            rb_str_set_len(request->data, request->result);
        }
        break;
    case AIOCLONE_CALLER_STRUCT:
    case AIOCLONE_CALLER_BUFFER:
        unlock(request->data);
        break;
    case AIOCLONE_PARTS:
        unlock_parts(request->data, RARRAY_LEN(request->data));
        break;
    default:
        break;
    }
}

/* --- Addresses, of what is locked -------------------------------------------------------------------------------- */

static struct iovec bytes_of(VALUE object) {
    struct iovec bytes;
    if (RB_TYPE_P(object, T_STRING)) {
        bytes.iov_base = RSTRING_PTR(object);
        bytes.iov_len = (size_t)RSTRING_LEN(object);
    } else {
        rb_io_buffer_get_bytes(object, &bytes.iov_base, &bytes.iov_len);
    }
    return bytes;
}

void *aioclone_memory(aioclone_call *call, size_t *ret_size) {
    const struct iovec bytes = bytes_of(call->data);
    if (ret_size) {
        *ret_size = bytes.iov_len;
    }
    return bytes.iov_base;
}

uint64_t aioclone_argument_address(aioclone_call *call, uint64_t number) {
    return NIL_P(call->data) ? number : (uint64_t)(uintptr_t)bytes_of(call->data).iov_base;
}

struct iovec *aioclone_vectors(aioclone_call *call, int *ret_count) {
    struct iovec *const vectors = (struct iovec *)RSTRING_PTR(call->vectors);
    const long count = RARRAY_LEN(call->data);
    long i;
    for (i = 0; i < count; ++i) {
        vectors[i] = bytes_of(rb_ary_entry(call->data, i));
    }
    *ret_count = (int)count;
    return vectors;
}

void aioclone_init_buffer(void) {
    id_is_internal = rb_intern("internal?");
    id_is_mapped = rb_intern("mapped?");
}
