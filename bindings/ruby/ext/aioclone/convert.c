/* SPDX-License-Identifier: MIT */
/* Arguments from Ruby. */
#include "aioclone_ruby.h"

#include <ruby/encoding.h>
#include <ruby/io.h>
#include <string.h>
#include <sys/stat.h>

static int utf8;
static ID id_to_path, id_fileno, id_autoclose, id_flush, id_close;

/* So that it outlives the request. */
void aioclone_hold(aioclone_call *call, VALUE object) {
    if (call->held_count == AIOCLONE_HELD) {
        rb_bug("AIOClone: AIOCLONE_HELD is too small for %s", call->operation);
    }
    call->held[call->held_count++] = object;
}

void aioclone_no_conversion(VALUE argument, const char *name, const char *wanted) {
    rb_raise(rb_eTypeError, "%s: no implicit conversion of %" PRIsVALUE " into %s", name,
             NIL_P(argument) ? rb_str_new_cstr("nil") : rb_class_name(rb_obj_class(argument)), wanted);
}

/* As an Integer. Not of a Float, which has no 64 bits. */
static VALUE to_integer(VALUE argument, const char *name) {
    VALUE integer = argument;
    if (!RB_INTEGER_TYPE_P(argument)) {
        integer = RB_FLOAT_TYPE_P(argument) || RB_TYPE_P(argument, T_STRING) ? Qnil
                                                                           : rb_check_to_integer(argument, "to_int");
        if (NIL_P(integer)) {
            aioclone_no_conversion(argument, name, "Integer");
        }
    }
    return integer;
}

static void out_of_range(VALUE integer, const char *name) {
    rb_raise(rb_eRangeError, "%s: %" PRIsVALUE " is out of range", name, integer);
}

int64_t aioclone_integer(VALUE argument, int64_t least, int64_t most, const char *name) {
    const VALUE integer = to_integer(argument, name);
    int64_t value;
    if (RB_FIXNUM_P(integer)) {
        value = FIX2LONG(integer);
    } else {
        const int sign = rb_integer_pack(integer, &value, 1, sizeof value, 0,
                                         INTEGER_PACK_NATIVE_BYTE_ORDER | INTEGER_PACK_2COMP);
        if (sign > 1 || sign < -1 || (value < 0) != (sign < 0)) {
            out_of_range(integer, name);
        }
    }
    if (value < least || value > most) {
        out_of_range(integer, name);
    }
    return value;
}

uint64_t aioclone_size(VALUE argument, const char *name) {
    const VALUE integer = to_integer(argument, name);
    uint64_t value;
    if (RB_FIXNUM_P(integer)) {
        if (FIX2LONG(integer) < 0) {
            rb_raise(rb_eArgError, "%s: %" PRIsVALUE " is negative", name, integer);
        }
        return (uint64_t)FIX2LONG(integer);
    }
    const int sign = rb_integer_pack(integer, &value, 1, sizeof value, 0, INTEGER_PACK_NATIVE_BYTE_ORDER);
    if (sign < 0) {
        rb_raise(rb_eArgError, "%s: %" PRIsVALUE " is negative", name, integer);
    }
    if (sign > 1) {
        out_of_range(integer, name);
    }
    return value;
}

/* The IO of what is one, or has one. */
static VALUE to_io(VALUE argument, const char *name) {
    VALUE io = argument;
    if (!RB_TYPE_P(io, T_FILE)) {
        io = rb_check_convert_type(argument, T_FILE, "IO", "to_io");
        if (NIL_P(io)) {
            aioclone_no_conversion(argument, name, "IO or Integer");
        }
    }
    return io;
}

/* A descriptor's number, an AIOClone::File, or an IO. */
int aioclone_fd(aioclone_call *call, VALUE argument, const char *name) {
    VALUE io;
    if (RB_FIXNUM_P(argument)) {
        return (int)aioclone_integer(argument, INT32_MIN, INT32_MAX, name); /* the kernel says EBADF */
    }
    if (aioclone_is_file(argument)) {
        aioclone_hold(call, argument);
        return aioclone_file_fd(argument);
    }
    if (RB_INTEGER_TYPE_P(argument)) {
        out_of_range(argument, name);
    }
    io = to_io(argument, name);
    aioclone_hold(call, io);
    return FIX2INT(rb_funcall(io, id_fileno, 0)); /* IOError if it is closed */
}

/* close: the object is closed at once, its number by the request. Called when everything is converted. A file that
 * is closed by a conversion meanwhile raises; nothing is owned yet. */
void aioclone_close_object(aioclone_call *call) {
    const VALUE object = call->held_count > 0 ? call->held[0] : Qnil;
    if (NIL_P(object) || strcmp(call->operation, "close") != 0) {
        return;
    }
    if (aioclone_is_file(object)) {
        call->closing_fd = aioclone_file_take(object);
    } else {
        call->closing_fd = FIX2INT(rb_funcall(object, id_fileno, 0));
        rb_funcall(object, id_flush, 0);
        rb_funcall(object, id_autoclose, 1, Qfalse);
        rb_funcall(object, id_close, 0);
    }
}

/* A path or a name. What follows it among the arguments may run Ruby code that changes the String: hence its copy,
 * which shares the bytes. */
char *aioclone_text(aioclone_call *call, VALUE argument, const char *name, int argument_count) {
    VALUE text = argument;
    if (!RB_TYPE_P(text, T_STRING)) {
        if (rb_respond_to(argument, id_to_path)) {
            text = rb_funcall(argument, id_to_path, 0);
        }
        text = rb_check_string_type(text);
        if (NIL_P(text)) {
            aioclone_no_conversion(argument, name, "String");
        }
    }
    if (RB_ENCODING_GET_INLINED(text) != utf8 && !rb_enc_asciicompat(rb_enc_get(text))) {
        rb_raise(rb_eEncCompatError, "%s: must be ASCII-compatible (%s)", name, rb_enc_name(rb_enc_get(text)));
    }
    if (memchr(RSTRING_PTR(text), '\0', (size_t)RSTRING_LEN(text))) {
        rb_raise(rb_eArgError, "%s: contains a null byte", name);
    }
    if (argument_count > 1 || (call->plan && call->plan->chain) || RSTRING_PTR(text)[RSTRING_LEN(text)] != '\0') {
        text = rb_str_new_frozen(text);
    }
    if (NIL_P(call->path)) {
        call->path = text;
    } else {
        aioclone_hold(call, text);
    }
    return RSTRING_PTR(text)[RSTRING_LEN(text)] == '\0' ? RSTRING_PTR(text) : rb_string_value_cstr(&text);
}

/* A user or group; -1 and nil keep it, as in File.chown. */
uint32_t aioclone_id(VALUE argument, const char *name) {
    return NIL_P(argument) ? UINT32_MAX : (uint32_t)aioclone_integer(argument, -1, UINT32_MAX, name);
}

static struct timespec to_time(VALUE argument, const char *name) {
    const struct timespec now = {0, UTIME_NOW}, omit = {0, UTIME_OMIT};
    if (argument == ID2SYM(rb_intern("now"))) {
        return now;
    }
    if (NIL_P(argument)) {
        return omit;
    }
    if (!RTEST(rb_obj_is_kind_of(argument, rb_cTime)) && !RTEST(rb_obj_is_kind_of(argument, rb_cNumeric))) {
        aioclone_no_conversion(argument, name, "Time");
    }
    return rb_time_timespec(argument);
}

/* Of access and of modification: a Time, seconds, :now, or nil to keep it; nil for both: now. */
struct timespec *aioclone_times(aioclone_call *call, VALUE argument, const char *name) {
    VALUE times;
    if (NIL_P(argument)) {
        return NULL;
    }
    times = rb_check_array_type(argument);
    if (NIL_P(times)) {
        aioclone_no_conversion(argument, name, "Array");
    }
    if (RARRAY_LEN(times) != 2) {
        rb_raise(rb_eArgError, "%s: two are needed, of access and of modification", name);
    }
    call->times[0] = to_time(rb_ary_entry(times, 0), name);
    call->times[1] = to_time(rb_ary_entry(times, 1), name);
    if (call->plan && call->plan->chain) { /* which outlives the call */
        const VALUE kept = rb_str_new((const char *)call->times, sizeof call->times);
        aioclone_hold(call, kept);
        return (struct timespec *)RSTRING_PTR(kept);
    }
    return call->times;
}

void aioclone_init_convert(void) {
    utf8 = rb_utf8_encindex();
    id_to_path = rb_intern("to_path");
    id_fileno = rb_intern("fileno");
    id_autoclose = rb_intern("autoclose=");
    id_flush = rb_intern("flush");
    id_close = rb_intern("close");
}
