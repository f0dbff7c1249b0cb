/* SPDX-License-Identifier: MIT */
/* Completions, and what waits for them. */
#include "laio.h"

#include <limits.h>
#include <math.h>

/* The request's places are empty and itself free before any Lua code runs: that may raise. What it kept stays on the
 * stack meanwhile, below the results. */
static void give_back(lua_State *L, laio_module *module, laio_request *request) {
    int i;
    lua_pushnil(L);
    lua_rawseti(L, LAIO_TARGETS, (int)request->index + 1);
    for (i = 0; i < request->kept; ++i) {
        lua_pushnil(L);
        lua_rawseti(L, LAIO_KEPT, (int)request->index * LAIO_KEPT_EACH + i + 1);
    }
    module->frame->current = NULL;
    laio_give_back(request);
}

/* Nobody will learn of this descriptor. */
static void drop_result(const laio_request *request) {
    if (request->operation < LAIO_OPERATIONS_MAX && request->module->gives_fd[request->operation] &&
        request->error == 0 && request->result >= 0) {
        aioc_close(request->module->context, (int)request->result, NULL, NULL);
    }
}

/* Values go over the poller's stack: a coroutine that does not run cannot take an error. */
static void resume(lua_State *L, lua_State *co, int count) {
    if (!lua_checkstack(co, count)) {
        luaL_error(L, "stack overflow");
    }
    lua_xmove(L, co, count);
    if (laio_resume(L, co, count)) {
        laio_close_failed(L, co);
        lua_xmove(co, L, 1);
        lua_error(L);
    }
}

/* Called protected, with the request: nothing that it raises passes through the library. Or with a group, and true: its
 * feeder is called. */
int laio_deliver(lua_State *L) {
    laio_module *const module = (laio_module *)lua_touserdata(L, LAIO_MODULE);
    laio_request *const request = (laio_request *)lua_touserdata(L, 1);
    int count;
    if (lua_gettop(L) > 1) {
        return laio_call_feeder(L, request);
    }
    lua_rawgeti(L, LAIO_TARGETS, (int)request->index + 1);
    if (request->awaited) {
        lua_State *const co = lua_tothread(L, -1);
        if (!co || lua_status(co) != LUA_YIELD) { /* it has ended, or never waited */
            drop_result(request);
            give_back(L, module, request);
            return 0;
        }
        count = laio_push_result(L, request);
        give_back(L, module, request);
        resume(L, co, count);
        return 0;
    }
    count = laio_push_result(L, request);
    give_back(L, module, request);
    lua_call(L, count, 0);
    return 0;
}

/* The only C callback. */
void laio_done(const aioc_completion *done, void *user_data) {
    laio_request *const request = (laio_request *)user_data;
    laio_module *const module = request->module;
    laio_frame *const frame = module->frame;
    request->result = done->result;
    request->operation = done->operation;
    if (!frame) { /* the end: nobody is called any more */
        laio_give_back(request);
        return;
    }
    frame->current = request;
    frame->polled = 0;
    lua_pushvalue(frame->L, 1);
    lua_pushlightuserdata(frame->L, request);
    if (lua_pcall(frame->L, 1, 0, 0) != 0) {
        if (frame->current) { /* no memory for its result */
            give_back(frame->L, module, frame->current);
        }
        frame->failed = 1;
        aioc_poll_break(module->context);
    }
}

/* After a submission. The first poll of an event loop inside a callback comes because the descriptor is readable still;
 * that poll clears it, and from then on nothing would start what the callback submits. */
void laio_start_nested(laio_module *module) {
    if (module->frame && module->frame->polled) {
        aioc_poll_wait(module->context, 0);
    }
}

/* An event loop calls it with arguments of its own, which are ignored. An error in a callback or a coroutine ends it;
 * what was not delivered stays in the library, its descriptor readable.
 *
 * Inside a callback the library collects what is submitted. An event loop that runs inside one would wait for that for
 * ever: its poll, which is a nested one, starts it. (Meanwhile the descriptor is still readable, so that it polls.) */
int laio_poll(lua_State *L) {
    laio_module *const module = laio_enter(L);
    laio_frame *const outer = module->frame;
    laio_frame frame = {L, NULL, 0, 0};
    int count;
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(LAIO_UPVALUES + 1)); /* laio_deliver */
    if (outer) {
        aioc_poll_wait(module->context, 0);
    }
    module->frame = &frame;
    count = aioc_poll_cb(module->context);
    module->frame = outer;
    if (outer) {
        outer->polled = 1;
        laio_start_nested(module);
    }
    if (frame.failed) {
        return lua_error(L);
    }
    return laio_number(L, count);
}

/* A hook may be the answer to a signal that came just before the wait (Ctrl-C sets one): Lua must run soon. */
static int wait_ms(lua_State *L, aioc_context *context, int timeout_ms) {
    const int with_hook_ms = 20;
    const int is_long = timeout_ms < 0 || timeout_ms > with_hook_ms;
    return aioc_poll_wait(context, is_long && lua_gethookmask(L) != 0 ? with_hook_ms : timeout_ms);
}

/* wait([seconds]): true when results wait; else false: the time is over, a signal came, or nothing is outstanding. */
int laio_wait(lua_State *L) {
    laio_module *const module = laio_enter(L);
    int timeout_ms = -1;
    if (!lua_isnoneornil(L, 1)) {
        const lua_Number seconds = luaL_checknumber(L, 1);
        luaL_argcheck(L, seconds >= 0, 1, "seconds: out of range");
        timeout_ms = seconds * 1000 >= INT_MAX ? INT_MAX : (int)ceil((double)seconds * 1000);
    }
    if (module->frame) {
        module->frame->polled = 1; /* it settles the descriptor too */
    }
    lua_pushboolean(L, wait_ms(L, module->context, timeout_ms) > 0);
    return 1;
}

int laio_fileno(lua_State *L) {
    return laio_number(L, aioc_poll_fileno(laio_enter(L)->context));
}
