/* SPDX-License-Identifier: MIT */
/* Values for Lua. */
#include "laio.h"

#include <string.h>

/* Before 5.3 a double: exact to 2^53. */
void laio_push_number(lua_State *L, int64_t number) {
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(L, number);
#else
    lua_pushnumber(L, (lua_Number)number);
#endif
}

static int push_error(lua_State *L, int64_t error) {
    lua_pushnil(L);
    lua_pushstring(L, aioc_strerror(error));
    laio_push_number(L, error < 0 ? -error : error);
    return 3;
}

int laio_status(lua_State *L, int64_t status) {
    if (status < 0) {
        return push_error(L, status);
    }
    lua_pushboolean(L, 1);
    return 1;
}

int laio_number(lua_State *L, int64_t number) {
    if (number < 0) {
        return push_error(L, number);
    }
    laio_push_number(L, number);
    return 1;
}

int laio_push_result(lua_State *L, const laio_request *request) {
    const int64_t result = request->result;
    if (request->error) {
        return push_error(L, request->error);
    }
    if (result < 0) {
        const int count = push_error(L, result);
        if (request->kind == LAIO_REPORT && request->out.report) {
            laio_push_report(L, request->out.report);
            return count + 1;
        }
        return count;
    }
    if (request->kind == LAIO_STRING) {
        lua_pushlstring(L, request->memory, (size_t)result);
    } else if (request->kind == LAIO_STAT) {
        laio_push_stat(L, &request->out.stat);
    } else if (request->kind == LAIO_STATVFS) {
        laio_push_statvfs(L, &request->out.statvfs);
    } else if (request->kind == LAIO_DIRECTORY) {
        return laio_push_directory(L, request->out.directory);
    } else if (request->kind == LAIO_LOADED) {
        lua_pushlstring(L, (const char *)request->out.object, (size_t)result);
    } else if (request->kind == LAIO_SCAN) {
        return laio_push_scan(L, request->out.entries);
    } else if (request->kind == LAIO_ENTRIES) {
        return laio_push_entries(L, request->out.entries);
    } else if (request->kind == LAIO_REPORT) {
        laio_push_number(L, result);
        if (!request->out.report) {
            return 1;
        }
        laio_push_report(L, request->out.report);
        return 2;
    } else if (request->kind == LAIO_MOUNT) {
        lua_pushboolean(L, 1);
        laio_push_number(L, request->out.mount_id);
        return 2;
    } else if (request->operation < LAIO_OPERATIONS_MAX && request->module->is_plain[request->operation]) {
        lua_pushboolean(L, 1);
    } else {
        laio_push_number(L, result);
    }
    return 1;
}

#define FIELD(name) (laio_push_number(L, (int64_t)report->name), lua_setfield(L, -2, #name))

void laio_push_statistics(lua_State *L, const aioc_statistics *report) {
    lua_newtable(L);
    FIELD(workers);
    FIELD(submitted);
    FIELD(completed);
    FIELD(outstanding);
    FIELD(queued);
    FIELD(worker_wakeups);
    FIELD(poll_wakeups);
    FIELD(workers_started);
    FIELD(inline_hits);
    FIELD(inline_misses);
    FIELD(waiting);
    FIELD(timed_out);
}

void laio_push_engine(lua_State *L, const aioc_engine_report *report) {
    static const char *const spawners[] = {"auto", "clone", "pthread"};
    lua_newtable(L);
    lua_pushboolean(L, report->status == 0);
    lua_setfield(L, -2, "works");
    laio_push_number(L, -report->status);
    lua_setfield(L, -2, "errno");
    lua_pushstring(L, report->reason);
    lua_setfield(L, -2, "reason");
    if (report->spawner > 0 && report->spawner < sizeof spawners / sizeof *spawners) {
        lua_pushstring(L, spawners[report->spawner]);
        lua_setfield(L, -2, "spawner");
    }
}

void laio_push_group(lua_State *L, const aioc_group_report *report) {
    lua_newtable(L);
    FIELD(outstanding);
    FIELD(succeeded);
    FIELD(failed);
    laio_push_number(L, -report->first_error);
    lua_setfield(L, -2, "first_error");
    lua_pushboolean(L, (report->flags & AIOC_GROUP_CLOSED) != 0);
    lua_setfield(L, -2, "closed");
}

void laio_push_pool(lua_State *L, const aioc_buffer_report *report) {
    lua_newtable(L);
    FIELD(count);
    FIELD(taken);
    FIELD(buffer_size);
    lua_pushboolean(L, report->registered == 0);
    lua_setfield(L, -2, "registered");
}
