/* SPDX-License-Identifier: MIT */
/* AIOClone: what its C files and the generated wrappers share.
 *
 * All of it runs with Ruby's global lock, which is given up in one place: where a thread waits (wait.c). The library's
 * callback only moves a request from one list to another, so that no frame of the library is on the stack while Ruby
 * code runs, which may raise, throw, fork or switch fibers. */
#ifndef AIOCLONE_RUBY_H
#define AIOCLONE_RUBY_H
#include <ruby.h>

#include <aioclone.h>
#include <linux/stat.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#ifndef RBOOL
#define RBOOL(value) ((value) ? Qtrue : Qfalse)
#endif

/* A member of a circular list. */
typedef struct aioclone_link {
    struct aioclone_link *next, *previous;
} aioclone_link;

static inline void aioclone_list(aioclone_link *list) {
    list->next = list->previous = list;
}

static inline int aioclone_is_empty(const aioclone_link *list) {
    return list->next == list;
}

static inline void aioclone_append(aioclone_link *list, aioclone_link *link) {
    link->next = list;
    link->previous = list->previous;
    list->previous->next = link;
    list->previous = link;
}

/* Also of one that is on no list (see aioclone_list). */
static inline void aioclone_remove(aioclone_link *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
    aioclone_list(link);
}

#define AIOCLONE_REQUEST(link, member) ((aioclone_request *)((char *)(link)-offsetof(aioclone_request, member)))

/* Who wants a request's completion. */
enum {
    AIOCLONE_WAITER,    /* the method that submitted it */
    AIOCLONE_BLOCK,     /* a block, which poll calls */
    AIOCLONE_HANDLE,    /* an AIOClone::Request */
    AIOCLONE_ABANDONED, /* nobody any more */
    AIOCLONE_RUNNER     /* not submitted: stands for one that waits until anything completes */
};

/* What memory of Ruby's a request uses: its data. All but the first two are locked meanwhile. */
enum {
    AIOCLONE_NO_MEMORY,
    AIOCLONE_NEW_STRING,    /* filled */
    AIOCLONE_CALLER_STRING, /* filled, and then cut to what came */
    AIOCLONE_CALLER_STRUCT, /* a String, perhaps changed */
    AIOCLONE_CALLER_BUFFER, /* an IO::Buffer */
    AIOCLONE_PARTS          /* an Array of Strings and IO::Buffers */
};

/* What its result is in Ruby. */
enum {
    AIOCLONE_INTEGER,
    AIOCLONE_STRING, /* a new one */
    AIOCLONE_NAME,   /* the same, as names of files are encoded */
    AIOCLONE_FILE,
    AIOCLONE_STAT,
    AIOCLONE_STATX,
    AIOCLONE_STATVFS,
    AIOCLONE_DIRECTORY,
    AIOCLONE_MOUNT_ID,
    AIOCLONE_GROUP, /* an Integer */
    AIOCLONE_LOADED, /* these three are objects that aioc_free frees */
    AIOCLONE_ENTRIES,
    AIOCLONE_REPORT
};

#define AIOCLONE_HELD 3 /* the most arguments of one operation that are Ruby objects */

/* What else a request can be told: AIOClone::Plan. */
typedef struct {
    VALUE owner; /* the Context */
    VALUE dirfd, dirfd2; /* kept open, or Qnil */
    uint32_t flags;
    int32_t fd, fd2, priority;
    uint64_t timeout_ns;
    aioc_request group;
    struct aioclone_chain *chain; /* or NULL */
} aioclone_plan;

typedef struct aioclone_chain aioclone_chain;

struct aioclone_context;

typedef struct aioclone_request {
    aioclone_link used;  /* of the context's requests: what these name is marked */
    aioclone_link chain; /* finished, or ready, or free */
    aioclone_link sleep; /* of those whose fiber waits for another's wait */
    struct aioclone_context *context;
    const char *operation;
    const aioclone_plan *plan; /* during its submission */
    int64_t id;
    int64_t result;
    VALUE block;
    VALUE queue; /* where its fiber sleeps */
    VALUE fiber; /* who waits: a Queue keeps nobody alive, and a scheduler need not */
    VALUE path;  /* for the text of an error */
    VALUE data;  /* its memory */
    VALUE file;  /* its result, if that is one */
    VALUE held[AIOCLONE_HELD]; /* files, names */
    uint8_t form, memory, answer, done, submitted, collected;
    int closing_fd; /* of a close of held[0], or -1 */
    uint8_t waited; /* a handle's: somebody waits for it; a waiter's: it has waited to the end */
    union {
        struct statx stat;
        struct statvfs statvfs;
        aioc_directory *directory;
        void *object;
        int mount_id;
    } out;
} aioclone_request;

typedef struct aioclone_context {
    aioc_context *context; /* NULL: destroyed */
    VALUE self;
    aioclone_link all; /* of the contexts */
    aioclone_link used, finished, ready, sleepers, runners, free;
    aioclone_link hungry; /* feeders of groups that have room */
    aioclone_request *leader; /* whose fiber waits in the library for all of them, or NULL */
    aioclone_request *heir;   /* whose fiber was woken to do so, or NULL */
    long outstanding, blocks, feeders, abandoned, ready_count, free_count;
    unsigned long taken; /* how often something was: who was not asleep yet looks again */
    long references;
    long holds;
    unsigned forks; /* of the process, when it was last used */
    int closing;
    int watched_fd; /* for event loops: readable as the library's descriptor is, or as kept_fd; -1: not asked for */
    int kept_fd;    /* readable while there are ready blocks, or hungry groups */
    int kept;
    VALUE io;
} aioclone_context;

/* One call of a method of AIOClone::Native. */
typedef struct {
    VALUE receiver;
    aioclone_context *context;
    const aioclone_plan *plan; /* or NULL */
    const char *operation;
    aioclone_request *request; /* NULL until taken */
    VALUE block, path, data, file, handle, vectors;
    VALUE held[AIOCLONE_HELD];
    int held_count, form, memory, answer;
    struct timespec times[2];
    int closing_fd; /* of a close of an object, or -1 */
} aioclone_call;

extern VALUE aioclone_module, aioclone_file_class;
extern unsigned aioclone_forks;

/* context.c */
void aioclone_init_context(void);
aioclone_context *aioclone_context_of(VALUE object);       /* raises TypeError */
aioclone_context *aioclone_context_in(VALUE object);       /* or NULL */
VALUE aioclone_starter_target(VALUE object);              /* its Context or Plan; else the object */
aioclone_context *aioclone_open_context(VALUE object);     /* raises IOError when it is destroyed */
aioclone_context *aioclone_default(void);                  /* of this thread */
void aioclone_check_open(const aioclone_context *context); /* raises IOError */
void aioclone_release(aioclone_context *context);          /* a reference */
void aioclone_notice_fork(aioclone_context *context);

/* convert.c: arguments. They may raise; all name the argument. */
int aioclone_fd(aioclone_call *call, VALUE argument, const char *name);
char *aioclone_text(aioclone_call *call, VALUE argument, const char *name, int argument_count);
int64_t aioclone_integer(VALUE argument, int64_t least, int64_t most, const char *name);
uint64_t aioclone_size(VALUE argument, const char *name);
uint32_t aioclone_id(VALUE argument, const char *name);
struct timespec *aioclone_times(aioclone_call *call, VALUE argument, const char *name);
_Noreturn void aioclone_no_conversion(VALUE argument, const char *name, const char *wanted);
void aioclone_hold(aioclone_call *call, VALUE object);
void aioclone_close_object(aioclone_call *call);
void aioclone_init_convert(void);

/* buffer.c: memory for reads and writes */
void aioclone_init_buffer(void);
void aioclone_fill(aioclone_call *call, VALUE argument, const char *name);
void aioclone_source(aioclone_call *call, VALUE argument, const char *name);
void aioclone_struct(aioclone_call *call, VALUE argument, const char *name);
uint64_t aioclone_argument(aioclone_call *call, VALUE argument, const char *name);
void aioclone_pages(aioclone_call *call, VALUE argument, const char *name);
void aioclone_parts(aioclone_call *call, VALUE argument, const char *name);
void aioclone_lock(const aioclone_call *call); /* raises if it is locked */
void *aioclone_memory(aioclone_call *call, size_t *ret_size);
uint64_t aioclone_argument_address(aioclone_call *call, uint64_t number);
struct iovec *aioclone_vectors(aioclone_call *call, int *ret_count);
void aioclone_unlock(aioclone_request *request);

/* request.c */
void aioclone_init_request(void);
void aioclone_begin(aioclone_call *call, VALUE self, const char *operation, int answer);
aioc_context *aioclone_take(aioclone_call *call);
struct statx *aioclone_result_stat(aioclone_call *call);
struct statvfs *aioclone_result_statvfs(aioclone_call *call);
aioc_directory **aioclone_result_directory(aioclone_call *call);
int *aioclone_result_mount_id(aioclone_call *call);
VALUE aioclone_submitted(aioclone_call *call, aioc_request answer);
void aioclone_reserve(aioclone_context *context); /* so that the next one raises nothing */
aioclone_request *aioclone_new_request(aioclone_context *context, int form);
void aioclone_give_back(aioclone_request *request);
void aioclone_abandon(aioclone_request *request);
void aioclone_undo_close(aioclone_request *request);
void aioclone_accept(aioclone_request *request, aioc_request id, VALUE member); /* of a chain */
void aioclone_refuse(aioclone_request *request, VALUE member);

/* result.c: what a completion is in Ruby. Gives the request back; the value, or an exception in *ret_error. */
VALUE aioclone_result(aioclone_request *request, VALUE *ret_error);
VALUE aioclone_error(int64_t error, const char *operation, VALUE path);
VALUE aioclone_stat(const struct statx *from); /* a ::File::Stat */
void aioclone_init_result(void);

/* directory.c */
void aioclone_init_directory(void);
VALUE aioclone_new_directory(void);
void aioclone_directory_set(VALUE object, aioc_directory *directory);
VALUE aioclone_name_string(const char *name, long length);
VALUE aioclone_type_name(uint32_t type); /* of DT_*; or Qnil */

/* composite.c */
void aioclone_init_composite(void);
void **aioclone_result_object(aioclone_call *call, int answer);
VALUE aioclone_object_result(aioclone_request *request, VALUE *ret_error); /* as aioclone_result */
void aioclone_free_object(aioclone_request *request);                      /* if it has one */
VALUE aioclone_progress(aioclone_context *context, int64_t id);

/* walk.c */
void aioclone_init_walk(void);
aioc_walk *aioclone_to_walk(aioclone_call *call, VALUE argument, const char *name);

/* file.c */
void aioclone_init_file(void);
VALUE aioclone_new_file(VALUE owner, VALUE path);
int aioclone_is_file(VALUE object);
int aioclone_file_fd(VALUE file); /* raises IOError when closed */
void aioclone_file_set(VALUE file, int fd);
int aioclone_file_take(VALUE file);

/* wait.c */
void aioclone_init_wait(void);
void aioclone_done(const aioc_completion *done, void *user_data);
void aioclone_take_finished(aioclone_context *context); /* what is there */
void aioclone_collect(aioclone_context *context);       /* the same, outside of poll */
void aioclone_wait(aioclone_request *request);          /* until it is done */
void aioclone_wait_any(aioclone_context *context);      /* until something was collected */
void aioclone_stop(aioclone_request *request);          /* the end of a wait */

/* plan.c */
void aioclone_init_plan(void);
const aioclone_plan *aioclone_plan_in(VALUE object); /* or NULL */
aioc_request aioclone_submit(aioc_context *context, aioc_operation *operation);
aioc_request aioclone_submit_group(aioc_context *context, aioc_callback callback, void *user_data);
VALUE aioclone_new_plan(VALUE class, aioclone_plan **ret);
aioc_request aioclone_to_group(VALUE group);

/* feed.c */
void aioclone_init_feed(void);
void aioclone_feed(aioclone_context *context);           /* the hungry groups; raises what a feeder does */
void aioclone_end_feeder(const aioclone_request *group); /* if it has one */

/* chain.c */
#define AIOCLONE_COLLECTED INT64_MAX /* instead of an id */
void aioclone_init_chain(void);
void aioclone_chain_mark(const aioclone_chain *chain);
void aioclone_chain_free(aioclone_chain *chain);
void aioclone_chain_check(const aioclone_chain *chain); /* raises ArgumentError when its block has ended */
aioc_request aioclone_chain_collect(aioclone_chain *chain, const aioc_operation *operation);
VALUE aioclone_chain_collected(aioclone_chain *chain, VALUE handle);

/* control.c */
void aioclone_init_control(void);
int aioclone_hold_requests(aioclone_context *context); /* 0: no */
VALUE aioclone_release_requests(VALUE context);

/* poll.c: blocks, and the descriptor for event loops */
void aioclone_init_poll(void);
void aioclone_keep_readable(aioclone_context *context);
void aioclone_renew_watched(aioclone_context *context);

#endif
