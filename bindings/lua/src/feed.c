/* SPDX-License-Identifier: MIT */
/* Feeders: functions that add members to a group while it has fewer than its limit. */
#include "laio.h"

#include <errno.h>

/* A group's feeder is the first thing that it keeps. */
static int place_of(const laio_request *group) {
    return (int)group->index * LAIO_KEPT_EACH + 1;
}

/* Called protected, by laio_deliver. */
int laio_call_feeder(lua_State *L, const laio_request *group) {
    lua_rawgeti(L, LAIO_KEPT, place_of(group));
    laio_push_number(L, laio_id_of(group));
    lua_call(L, 1, 1);
    return 1;
}

/* The C feeder. An error ends the group, and is raised when no frame of the library is left on the stack. */
static int feed(aioc_context *context, aioc_request id, void *user_data) {
    laio_request *const group = (laio_request *)user_data;
    laio_frame *const frame = group->module->frame;
    int more;
    (void)context;
    (void)id;
    if (!frame) { /* the end: nobody is called any more */
        return 0;
    }
    lua_pushvalue(frame->L, 1);
    lua_pushlightuserdata(frame->L, group);
    lua_pushboolean(frame->L, 1);
    if (lua_pcall(frame->L, 2, 1, 0) != 0) {
        if (frame->failed) { /* one error is raised, the first */
            lua_pop(frame->L, 1);
        }
        frame->failed = 1;
        return -ECANCELED;
    }
    more = lua_toboolean(frame->L, -1);
    lua_pop(frame->L, 1);
    return more;
}

/* group_feed(group, limit [, feeder]): true, or nil, message, errno. */
int laio_group_feed(lua_State *L) {
    laio_call call;
    laio_frame frame = {L, NULL, 0, 0};
    laio_frame *outer;
    laio_request *group;
    uint32_t limit;
    int status;
    const int gives_feeder = lua_isfunction(L, 3);
    if (!gives_feeder && !lua_isnoneornil(L, 3)) {
        luaL_argerror(L, 3, lua_pushfstring(L, "feeder: function expected, got %s", luaL_typename(L, 3)));
    }
    lua_settop(L, gives_feeder ? 3 : 2); /* a callback it is not */
    lua_pushnil(L);
    laio_begin(L, &call);
    group = laio_find(L, &call, 1, "group");
    limit = (uint32_t)laio_integer(L, &call, 2, "limit", 0, UINT32_MAX);
    if (!group) {
        return laio_status(L, -ENOENT);
    }
    if (gives_feeder && group->kind == LAIO_GROUP) {
        lua_pushvalue(L, 3);
        lua_rawseti(L, LAIO_KEPT, place_of(group));
        group->kept = 1;
    }
    lua_pushvalue(L, lua_upvalueindex(LAIO_UPVALUES + 1)); /* laio_deliver */
    lua_insert(L, 1);
    outer = call.module->frame;
    call.module->frame = &frame;
    status = aioc_group_feed(call.module->context, group->id, limit, gives_feeder ? feed : NULL, group);
    call.module->frame = outer;
    laio_start_nested(call.module);
    return frame.failed ? lua_error(L) : laio_status(L, status);
}
