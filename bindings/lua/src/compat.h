/* SPDX-License-Identifier: MIT */
/* One source for Lua 5.1 to 5.4 and LuaJIT: where their C interfaces differ. */
#ifndef LAIO_COMPAT_H
#define LAIO_COMPAT_H
#include <lua.h>

#include <lauxlib.h>

#if LUA_VERSION_NUM < 502
/* A table that lives as long as a userdata. */
#define lua_rawlen lua_objlen
#define laio_attach(L, index) lua_setfenv(L, index)
#define laio_attached(L, index) lua_getfenv(L, index)
#else
#define laio_attach(L, index) lua_setuservalue(L, index)
#define laio_attached(L, index) lua_getuservalue(L, index)
#endif

/* Registers functions with `upvalues` shared upvalues, which are on the stack's top and are popped, in the table below
 * them. (luaL_setfuncs is of 5.2.) */
static inline void laio_register(lua_State *L, const luaL_Reg *functions, int upvalues) {
    for (; functions->name; ++functions) {
        int i;
        for (i = 0; i < upvalues; ++i) {
            lua_pushvalue(L, -upvalues);
        }
        lua_pushcclosure(L, functions->func, upvalues);
        lua_setfield(L, -(upvalues + 2), functions->name);
    }
    lua_pop(L, upvalues);
}

static inline int laio_is_main(lua_State *L) {
    const int is_main = lua_pushthread(L);
    lua_pop(L, 1);
    return is_main;
}

/* May the running coroutine yield? 1, 0, or -1: this Lua does not tell (5.1 and 5.2). */
#if LUA_VERSION_NUM >= 503
static inline int laio_can_yield(lua_State *L) {
    return lua_isyieldable(L);
}
#elif LUA_VERSION_NUM == 502
static inline int laio_can_yield(lua_State *L) {
    return laio_is_main(L) ? 0 : -1;
}
#else
/* A module that was compiled for 5.1 also runs in LuaJIT, which has it. */
extern int lua_isyieldable(lua_State *L) __attribute__((weak));
static inline int laio_can_yield(lua_State *L) {
    return lua_isyieldable ? lua_isyieldable(L) : laio_is_main(L) ? 0 : -1;
}
#endif

#if LUA_VERSION_NUM < 502
static int laio_nothing(lua_State *L) {
    (void)L;
    return 0;
}
#endif

/* Resumes `co` with the `count` values on its stack's top; what it yields or returns is dropped. True if it failed:
 * then the error is on its stack's top. */
static inline int laio_resume(lua_State *L, lua_State *co, int count) {
    int status;
#if LUA_VERSION_NUM >= 504
    int results = 0;
    status = lua_resume(co, L, count, &results);
    if (status == LUA_OK || status == LUA_YIELD) {
        lua_pop(co, results);
    }
#else
#if LUA_VERSION_NUM >= 502
    status = lua_resume(co, L, count);
#else
    status = lua_resume(co, count);
    if (status != 0 && status != LUA_YIELD) {
        /* LuaJIT still takes `co` for the current thread, and corrupts it when an error in L comes next and then a
         * compiled trace is left. A call sets that right. */
        lua_pushcfunction(L, laio_nothing);
        lua_call(L, 0, 0);
    }
#endif
    if (status == 0 || status == LUA_YIELD) {
        lua_settop(co, 0);
    }
#endif
    return status != 0 && status != LUA_YIELD;
}

/* Of a coroutine that failed: its variables that are to be closed (5.4). The error stays on its stack's top. */
static inline void laio_close_failed(lua_State *L, lua_State *co) {
#if LUA_VERSION_NUM >= 504
#if LUA_VERSION_RELEASE_NUM >= 50406
    (void)lua_closethread(co, L);
#else
    (void)L;
    (void)lua_resetthread(co);
#endif
#else
    (void)L;
    (void)co;
#endif
}

#endif
