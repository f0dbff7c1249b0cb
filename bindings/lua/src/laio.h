/* SPDX-License-Identifier: MIT */
/* The C part of the Lua module: what its files and the generated wrapper share. */
#ifndef LAIO_H
#define LAIO_H
#include "compat.h"

#include <aioclone.h>
#include <linux/stat.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>

/* What a completion's value is. */
enum {
    LAIO_PLAIN,  /* its result: a number, or true where success has none */
    LAIO_GROUP,  /* a number; it keeps its feeder */
    LAIO_STRING, /* the bytes that were read */
    LAIO_STAT,
    LAIO_STATVFS,
    LAIO_DIRECTORY,
    LAIO_MOUNT, /* success, and an int that was filled */
    LAIO_LOADED,
    LAIO_SCAN,
    LAIO_ENTRIES,
    LAIO_REPORT
};

/* Upvalues of every function. */
#define LAIO_MODULE lua_upvalueindex(1)  /* laio_module */
#define LAIO_TARGETS lua_upvalueindex(2) /* function or coroutine of the request with that index */
#define LAIO_KEPT lua_upvalueindex(3)    /* what else it needs: LAIO_KEPT_EACH places a request */
#define LAIO_UPVALUES 3
#define LAIO_KEPT_EACH 3

#define LAIO_OPERATIONS_MAX 256

#define LAIO_BUFFER "aioclone.buffer"
#define LAIO_STAT_TYPE "aioclone.stat"
#define LAIO_WALK "aioclone.walk"

typedef struct laio_buffer {
    char *data; /* NULL: released */
    size_t size;
    struct laio_buffer *parent; /* a view's, whose memory this is; else NULL */
    struct laio_module *pool;   /* the memory goes back to the pool of buffers; else NULL */
    uint32_t uses;              /* by outstanding requests, also through views */
} laio_buffer;

/* One request: its user_data. Never moves. */
typedef struct laio_request {
    struct laio_module *module;
    struct laio_request *next; /* of the free ones */
    uint32_t index;            /* names its places in the upvalues' tables */
    uint32_t generation;       /* counts its uses */
    uint8_t outstanding;
    uint8_t kind;     /* LAIO_PLAIN ... */
    uint8_t kept;     /* how many places of LAIO_KEPT are in use */
    uint8_t awaited;  /* its target is a coroutine */
    uint8_t uses_lua; /* the kernel may use memory that Lua frees at its end */
    uint32_t operation;
    int error; /* > 0: it was refused, and a nop delivers this errno */
    aioc_request id;
    int64_t result;
    laio_buffer *used; /* the buffer whose uses count this */
    char *memory;      /* what a read reads into; stays with a free request for the next read */
    size_t memory_size;
    union { /* what the kernel or the library fills */
        struct statx stat;
        struct statvfs statvfs;
        aioc_directory *directory;
        void *object; /* of aioc_free: LAIO_LOADED and those behind it */
        aioc_entries *entries;
        aioc_report *report;
        int mount_id;
        struct timespec times[2]; /* for the submission */
    } out;
} laio_request;

/* A poll that runs. */
typedef struct laio_frame {
    lua_State *L;
    laio_request *current; /* is being delivered, and was not given back yet */
    int failed;            /* the error is on the stack's top */
    int polled;            /* the callback that runs has polled: see laio_start_nested */
} laio_frame;

/* One per Lua state. */
typedef struct laio_module {
    aioc_context *context; /* NULL until the first call that needs it, and after the end */
    aioc_options options;
    laio_frame *frame; /* the innermost poll, or NULL */
    laio_request *free;
    laio_request **requests; /* all, by index */
    uint32_t count;
    uint32_t memories;      /* of free requests */
    laio_request *yielding; /* see laio_submitted */
    unsigned forks;         /* of the process, when the outstanding ones were submitted */
    int closed;
    uint8_t is_plain[LAIO_OPERATIONS_MAX]; /* by code: its success is true, and no number */
    uint8_t gives_fd[LAIO_OPERATIONS_MAX];
} laio_module;

typedef struct {
    laio_module *module;
    aioc_walk *walk; /* NULL: ended */
} laio_walk;

/* One call of an operation. */
typedef struct {
    laio_module *module;
    laio_request *request; /* NULL until taken */
    int element;           /* of a list of operations, from 1; 0: a function's own arguments */
    int count;             /* arguments, without the callback */
    int target;            /* stack index of the callback; 0: the coroutine waits */
    int kind;
    int keep[LAIO_KEPT_EACH]; /* stack indices of what must live until the completion */
    int keep_count;
    int uses_lua;
    laio_buffer *used;
    void *data;
    size_t length;
    struct timespec times[2];
} laio_call;

/* module.c: load, options, fork, the end. */
void laio_open(lua_State *L, const void *methods);
laio_module *laio_enter(lua_State *L);
int64_t laio_now_ms(void);

/* convert.c: arguments. They raise errors that name the argument, and own nothing. */
void laio_begin(lua_State *L, laio_call *call);
int laio_given(lua_State *L, const laio_call *call, int arg);
int laio_argument_error(lua_State *L, const laio_call *call, int arg, const char *name, const char *problem);
void laio_keep(lua_State *L, laio_call *call, int index, const char *name);
int laio_type_error(lua_State *L, const laio_call *call, int arg, const char *name, const char *expected);
int laio_fd(lua_State *L, laio_call *call, int arg, const char *name);
const char *laio_path(lua_State *L, laio_call *call, int arg, const char *name);
int laio_flags(lua_State *L, laio_call *call, int arg, const char *name, const char *operation);
uint32_t laio_mode(lua_State *L, laio_call *call, int arg, const char *name, const char *operation);
int64_t laio_integer(lua_State *L, const laio_call *call, int arg, const char *name, int64_t least, int64_t most);
void laio_destination(lua_State *L, laio_call *call, int arg, const char *operation);
void laio_source(lua_State *L, laio_call *call, int arg);
void laio_target(lua_State *L, laio_call *call, int arg);
void laio_use_buffer(lua_State *L, laio_call *call, int arg, const char *name, laio_buffer *buffer);
uint32_t laio_id(lua_State *L, laio_call *call, int arg, const char *name);
uint32_t laio_engine(lua_State *L, laio_call *call, int arg);
uint32_t laio_operation(lua_State *L, laio_call *call, int arg);
laio_request *laio_find(lua_State *L, laio_call *call, int arg, const char *name);
aioc_request laio_request_id(lua_State *L, laio_call *call, int arg, const char *name);

/* request.c: between laio_take and laio_submitted nothing raises. */
aioc_context *laio_take(lua_State *L, laio_call *call);
int laio_submitted(lua_State *L, laio_call *call, aioc_request answer);
aioc_request laio_carry_error(laio_request *request, aioc_request refusal);
int64_t laio_id_of(const laio_request *request);
void laio_drop(lua_State *L, laio_request *request);
void laio_give_back(laio_request *request);
void laio_release_memory(laio_module *module);
void laio_abandon(lua_State *L, laio_module *module);
void laio_settle_yield(lua_State *L, laio_module *module);

/* result.c: values for Lua. */
int laio_number(lua_State *L, int64_t number);
void laio_push_number(lua_State *L, int64_t number);
int laio_status(lua_State *L, int64_t status);
int laio_push_result(lua_State *L, const laio_request *request);
void laio_push_statistics(lua_State *L, const aioc_statistics *report);
void laio_push_engine(lua_State *L, const aioc_engine_report *report);
void laio_push_group(lua_State *L, const aioc_group_report *report);
void laio_push_pool(lua_State *L, const aioc_buffer_report *report);

/* structs.c: arguments and results that are structs in C. */
void laio_memory(lua_State *L, laio_call *call, int arg, const char *name);
uint64_t laio_argument(lua_State *L, laio_call *call, int arg, const char *name);
const struct iovec *laio_vectors(lua_State *L, laio_call *call, int arg, const char *name, const char *operation,
                                 int *count);
const struct timespec *laio_times(lua_State *L, laio_call *call, int arg, const char *name);
void laio_push_statvfs(lua_State *L, const struct statvfs *from);
int laio_push_directory(lua_State *L, const aioc_directory *directory);

/* composites.c: whole files, entries, reports, walks. */
size_t laio_count(lua_State *L, laio_call *call, int arg, const char *name, const char *operation);
aioc_walk *laio_to_walk(lua_State *L, laio_call *call, int arg, const char *name);
int laio_walk_create(lua_State *L);
void laio_open_walk(lua_State *L);
int laio_push_scan(lua_State *L, const aioc_entries *entries);
int laio_push_entries(lua_State *L, const aioc_entries *entries);
void laio_push_report(lua_State *L, const aioc_report *report);

/* stat.c */
const char *laio_type_name(uint32_t mode);
void laio_open_stat(lua_State *L);
void laio_push_stat(lua_State *L, const struct statx *from);

/* submit.c: an array of operations, with all their fields. */
int laio_submit(lua_State *L);

/* buffer.c */
void laio_open_buffer(lua_State *L);
void *laio_test_userdata(lua_State *L, int index, const char *type);
laio_buffer *laio_to_buffer(lua_State *L, int index);
laio_buffer *laio_root_buffer(laio_buffer *buffer);
int laio_new_buffer(lua_State *L);

/* poll.c: completions. */
void laio_done(const aioc_completion *done, void *user_data);
int laio_deliver(lua_State *L);
int laio_poll(lua_State *L);
int laio_wait(lua_State *L);
int laio_fileno(lua_State *L);
void laio_start_nested(laio_module *module);

/* feed.c: feeders of groups. */
int laio_call_feeder(lua_State *L, const laio_request *group);
int laio_group_feed(lua_State *L);

/* option.c: what the module tells and is told. */
int laio_configure(lua_State *L);
int laio_probe(lua_State *L);
int laio_probe_operation(lua_State *L);
int laio_version(lua_State *L);
void laio_push_constants(lua_State *L);

/* operation.c: what its result looks like. */
void laio_learn_results(laio_module *module);
int laio_operations(lua_State *L);
int laio_unclassified(lua_State *L);
int laio_fills(const char *name);
int laio_kind_of(const char *name);
uint32_t laio_code_of(const char *name);

#endif
