/* SPDX-License-Identifier: MIT */
/* What composites give: whole files, AIOClone::Entries, AIOClone::Report; and how far they are. */
#include "aioclone_ruby.h"

#include <string.h>

static VALUE report_class, reported_module, entries_class, entry_class;
static ID id_report;

void **aioclone_result_object(aioclone_call *call, int answer) {
    call->request->answer = (uint8_t)answer;
    call->request->out.object = NULL;
    return &call->request->out.object;
}

static int gives_object(const aioclone_request *request) {
    return request->answer == AIOCLONE_LOADED || request->answer == AIOCLONE_ENTRIES ||
           request->answer == AIOCLONE_REPORT;
}

void aioclone_free_object(aioclone_request *request) {
    if (gives_object(request)) {
        aioc_free(request->out.object);
        request->out.object = NULL;
    }
}

/* --- AIOClone::Report -------------------------------------------------------------------------------------------- */

static VALUE to_report(const aioc_report *report) {
    VALUE path = Qnil, error = Qnil;
    if (report->path) {
        path = aioclone_name_string(report->path, (long)strlen(report->path));
    }
    if (report->error < 0) {
        error = aioclone_error(report->error, "", path);
    }
    return rb_struct_new(report_class, ULL2NUM(report->items), ULL2NUM(report->bytes), ULL2NUM(report->errors), error,
                         path);
}

static VALUE join(VALUE root, const char *name, long length) {
    VALUE path = aioclone_name_string(RSTRING_PTR(root), RSTRING_LEN(root));
    if (RSTRING_LEN(root) == 0 || RSTRING_PTR(root)[RSTRING_LEN(root) - 1] != '/') {
        rb_str_buf_cat(path, "/", 1);
    }
    RB_GC_GUARD(root);
    return rb_str_buf_append(path, aioclone_name_string(name, length));
}

/* Of what worked on a tree: its path is where the error was, and it knows what was done. */
static VALUE reported(int64_t error, const aioc_report *report, const char *operation, VALUE path) {
    VALUE exception;
    if (!NIL_P(path) && report->error == error && report->path && *report->path) {
        path = join(path, report->path, (long)strlen(report->path));
    }
    exception = aioclone_error(error, operation, path);
    rb_extend_object(exception, reported_module);
    rb_ivar_set(exception, id_report, to_report(report));
    return exception;
}

/* --- Results ----------------------------------------------------------------------------------------------------- */

typedef struct {
    int answer;
    int64_t result;
    void *object;
    const char *operation;
    VALUE path;
} making;

static VALUE new_entries(making *m);

static VALUE make(VALUE argument) {
    making *const m = (making *)argument;
    if (m->answer == AIOCLONE_REPORT) {
        return m->result < 0 ? reported(m->result, m->object, m->operation, m->path) : to_report(m->object);
    }
    if (m->result < 0) {
        return aioclone_error(m->result, m->operation, m->path);
    }
    return m->answer == AIOCLONE_LOADED ? rb_str_new(m->object, (long)m->result) : new_entries(m);
}

VALUE aioclone_object_result(aioclone_request *request, VALUE *ret_error) {
    making m = {request->answer, request->result, request->out.object, request->operation, request->path};
    int state = 0;
    VALUE made = Qnil;
    aioclone_give_back(request);
    if (m.object) {
        made = rb_protect(make, (VALUE)&m, &state);
    } else if (m.result < 0) { /* else it is the end of a walk */
        made = aioclone_error(m.result, m.operation, m.path);
    }
    aioc_free(m.object); /* NULL if it was taken over */
    RB_GC_GUARD(m.path);
    if (state) {
        rb_jump_tag(state);
    }
    *ret_error = m.result < 0 ? made : Qnil;
    return m.result < 0 ? Qnil : made;
}

/* --- AIOClone::Entries ------------------------------------------------------------------------------------------- */

typedef struct {
    aioc_entries *list;
    VALUE root;
    ssize_t size; /* about, so that the garbage collector knows */
} entries;

static void mark_entries(void *data) { rb_gc_mark(((entries *)data)->root); }

static void free_entries(void *data) {
    entries *const e = data;
    aioc_free(e->list);
    rb_gc_adjust_memory_usage(-e->size);
    xfree(e);
}

static size_t size_of_entries(const void *data) { return sizeof(entries) + (size_t)((const entries *)data)->size; }

static const rb_data_type_t entries_type = {"AIOClone::Entries",
                                            {mark_entries, free_entries, size_of_entries, NULL, {NULL}},
                                            NULL,
                                            NULL,
                                            RUBY_TYPED_FREE_IMMEDIATELY};

#define ENTRY_SIZE 100 /* bytes, with its name */

static VALUE new_entries(making *m) {
    entries *e;
    const VALUE object = TypedData_Make_Struct(entries_class, entries, &entries_type, e);
    e->root = m->path;
    e->list = m->object;
    m->object = NULL;
    e->size = (ssize_t)aioc_entries_count(e->list) * ENTRY_SIZE;
    rb_gc_adjust_memory_usage(e->size);
    return object;
}

static entries *entries_in(VALUE self) { return rb_check_typeddata(self, &entries_type); }

/* @return [Integer] */
static VALUE entries_size(VALUE self) { return ULL2NUM(aioc_entries_count(entries_in(self)->list)); }

static VALUE enumerator_size(VALUE self, VALUE arguments, VALUE object) {
    (void)arguments;
    (void)object;
    return entries_size(self);
}

/* @return [Integer] of a scandir: so many are directories, the first ones */
static VALUE entries_directory_count(VALUE self) { return ULL2NUM(aioc_entries_directories(entries_in(self)->list)); }

/* --- AIOClone::Entry --------------------------------------------------------------------------------------------- */

typedef struct {
    const aioc_entry *entry; /* in its list */
    VALUE list;
} entry;

static void mark_entry(void *data) { rb_gc_mark(((entry *)data)->list); }

static const rb_data_type_t entry_type = {
    "AIOClone::Entry", {mark_entry, RUBY_DEFAULT_FREE, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

static VALUE new_entry(VALUE list, const aioc_entry *from) {
    entry *e;
    const VALUE object = TypedData_Make_Struct(entry_class, entry, &entry_type, e);
    e->entry = from;
    e->list = list;
    return object;
}

/* @yieldparam entry [Entry]
 * @return [self, Enumerator] */
static VALUE entries_each(VALUE self) {
    const entries *const e = entries_in(self);
    uint64_t i;
    RETURN_SIZED_ENUMERATOR(self, 0, NULL, enumerator_size);
    for (i = 0; i < aioc_entries_count(e->list); ++i) {
        rb_yield(new_entry(self, aioc_entries_at(e->list, i)));
    }
    return self;
}

/* @return [Array<String>] */
static VALUE entries_names(VALUE self) {
    const entries *const e = entries_in(self);
    const VALUE names = rb_ary_new_capa((long)aioc_entries_count(e->list));
    uint64_t i;
    for (i = 0; i < aioc_entries_count(e->list); ++i) {
        const aioc_entry *const from = aioc_entries_at(e->list, i);
        rb_ary_push(names, aioclone_name_string(from->name, from->name_length));
    }
    return names;
}

static const aioc_entry *entry_in(VALUE self) { return ((const entry *)rb_check_typeddata(self, &entry_type))->entry; }

/* @return [String] without its directory */
static VALUE entry_name(VALUE self) {
    const aioc_entry *const e = entry_in(self);
    return aioclone_name_string(e->name, e->name_length);
}

/* @return [String] the path of its directory from the root of the walk; "" for the root, and in a scandir */
static VALUE entry_directory(VALUE self) {
    const aioc_entry *const e = entry_in(self);
    return e->directory ? aioclone_name_string(e->directory, e->directory_length) : aioclone_name_string("", 0);
}

/* @return [String] with the path that the walk or scandir was given */
static VALUE entry_path(VALUE self) {
    const entry *const object = rb_check_typeddata(self, &entry_type);
    const aioc_entry *const e = object->entry;
    VALUE path = entries_in(object->list)->root;
    if (e->directory_length > 0) {
        path = join(path, e->directory, e->directory_length);
    }
    path = join(path, e->name, e->name_length);
    RB_GC_GUARD(self);
    return path;
}

/* @return [String, nil] "file", "directory", "link" ... as File.ftype; nil: asking for it failed */
static VALUE entry_ftype(VALUE self) { return aioclone_type_name(entry_in(self)->type); }

/* @return [Integer] its inode; 0 with an error */
static VALUE entry_inode(VALUE self) { return ULL2NUM(entry_in(self)->inode); }

/* @return [Integer] 1 for what is in the root of a walk; 0 in a scandir */
static VALUE entry_depth(VALUE self) { return UINT2NUM(entry_in(self)->depth); }

/* @return [::File::Stat, nil] of the entry itself, as lstat; nil if the walk was not asked for it, or with an error */
static VALUE entry_stat(VALUE self) {
    const aioc_entry *const e = entry_in(self);
    return e->status ? aioclone_stat(e->status) : Qnil;
}

/* @return [SystemCallError, nil] why this directory could not be read (then it comes once more, with the error), or
 *   why its stat failed */
static VALUE entry_error(VALUE self) {
    const aioc_entry *const e = entry_in(self);
    return e->error < 0 ? aioclone_error(e->error, "walk", entry_path(self)) : Qnil;
}

/* --- Progress ---------------------------------------------------------------------------------------------------- */

VALUE aioclone_progress(aioclone_context *context, int64_t id) {
    aioc_report report = AIOC_REPORT_INIT;
    const int status = aioc_progress(context->context, id, &report);
    if (status < 0) {
        rb_exc_raise(aioclone_error(status, "progress", Qnil));
    }
    return to_report(&report);
}

/* How far a composite is.
 * @param id [Integer] what its operation returned
 * @return [Report] items, bytes and errors so far
 * @raise [Errno::ENOENT] it was delivered
 * @raise [Errno::EOPNOTSUPP] it is no composite */
static VALUE context_progress(VALUE self, VALUE id) {
    return aioclone_progress(aioclone_open_context(self), aioclone_integer(id, INT64_MIN, INT64_MAX, "id"));
}

void aioclone_init_composite(void) {
    id_report = rb_intern("@report");
    report_class = rb_struct_define_under(aioclone_module, "Report", "items", "bytes", "errors", "error", "path", NULL);
    reported_module = rb_define_module_under(aioclone_module, "Reported");
    entries_class = rb_define_class_under(aioclone_module, "Entries", rb_cObject);
    rb_include_module(entries_class, rb_mEnumerable);
    rb_undef_alloc_func(entries_class);
    rb_define_method(entries_class, "size", entries_size, 0);
    rb_define_method(entries_class, "directory_count", entries_directory_count, 0);
    rb_define_method(entries_class, "each", entries_each, 0);
    rb_define_method(entries_class, "names", entries_names, 0);
    entry_class = rb_define_class_under(aioclone_module, "Entry", rb_cObject);
    rb_undef_alloc_func(entry_class);
    rb_define_method(entry_class, "name", entry_name, 0);
    rb_define_method(entry_class, "directory", entry_directory, 0);
    rb_define_method(entry_class, "path", entry_path, 0);
    rb_define_method(entry_class, "ftype", entry_ftype, 0);
    rb_define_method(entry_class, "ino", entry_inode, 0);
    rb_define_method(entry_class, "depth", entry_depth, 0);
    rb_define_method(entry_class, "stat", entry_stat, 0);
    rb_define_method(entry_class, "error", entry_error, 0);
    rb_define_method(rb_const_get(aioclone_module, rb_intern("Context")), "progress", context_progress, 1);
}
