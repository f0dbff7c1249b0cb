/* SPDX-License-Identifier: MIT */
/* Requests: taken when all arguments are converted, given back when their callback is called. */
#include "laio.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 64
#define INDEX_MAX 0xfffffe
#define GENERATION_MASK 0x1fffffff
/* Memory of free requests that is kept for the next reads. */
#define KEPT_MEMORIES 256
#define KEPT_MEMORY_SIZE 65536

/* More requests, which live to the module's end. */
static int grow(laio_module *module) {
    laio_request *chunk;
    laio_request **const requests =
        (laio_request **)realloc(module->requests, (module->count + CHUNK) * sizeof *requests);
    uint32_t i;
    if (!requests) {
        return 0;
    }
    module->requests = requests;
    if (module->count + CHUNK > INDEX_MAX || !(chunk = (laio_request *)calloc(CHUNK, sizeof *chunk))) {
        return 0;
    }
    for (i = CHUNK; i-- > 0;) {
        chunk[i].module = module;
        chunk[i].index = module->count + i;
        chunk[i].next = module->free;
        module->free = &chunk[i];
        requests[module->count + i] = &chunk[i];
    }
    module->count += CHUNK;
    return 1;
}

void laio_release_memory(laio_module *module) {
    uint32_t i;
    for (i = 0; i < module->count; ++i) {
        free(module->requests[i]->memory);
    }
    for (i = 0; i < module->count; i += CHUNK) {
        free(module->requests[i]);
    }
    free(module->requests);
    module->requests = NULL;
    module->free = NULL;
    module->count = 0;
}

static int make_room(laio_module *module, laio_request *request, size_t size) {
    if (request->memory && request->memory_size < size) {
        free(request->memory);
        request->memory = NULL;
        --module->memories;
    }
    if (!request->memory) {
        request->memory = (char *)malloc(size ? size : 1);
        request->memory_size = size;
        module->memories += request->memory != NULL;
    }
    return request->memory != NULL;
}

/* What may raise comes first: a request that is still free then only has stale values in its places. */
static void root(lua_State *L, const laio_call *call, const laio_request *request) {
    int i;
    if (call->target) {
        lua_pushvalue(L, call->target);
    } else {
        lua_pushthread(L);
    }
    lua_rawseti(L, LAIO_TARGETS, (int)request->index + 1);
    for (i = 0; i < call->keep_count; ++i) {
        lua_pushvalue(L, call->keep[i]);
        lua_rawseti(L, LAIO_KEPT, (int)request->index * LAIO_KEPT_EACH + i + 1);
    }
}

aioc_context *laio_take(lua_State *L, laio_call *call) {
    laio_module *const module = call->module;
    laio_request *request;
    if (!module->free && !grow(module)) {
        luaL_error(L, "not enough memory");
    }
    request = module->free;
    root(L, call, request);
    if (call->kind == LAIO_STRING) {
        if (!make_room(module, request, call->length)) {
            luaL_error(L, "not enough memory");
        }
        call->data = request->memory;
    }
    module->free = request->next;
    request->outstanding = 1;
    request->kind = (uint8_t)call->kind;
    request->kept = (uint8_t)call->keep_count;
    request->awaited = !call->target;
    request->uses_lua = (uint8_t)call->uses_lua;
    request->error = 0;
    request->used = call->used;
    if (call->kind >= LAIO_LOADED || call->kind == LAIO_DIRECTORY) {
        request->out.object = NULL;
    }
    if (call->used) {
        ++call->used->uses;
    }
    call->request = request;
    return module->context;
}

void laio_give_back(laio_request *request) {
    laio_module *const module = request->module;
    request->outstanding = 0;
    if (request->kind == LAIO_DIRECTORY) {
        aioc_directory_free(request->out.directory);
    } else if (request->kind >= LAIO_LOADED) {
        aioc_free(request->out.object);
    }
    request->kind = LAIO_PLAIN;
    request->generation = (request->generation + 1) & GENERATION_MASK;
    if (request->used) {
        --request->used->uses;
        request->used = NULL;
    }
    if (request->memory && (request->memory_size > KEPT_MEMORY_SIZE || module->memories > KEPT_MEMORIES)) {
        free(request->memory);
        request->memory = NULL;
        --module->memories;
    }
    request->next = module->free;
    module->free = request;
}

static void unroot(lua_State *L, const laio_request *request) {
    int i;
    lua_pushnil(L);
    lua_rawseti(L, LAIO_TARGETS, (int)request->index + 1);
    for (i = 0; i < request->kept; ++i) {
        lua_pushnil(L);
        lua_rawseti(L, LAIO_KEPT, (int)request->index * LAIO_KEPT_EACH + i + 1);
    }
}

/* An error of the library (a path too long, a negative offset) is one of the operation to a Lua program: a request that
 * does nothing brings it to the callback. */
aioc_request laio_carry_error(laio_request *request, aioc_request refusal) {
    request->error = (int)-refusal;
    return aioc_nop(request->module->context, laio_done, request);
}

/* What Lua knows it by, which fits a double. */
int64_t laio_id_of(const laio_request *request) {
    return (int64_t)request->generation << 24 | (request->index + 1);
}

/* One that was not submitted. */
void laio_drop(lua_State *L, laio_request *request) {
    unroot(L, request);
    laio_give_back(request);
}

/* The call's results: with a callback the request's id; a coroutine yields. */
int laio_submitted(lua_State *L, laio_call *call, aioc_request answer) {
    laio_request *const request = call->request;
    if (answer < 0 && call->target) {
        answer = laio_carry_error(request, answer);
    }
    if (answer < 0) {
        laio_drop(L, request);
        return laio_status(L, answer);
    }
    request->id = answer;
    laio_start_nested(call->module);
    if (call->target) {
        laio_push_number(L, laio_id_of(request));
        return 1;
    }
    if (laio_can_yield(L) < 0) {
        call->module->yielding = request;
    }
    return lua_yield(L, 0);
}

/* Lua 5.1 and 5.2 cannot say before whether a coroutine may yield. If lua_yield has raised an error, its request must
 * not resume a coroutine that has since yielded somewhere else. Called at the next entry: then the coroutine either
 * still is in the function that yielded, or never was suspended in it. */
void laio_settle_yield(lua_State *L, laio_module *module) {
    laio_request *const request = module->yielding;
    lua_State *co;
    int waits = 0;
    module->yielding = NULL;
    lua_rawgeti(L, LAIO_TARGETS, (int)request->index + 1);
    co = lua_tothread(L, -1);
    if (co && lua_status(co) == LUA_YIELD) {
        lua_Debug at;
        if (lua_getstack(co, 0, &at) && lua_getinfo(co, "f", &at)) {
            const void *upvalue = NULL;
            if (lua_iscfunction(co, -1) && lua_getupvalue(co, -1, 1)) {
                upvalue = lua_touserdata(co, -1);
                lua_pop(co, 1);
            }
            waits = upvalue == (const void *)module;
            lua_pop(co, 1);
        }
    }
    lua_pop(L, 1);
    if (!waits) { /* its result will reach nobody */
        lua_pushboolean(L, 0);
        lua_rawseti(L, LAIO_TARGETS, (int)request->index + 1);
    }
}

/* In a forked child: requests of the parent never complete here. */
void laio_abandon(lua_State *L, laio_module *module) {
    uint32_t i;
    module->yielding = NULL;
    for (i = 0; i < module->count; ++i) {
        if (module->requests[i]->outstanding) {
            unroot(L, module->requests[i]);
            laio_give_back(module->requests[i]);
        }
    }
}
