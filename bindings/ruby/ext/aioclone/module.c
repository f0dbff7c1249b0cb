/* SPDX-License-Identifier: MIT */
/* The extension's load. */
#include "aioclone_ruby.h"

#include <fcntl.h>

VALUE aioclone_module;

/* The operation table: name and C parameters of each. */
static const struct {
    const char *name, *parameters;
} operations[] = {
#define AIOCLONE_OPERATION(name, parameters, uses) {#name, parameters},
#include "operations.inc"
};

static void define_operations(void) {
    const VALUE all = rb_hash_new();
    size_t i;
    for (i = 0; i < sizeof operations / sizeof *operations; ++i) {
        rb_hash_aset(all, ID2SYM(rb_intern(operations[i].name)),
                     rb_obj_freeze(rb_str_new_cstr(operations[i].parameters)));
    }
    rb_const_set(aioclone_module, rb_intern("C_PARAMETERS"), rb_obj_freeze(all));
}

static void define_numbers(void) {
    static const struct {
        const char *name;
        unsigned value;
    } numbers[] = {{"SINGLE_THREADED", AIOC_SINGLE_THREADED}, {"ONE_CORE", AIOC_ONE_CORE},
                   {"NO_RING", AIOC_NO_RING},                 {"LOCAL_PATHS", AIOC_LOCAL_PATHS},
                   {"IN_ORDER", AIOC_IN_ORDER},               {"INLINE", AIOC_ENGINE_INLINE},
                   {"RING", AIOC_ENGINE_RING},                {"WORKERS", AIOC_ENGINE_WORKERS},
                   {"CLONE", AIOC_SPAWNER_CLONE},             {"PTHREAD", AIOC_SPAWNER_PTHREAD},
                   {"CLOEXEC", O_CLOEXEC},
                   {"WALK_STAT", AIOC_WALK_STAT},             {"COPY_MODE", AIOC_COPY_MODE},
                   {"COPY_TIMES", AIOC_COPY_TIMES},           {"COPY_OWNER", AIOC_COPY_OWNER},
                   {"COPY_XATTRS", AIOC_COPY_XATTRS},         {"COPY_LINKS", AIOC_COPY_LINKS},
                   {"COPY_OVERWRITE", AIOC_COPY_OVERWRITE},   {"COPY_SYNC", AIOC_COPY_SYNC},
                   {"MOVE_NOREPLACE", AIOC_MOVE_NOREPLACE}};
    const VALUE native = rb_const_get(aioclone_module, rb_intern("Native"));
    size_t i;
    for (i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        rb_define_const(native, numbers[i].name, UINT2NUM(numbers[i].value));
    }
}

void Init_Native(void); /* SWIG's */
void aioclone_define_constants(void);

RUBY_FUNC_EXPORTED void Init_native(void) {
    aioclone_module = rb_define_module("AIOClone");
    Init_Native();
    define_operations();
    define_numbers();
    aioclone_define_constants();
    aioclone_init_convert();
    aioclone_init_buffer();
    aioclone_init_context();
    aioclone_init_request();
    aioclone_init_file();
    aioclone_init_directory();
    aioclone_init_result();
    aioclone_init_wait();
    aioclone_init_poll();
    aioclone_init_control();
    aioclone_init_plan();
    aioclone_init_feed();
    aioclone_init_composite();
    aioclone_init_walk();
    aioclone_init_chain();
}
