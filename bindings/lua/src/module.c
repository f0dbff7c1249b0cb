/* SPDX-License-Identifier: MIT */
/* The module's life: one context for each Lua state, dropped requests after a fork, the end. */
#include "laio.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* Forks that made this process, counted in the child. Only the thread that forked lives there. */
static unsigned forks;

static void count_fork(void) {
    ++forks;
}

static void open_context(lua_State *L, laio_module *module) {
    int status;
    if (module->closed) {
        luaL_error(L, "aioclone: the Lua state is closing");
    }
    status = aioc_create(&module->context, NULL);
    if (status < 0) {
        module->context = NULL;
        luaL_error(L, "aioclone: %s", aioc_strerror(status));
    }
}

/* At the entry of every function that uses the context. */
laio_module *laio_enter(lua_State *L) {
    laio_module *const module = (laio_module *)lua_touserdata(L, LAIO_MODULE);
    if (module->forks != forks) { /* the library has forgotten the parent's requests */
        module->forks = forks;
        laio_abandon(L, module);
    }
    if (module->yielding) {
        laio_settle_yield(L, module);
    }
    if (!module->context) {
        open_context(L, module);
    }
    return module;
}

int64_t laio_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Cancels what is queued, and waits for what runs, up to a second. True if nothing is outstanding. */
static int drain(laio_module *module) {
    const int64_t end = laio_now_ms() + 1000;
    uint32_t i;
    for (i = 0; i < module->count; ++i) {
        if (module->requests[i]->outstanding) {
            aioc_cancel(module->context, module->requests[i]->id);
        }
    }
    while (aioc_nreqs(module->context) > 0) {
        const int64_t left = end - laio_now_ms();
        if (left <= 0) {
            return 0;
        }
        aioc_poll_wait(module->context, (int)left);
        aioc_poll_cb(module->context);
    }
    return 1;
}

static int uses_lua(const laio_module *module) {
    uint32_t i;
    for (i = 0; i < module->count; ++i) {
        if (module->requests[i]->outstanding && module->requests[i]->uses_lua) {
            return 1;
        }
    }
    return 0;
}

/* The end of the Lua state. A request that hangs (the open of a FIFO, a server that is gone) must not keep the program
 * from ending: it is left behind with its memory, unless that memory is Lua's. */
static int close_module(lua_State *L) {
    laio_module *const module = (laio_module *)lua_touserdata(L, 1);
    aioc_context *const context = module->context;
    module->closed = 1;
    module->frame = NULL;
    if (context) {
        if (module->forks != forks) {
            uint32_t i;
            for (i = 0; i < module->count; ++i) {
                module->requests[i]->outstanding = 0;
            }
        }
        if (!drain(module) && !uses_lua(module)) {
            module->context = NULL;
            return 0;
        }
        aioc_destroy(context);
        module->context = NULL;
    }
    laio_release_memory(module);
    return 0;
}

static const char key; /* its address is the module's in the registry */

static int new_module(lua_State *L) {
    laio_module *const module = (laio_module *)lua_newuserdata(L, sizeof *module);
    memset(module, 0, sizeof *module);
    module->forks = forks;
    laio_learn_results(module);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close_module);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return 1;
}

/* In the table below the upvalues, which stay on the stack. */
static void register_functions(lua_State *L, const luaL_Reg *functions) {
    int i;
    lua_pushvalue(L, -(LAIO_UPVALUES + 1));
    for (i = 0; i < LAIO_UPVALUES; ++i) {
        lua_pushvalue(L, -(LAIO_UPVALUES + 1));
    }
    laio_register(L, functions, LAIO_UPVALUES);
    lua_pop(L, 1);
}

/* These run Lua code inside of the library: by laio_deliver, their last upvalue. */
static void register_runners(lua_State *L) {
    static const luaL_Reg runners[] = {{"poll", laio_poll}, {"group_feed", laio_group_feed}, {NULL, NULL}};
    const luaL_Reg *runner;
    int i;
    for (runner = runners; runner->name; ++runner) {
        for (i = 0; i < 2 * LAIO_UPVALUES; ++i) {
            lua_pushvalue(L, -LAIO_UPVALUES);
        }
        lua_pushcclosure(L, laio_deliver, LAIO_UPVALUES);
        lua_pushcclosure(L, runner->func, LAIO_UPVALUES + 1);
        lua_setfield(L, -(LAIO_UPVALUES + 2), runner->name);
    }
}

static pthread_once_t watch_forks_once = PTHREAD_ONCE_INIT;

static void watch_forks(void) {
    pthread_atfork(NULL, NULL, count_fork); /* its handler goes with this module when that is unloaded */
}

/* Leaves the table of functions on the stack: the same for every call in one Lua state. */
void laio_open(lua_State *L, const void *methods) {
    static const luaL_Reg functions[] = {{"wait", laio_wait},
                                         {"fileno", laio_fileno},
                                         {"configure", laio_configure},
                                         {"buffer", laio_new_buffer},
                                         {"submit", laio_submit},
                                         {"walk_create", laio_walk_create},
                                         {NULL, NULL}};
    static const luaL_Reg free_functions[] = {
        {"probe", laio_probe},           {"probe_operation", laio_probe_operation}, {"version", laio_version},
        {"operations", laio_operations}, {"unclassified", laio_unclassified},       {NULL, NULL}};
    pthread_once(&watch_forks_once, watch_forks);
    lua_pushlightuserdata(L, (void *)&key);
    lua_rawget(L, LUA_REGISTRYINDEX);
    if (lua_istable(L, -1)) {
        return;
    }
    lua_pop(L, 1);
    laio_open_stat(L);
    laio_open_buffer(L);
    laio_open_walk(L);
    lua_newtable(L);
    laio_register(L, free_functions, 0);
    laio_push_constants(L);
    new_module(L);
    lua_newtable(L); /* LAIO_TARGETS */
    lua_newtable(L); /* LAIO_KEPT */
    /* The finalizer still needs what they hold. */
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, -3);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, 2);
    laio_attach(L, -4);
    register_functions(L, (const luaL_Reg *)methods);
    register_functions(L, functions);
    register_runners(L);
    lua_pop(L, LAIO_UPVALUES);
    lua_pushlightuserdata(L, (void *)&key);
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
}
