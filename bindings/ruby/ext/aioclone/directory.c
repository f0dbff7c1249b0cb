/* SPDX-License-Identifier: MIT */
/* AIOClone::Directory: what a readdir found. */
#include "aioclone_ruby.h"

#include <dirent.h>
#include <ruby/encoding.h>
#include <string.h>

static VALUE directory_class, types[DT_WHT + 1];

static void free_directory(void *data) {
    aioc_directory_free(data);
}

static const rb_data_type_t directory_type = {
    "AIOClone::Directory", {NULL, free_directory, NULL, NULL, {NULL}}, NULL, NULL, RUBY_TYPED_FREE_IMMEDIATELY};

VALUE aioclone_new_directory(void) {
    return TypedData_Wrap_Struct(directory_class, &directory_type, NULL);
}

void aioclone_directory_set(VALUE object, aioc_directory *directory) {
    RTYPEDDATA_DATA(object) = directory;
}

VALUE aioclone_name_string(const char *name, long length) {
    return rb_external_str_new_with_enc(name, length, rb_filesystem_encoding());
}

static VALUE name_at(const aioc_directory *directory, int64_t index) {
    const char *const name = aioc_directory_name(directory, index);
    return aioclone_name_string(name, (long)strlen(name));
}

VALUE aioclone_type_name(uint32_t type) {
    return type <= DT_WHT ? types[type] : Qnil;
}

/* As File.ftype and File::Stat#ftype name them; nil: the file system does not tell. */
static VALUE type_at(const aioc_directory *directory, int64_t index) {
    return aioclone_type_name(aioc_directory_type(directory, index));
}

static const aioc_directory *directory_in(VALUE self) {
    return rb_check_typeddata(self, &directory_type);
}

/* @return [Integer] entries, without "." and ".." */
static VALUE directory_size(VALUE self) {
    return LL2NUM(aioc_directory_count(directory_in(self)));
}

static VALUE enumerator_size(VALUE self, VALUE arguments, VALUE object) {
    (void)arguments;
    (void)object;
    return directory_size(self);
}

/* @yieldparam name [String]
 * @yieldparam type [String, nil] "file", "directory", "link" ... as File.ftype; nil: the file system does not tell
 * @yieldparam inode [Integer]
 * @return [self, Enumerator] */
static VALUE directory_each(VALUE self) {
    const aioc_directory *const directory = directory_in(self);
    int64_t i;
    RETURN_SIZED_ENUMERATOR(self, 0, NULL, enumerator_size);
    for (i = 0; i < aioc_directory_count(directory); ++i) {
        rb_yield_values(3, name_at(directory, i), type_at(directory, i),
                        ULL2NUM(aioc_directory_inode(directory, i)));
    }
    return self;
}

/* @return [Array<String>] */
static VALUE directory_names(VALUE self) {
    const aioc_directory *const directory = directory_in(self);
    const int64_t count = aioc_directory_count(directory);
    const VALUE names = rb_ary_new_capa((long)count);
    int64_t i;
    for (i = 0; i < count; ++i) {
        rb_ary_push(names, name_at(directory, i));
    }
    return names;
}

void aioclone_init_directory(void) {
    static const struct {
        int type;
        const char *name;
    } known[] = {{DT_FIFO, "fifo"}, {DT_CHR, "characterSpecial"}, {DT_DIR, "directory"}, {DT_BLK, "blockSpecial"},
                 {DT_REG, "file"},  {DT_LNK, "link"},             {DT_SOCK, "socket"}};
    size_t i;
    directory_class = rb_define_class_under(aioclone_module, "Directory", rb_cObject);
    rb_include_module(directory_class, rb_mEnumerable);
    rb_undef_alloc_func(directory_class);
    rb_define_method(directory_class, "size", directory_size, 0);
    rb_define_method(directory_class, "each", directory_each, 0);
    rb_define_method(directory_class, "names", directory_names, 0);
    for (i = 0; i <= DT_WHT; ++i) {
        types[i] = Qnil;
    }
    for (i = 0; i < sizeof known / sizeof *known; ++i) {
        types[known[i].type] = rb_obj_freeze(rb_str_new_cstr(known[i].name));
        rb_gc_register_mark_object(types[known[i].type]);
    }
}
