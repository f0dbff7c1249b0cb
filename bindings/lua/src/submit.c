/* SPDX-License-Identifier: MIT */
/* submit: a list of operations with all the fields that the library's general form has, in one crossing. */
#include "laio.h"

#include <string.h>

#define LAIO_ABSENT 100000 /* the index of a field that is not there: beyond the stack's top */

typedef struct {
    laio_module *module;
    aioc_operation *operations;
    laio_request **requests;
    int count;
    int taken;
} batch;

/* The element's field on the stack: its index, or 0 if there is none. */
static int field(lua_State *L, int element, const char *name) {
    lua_getfield(L, element, name);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return 0;
    }
    return lua_gettop(L);
}

static uint64_t nanoseconds(lua_State *L, const laio_call *call, int at) {
    const lua_Number seconds = lua_tonumber(L, at);
    if (lua_type(L, at) != LUA_TNUMBER) {
        laio_type_error(L, call, at, "timeout", "number");
    }
    if (!(seconds > 0 && seconds < 9e9)) {
        laio_argument_error(L, call, at, "timeout", "out of range");
    }
    return (uint64_t)((double)seconds * 1e9);
}

/* Where from, where to: descriptors, names and their directories. */
static void fill_names(lua_State *L, laio_call *call, int element, aioc_operation *op) {
    int at;
    if ((at = field(L, element, "fd")) != 0) {
        op->fd = laio_fd(L, call, at, "fd");
    }
    if ((at = field(L, element, "dirfd")) != 0) {
        op->fd = laio_fd(L, call, at, "dirfd");
        op->flags |= AIOC_USE_DIRFD;
    }
    if ((at = field(L, element, "fd2")) != 0) {
        op->fd2 = laio_fd(L, call, at, "fd2");
    }
    if ((at = field(L, element, "dirfd2")) != 0) {
        op->fd2 = laio_fd(L, call, at, "dirfd2");
        op->flags |= AIOC_USE_DIRFD2;
    }
    if ((at = field(L, element, "path")) != 0) {
        op->path = laio_path(L, call, at, "path");
    }
    if ((at = field(L, element, "path2")) != 0) {
        op->path2 = laio_path(L, call, at, "path2");
    }
}

static void fill_numbers(lua_State *L, laio_call *call, int element, aioc_operation *op, const char *name) {
    int at = field(L, element, "flags");
    op->operation_flags = (uint32_t)laio_flags(L, call, at ? at : LAIO_ABSENT, "flags", name);
    at = field(L, element, "mode");
    if (at || strcmp(name, "open") == 0 || strcmp(name, "mkdir") == 0) {
        op->mode = laio_mode(L, call, at ? at : LAIO_ABSENT, "mode", name);
    }
    if ((at = field(L, element, "offset")) != 0) {
        op->offset = laio_integer(L, call, at, "offset", INT64_MIN, INT64_MAX);
    }
    if ((at = field(L, element, "offset2")) != 0) {
        op->offset2 = laio_integer(L, call, at, "offset2", INT64_MIN, INT64_MAX);
    }
    if ((at = field(L, element, "walk")) != 0) {
        op->argument = (uintptr_t)laio_to_walk(L, call, at, "walk");
    } else if ((at = field(L, element, "argument")) != 0) {
        op->argument = laio_argument(L, call, at, "argument");
    }
    at = field(L, element, "uid");
    op->uid = at ? laio_id(L, call, at, "uid") : UINT32_MAX; /* stays as it is */
    at = field(L, element, "gid");
    op->gid = at ? laio_id(L, call, at, "gid") : UINT32_MAX;
}

static void fill_schedule(lua_State *L, laio_call *call, int element, aioc_operation *op) {
    int at;
    if ((at = field(L, element, "priority")) != 0) {
        op->priority = (int32_t)laio_integer(L, call, at, "priority", INT32_MIN, INT32_MAX);
    }
    if ((at = field(L, element, "timeout")) != 0) {
        op->timeout_ns = nanoseconds(L, call, at);
    }
    if ((at = field(L, element, "group")) != 0) {
        op->group = laio_request_id(L, call, at, "group");
        op->group = op->group ? op->group : INT64_MAX; /* was delivered: the library does not know it either */
    }
    if ((at = field(L, element, "link")) != 0 && lua_toboolean(L, at)) {
        op->flags |= AIOC_LINK;
    }
}

/* data: a string or buffer to write. buffer: to fill or to use. length: of a string to read, or a range. vectors,
 * times. */
static void fill_memory(lua_State *L, laio_call *call, int element, aioc_operation *op, const char *name) {
    int at;
    call->kind = laio_kind_of(name);
    call->data = NULL;
    call->length = 0;
    if ((at = field(L, element, "vectors")) != 0) {
        int count = 0;
        op->buffer = (void *)laio_vectors(L, call, at, "vectors", name, &count);
        op->length = (uint64_t)count;
        return;
    }
    if ((at = field(L, element, "times")) != 0) {
        op->buffer = (void *)laio_times(L, call, at, "times"); /* the caller gives it a place that stays */
        return;
    }
    if ((at = field(L, element, "data")) != 0) {
        laio_source(L, call, at);
    } else if ((at = field(L, element, "buffer")) != 0) {
        laio_memory(L, call, at, "buffer");
    } else {
        at = field(L, element, "length");
        if (laio_fills(name)) {
            laio_destination(L, call, at ? at : LAIO_ABSENT, name);
        } else if (at) {
            call->length = (size_t)laio_integer(L, call, at, "length", 0, INT64_MAX);
        }
    }
    op->length = call->length;
}

static void prepare_one(lua_State *L, batch *b, int i) {
    const int element = lua_gettop(L);
    aioc_operation *const op = &b->operations[i];
    laio_call call;
    const char *name;
    int times;
    memset(&call, 0, sizeof call);
    call.module = b->module;
    call.element = i + 1;
    call.count = LAIO_ABSENT - 1;
    if (!lua_istable(L, element)) {
        laio_type_error(L, &call, element, "operation", "table");
    }
    lua_rawgeti(L, element, 1);
    if (lua_type(L, -1) != LUA_TSTRING) {
        laio_type_error(L, &call, lua_gettop(L), "[1]", "an operation's name");
    }
    name = lua_tostring(L, -1);
    memset(op, 0, sizeof *op);
    op->size = sizeof *op;
    op->code = laio_code_of(name);
    if (!op->code) {
        laio_argument_error(L, &call, 1, name, "no such operation");
    }
    fill_names(L, &call, element, op);
    fill_numbers(L, &call, element, op, name);
    fill_schedule(L, &call, element, op);
    fill_memory(L, &call, element, op, name);
    call.target = field(L, element, "callback");
    if (!call.target || !lua_isfunction(L, call.target)) {
        laio_type_error(L, &call, call.target ? call.target : LAIO_ABSENT, "callback", "function");
    }
    times = op->buffer && op->buffer == (void *)call.times;
    laio_take(L, &call);
    b->requests[b->taken++] = call.request;
    op->callback = laio_done;
    op->user_data = call.request;
    if (times) { /* read at the submission, when this call is gone */
        memcpy(call.request->out.times, call.times, sizeof call.times);
        op->buffer = call.request->out.times;
    } else if (call.kind == LAIO_MOUNT) {
        op->buffer = call.data;
        op->argument = (uintptr_t)&call.request->out.mount_id;
    } else if (call.kind != LAIO_PLAIN && call.kind != LAIO_STRING) {
        op->buffer = &call.request->out;
    } else if (!op->buffer) {
        op->buffer = call.data;
    }
}

/* Called protected: an error leaves requests that were taken. */
static int prepare(lua_State *L) {
    batch *const b = (batch *)lua_touserdata(L, 2);
    int i;
    luaL_checkstack(L, 40, "submit");
    for (i = 0; i < b->count; ++i) {
        lua_settop(L, 2);
        lua_rawgeti(L, 1, i + 1);
        prepare_one(L, b, i);
    }
    return 0;
}

/* A refusal reaches the callback, also of each member of a chain, which is refused whole. */
static void refuse(lua_State *L, const batch *b, int *i, aioc_request refusal) {
    int more;
    do {
        more = (b->operations[*i].flags & AIOC_LINK) != 0;
        b->requests[*i]->id = laio_carry_error(b->requests[*i], refusal);
        if (b->requests[*i]->id < 0) { /* not even that: no memory, or too many are outstanding */
            laio_drop(L, b->requests[*i]);
            b->requests[*i] = NULL;
        }
        ++*i;
    } while (more && *i < b->count);
}

static void submit_all(lua_State *L, const batch *b, aioc_request *ids) {
    int i = 0;
    while (i < b->count) {
        const int accepted = aioc_submit(b->module->context, b->operations + i, (uint32_t)(b->count - i), ids + i);
        int k;
        for (k = 0; k < accepted; ++k) {
            b->requests[i + k]->id = ids[i + k];
        }
        i += accepted > 0 ? accepted : 0;
        if (accepted <= 0) {
            refuse(L, b, &i, accepted);
        }
    }
}

/* submit{ {name, field = ..., callback = ...}, ... }: a list of ids, with false for what could not even be queued. */
int laio_submit(lua_State *L) {
    batch b = {laio_enter(L), NULL, NULL, 0, 0};
    aioc_request *ids;
    int i;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    b.count = (int)lua_rawlen(L, 1);
    b.operations = (aioc_operation *)lua_newuserdata(L, ((size_t)b.count + 1) *
                                                            (sizeof *b.operations + sizeof *b.requests + sizeof *ids));
    b.requests = (laio_request **)(b.operations + b.count + 1);
    ids = (aioc_request *)(b.requests + b.count + 1);
    lua_createtable(L, b.count, 0);
    for (i = 1; i <= LAIO_UPVALUES; ++i) {
        lua_pushvalue(L, lua_upvalueindex(i));
    }
    lua_pushcclosure(L, prepare, LAIO_UPVALUES);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, &b);
    if (lua_pcall(L, 2, 0, 0) != 0) {
        while (b.taken > 0) {
            laio_drop(L, b.requests[--b.taken]);
        }
        return lua_error(L);
    }
    submit_all(L, &b, ids);
    laio_start_nested(b.module);
    for (i = 0; i < b.count; ++i) {
        if (b.requests[i]) {
            laio_push_number(L, laio_id_of(b.requests[i]));
        } else {
            lua_pushboolean(L, 0);
        }
        lua_rawseti(L, 3, i + 1);
    }
    return 1;
}
