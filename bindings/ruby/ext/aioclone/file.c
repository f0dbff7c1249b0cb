/* SPDX-License-Identifier: MIT */
/* AIOClone::File: an open descriptor. The methods that read and write are in lib/aioclone/file.rb. */
#include "aioclone_ruby.h"

#include <unistd.h>

typedef struct {
    int fd;
    VALUE owner; /* the AIOClone::Context, or AIOClone: the calling thread's */
    VALUE path;
} file;

static void mark_file(void *data) {
    file *const f = data;
    rb_gc_mark(f->owner);
    rb_gc_mark(f->path);
}

/* As an IO that nobody closed. */
static void free_file(void *data) {
    file *const f = data;
    if (f->fd >= 0) {
        close(f->fd);
    }
    xfree(f);
}

static const rb_data_type_t file_type = {
    "AIOClone::File", {mark_file, free_file, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

VALUE aioclone_file_class;

static file *file_in(VALUE self) {
    return rb_check_typeddata(self, &file_type);
}

VALUE aioclone_new_file(VALUE owner, VALUE path) {
    file *f;
    const VALUE object = TypedData_Make_Struct(aioclone_file_class, file, &file_type, f);
    f->fd = -1;
    f->owner = owner;
    f->path = path;
    return object;
}

int aioclone_is_file(VALUE object) {
    return rb_typeddata_is_kind_of(object, &file_type);
}

int aioclone_file_fd(VALUE object) {
    const int fd = file_in(object)->fd;
    if (fd < 0) {
        rb_raise(rb_eIOError, "closed file");
    }
    return fd;
}

void aioclone_file_set(VALUE object, int fd) {
    file_in(object)->fd = fd;
}

int aioclone_file_take(VALUE object) {
    const int fd = aioclone_file_fd(object);
    file_in(object)->fd = -1;
    return fd;
}

/* @return [Integer] the descriptor's number
 * @raise [IOError] the file is closed */
static VALUE file_fileno(VALUE self) {
    return INT2FIX(aioclone_file_fd(self));
}

/* @return [Boolean] */
static VALUE file_closed(VALUE self) {
    return RBOOL(file_in(self)->fd < 0);
}

/* @return [String] as it was opened */
static VALUE file_path(VALUE self) {
    return file_in(self)->path;
}

/* @return [Context, Module] what its operations are called on: AIOClone is the calling thread's context */
static VALUE file_owner(VALUE self) {
    return file_in(self)->owner;
}

/* Leaves the descriptor to the caller.
 * @return [Integer] its number */
static VALUE file_detach(VALUE self) {
    return INT2FIX(aioclone_file_take(self));
}

void aioclone_init_file(void) {
    aioclone_file_class = rb_define_class_under(aioclone_module, "File", rb_cObject);
    rb_undef_alloc_func(aioclone_file_class);
    rb_define_method(aioclone_file_class, "fileno", file_fileno, 0);
    rb_define_method(aioclone_file_class, "closed?", file_closed, 0);
    rb_define_method(aioclone_file_class, "path", file_path, 0);
    rb_define_method(aioclone_file_class, "context", file_owner, 0);
    rb_define_method(aioclone_file_class, "detach", file_detach, 0);
}
