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

/* What its completion has to do. */
enum {
    AIOCLONE_PLAIN,
    AIOCLONE_STAT,
    AIOCLONE_NEW_STRING,    /* data becomes the result */
    AIOCLONE_CALLER_STRING, /* data is filled and locked */
    AIOCLONE_CALLER_BUFFER, /* an IO::Buffer, locked */
    AIOCLONE_OPENED         /* data is the AIOClone::File */
};

#define AIOCLONE_HELD 3 /* the most arguments of one operation that are Ruby objects */

struct aioclone_context;

typedef struct aioclone_request {
    aioclone_link used;  /* of the context's requests: what these name is marked */
    aioclone_link chain; /* finished, or ready, or free */
    aioclone_link sleep; /* of those whose fiber waits for another's wait */
    struct aioclone_context *context;
    const char *operation;
    int64_t id;
    int64_t result;
    VALUE block;
    VALUE queue; /* where its fiber sleeps */
    VALUE path;  /* for the text of an error */
    VALUE data;
    VALUE held[AIOCLONE_HELD]; /* files, strings */
    uint8_t form, kind, done, submitted, waited;
    union {
        struct statx stat;
    } out;
} aioclone_request;

typedef struct aioclone_context {
    aioc_context *context; /* NULL: destroyed */
    VALUE self;
    aioclone_link all; /* of the contexts */
    aioclone_link used, finished, ready, sleepers, runners, free;
    aioclone_request *leader; /* whose fiber waits in the library for all of them, or NULL */
    aioclone_request *heir;   /* whose fiber was woken to do so, or NULL */
    long outstanding, blocks, abandoned, ready_count, free_count;
    long references;
    long holds;
    unsigned forks; /* of the process, when it was last used */
    int closing;
    int watched_fd; /* for event loops: readable as the library's descriptor is, or as kept_fd; -1: not asked for */
    int kept_fd;    /* readable while there are ready blocks */
    int kept;
    VALUE io;
} aioclone_context;

/* One call of a method of AIOClone::Native. */
typedef struct {
    VALUE receiver;
    aioclone_context *context;
    const char *operation;
    aioclone_request *request; /* NULL until taken */
    VALUE block, path, data, handle;
    VALUE held[AIOCLONE_HELD];
    int held_count, form, kind;
    size_t size; /* of data to transfer */
    int closing_fd; /* of a close, or -1 */
    VALUE closing_file;
} aioclone_call;

extern VALUE aioclone_module, aioclone_file_class;
extern unsigned aioclone_forks;

/* context.c */
void aioclone_init_context(void);
aioclone_context *aioclone_context_of(VALUE object);       /* raises TypeError */
aioclone_context *aioclone_context_in(VALUE object);       /* or NULL */
aioclone_context *aioclone_starter_in(VALUE object);       /* or NULL */
aioclone_context *aioclone_open_context(VALUE object);     /* raises IOError when it is destroyed */
aioclone_context *aioclone_default(void);                  /* of this thread */
void aioclone_check_open(const aioclone_context *context); /* raises IOError */
void aioclone_release(aioclone_context *context);          /* a reference */
void aioclone_notice_fork(aioclone_context *context);

/* convert.c: arguments. They may raise; all name the argument. */
int aioclone_fd(aioclone_call *call, VALUE argument, const char *name);
int aioclone_closing(aioclone_call *call, VALUE argument, const char *name);
char *aioclone_text(aioclone_call *call, VALUE argument, const char *name, int argument_count);
char *aioclone_opening(aioclone_call *call, VALUE argument, const char *name);
int64_t aioclone_integer(VALUE argument, int64_t least, int64_t most, const char *name);
uint64_t aioclone_size(VALUE argument, const char *name);
void aioclone_hold(aioclone_call *call, VALUE object);
void aioclone_init_convert(void);

/* buffer.c: memory for reads and writes */
void aioclone_init_buffer(void);
void aioclone_fill(aioclone_call *call, VALUE argument, const char *name);
void aioclone_source(aioclone_call *call, VALUE argument, const char *name);
void aioclone_lock(const aioclone_call *call);
void *aioclone_memory(aioclone_call *call, size_t *ret_size);
void aioclone_unlock(aioclone_request *request);

/* request.c */
void aioclone_init_request(void);
void aioclone_begin(aioclone_call *call, VALUE self, const char *operation);
aioc_context *aioclone_take(aioclone_call *call);
struct statx *aioclone_result_stat(aioclone_call *call);
VALUE aioclone_submitted(aioclone_call *call, aioc_request answer);
void aioclone_reserve(aioclone_context *context); /* so that the next one raises nothing */
aioclone_request *aioclone_new_request(aioclone_context *context, int form);
void aioclone_give_back(aioclone_request *request);
void aioclone_abandon(aioclone_request *request);

/* result.c: what a completion is in Ruby. Gives the request back; the value, or an exception in *ret_error. */
VALUE aioclone_result(aioclone_request *request, VALUE *ret_error);
VALUE aioclone_error(int64_t error, const char *operation, VALUE path);

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

/* poll.c: blocks, and the descriptor for event loops */
void aioclone_init_poll(void);
void aioclone_keep_readable(aioclone_context *context);
void aioclone_renew_watched(aioclone_context *context);

#endif
