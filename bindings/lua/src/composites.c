/* SPDX-License-Identifier: MIT */
/* What composites give: whole files, lists of entries, reports; and walks. */
#include "laio.h"

#include <dirent.h>
#include <string.h>

/* A number of bytes; for load a limit, which may be left out. */
size_t laio_count(lua_State *L, laio_call *call, int arg, const char *name, const char *operation) {
    if (!laio_given(L, call, arg) && strcmp(operation, "load") == 0) {
        return 0;
    }
    return (size_t)laio_integer(L, call, arg, name, 0, INT64_MAX);
}

aioc_walk *laio_to_walk(lua_State *L, laio_call *call, int arg, const char *name) {
    laio_walk *const walk = arg <= call->count ? (laio_walk *)laio_test_userdata(L, arg, LAIO_WALK) : NULL;
    if (!walk) {
        laio_type_error(L, call, arg, name, "walk");
    }
    if (!walk->walk) {
        laio_argument_error(L, call, arg, name, "the walk is ended");
    }
    laio_keep(L, call, arg, name);
    return walk->walk;
}

static void end_walk(laio_walk *walk) {
    if (walk->walk && walk->module->context) {
        aioc_walk_destroy(walk->module->context, walk->walk); /* -EINVAL in a forked child: it has none */
    }
    walk->walk = NULL;
}

static int walk_destroy(lua_State *L) {
    end_walk((laio_walk *)luaL_checkudata(L, 1, LAIO_WALK));
    return 0;
}

/* walk_create(path [, flags]): reads nothing yet. */
int laio_walk_create(lua_State *L) {
    laio_call call;
    laio_walk *walk;
    const char *path;
    int flags;
    int status;
    laio_begin(L, &call);
    path = laio_path(L, &call, 1, "path");
    flags = laio_flags(L, &call, 2, "flags", "walk_create");
    walk = (laio_walk *)lua_newuserdata(L, sizeof *walk);
    walk->module = call.module;
    walk->walk = NULL;
    luaL_getmetatable(L, LAIO_WALK);
    lua_setmetatable(L, -2);
    status = aioc_walk_create(call.module->context, path, flags, &walk->walk);
    return status < 0 ? laio_status(L, status) : 1;
}

void laio_open_walk(lua_State *L) {
    luaL_newmetatable(L, LAIO_WALK);
    lua_pushcfunction(L, walk_destroy);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    lua_pushcfunction(L, walk_destroy);
    lua_setfield(L, -2, "destroy");
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, LAIO_WALK);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

static void push_type(lua_State *L, const aioc_entry *entry) {
    lua_pushstring(L, laio_type_name(DTTOIF(entry->type)));
}

/* scandir: lists of names and types, and how many of them, the first ones, are directories. */
int laio_push_scan(lua_State *L, const aioc_entries *entries) {
    const int count = (int)aioc_entries_count(entries);
    int i;
    lua_createtable(L, count, 0);
    lua_createtable(L, count, 0);
    for (i = 0; i < count; ++i) {
        const aioc_entry *const entry = aioc_entries_at(entries, (uint64_t)i);
        lua_pushlstring(L, entry->name, entry->name_length);
        lua_rawseti(L, -3, i + 1);
        push_type(L, entry);
        lua_rawseti(L, -2, i + 1);
    }
    laio_push_number(L, (int64_t)aioc_entries_directories(entries));
    return 3;
}

static void push_entry(lua_State *L, const aioc_entry *entry) {
    lua_createtable(L, 0, 8);
    lua_pushlstring(L, entry->name, entry->name_length);
    lua_setfield(L, -2, "name");
    lua_pushlstring(L, entry->directory, entry->directory_length);
    lua_setfield(L, -2, "directory");
    push_type(L, entry);
    lua_setfield(L, -2, "type");
    laio_push_number(L, (int64_t)entry->inode);
    lua_setfield(L, -2, "inode");
    laio_push_number(L, entry->depth);
    lua_setfield(L, -2, "depth");
    if (entry->status) {
        laio_push_stat(L, entry->status);
        lua_setfield(L, -2, "stat");
    }
    if (entry->error) {
        lua_pushstring(L, aioc_strerror(entry->error));
        lua_setfield(L, -2, "error");
        laio_push_number(L, -entry->error);
        lua_setfield(L, -2, "errno");
    }
}

/* walk_next: a list of entries; false at the end. */
int laio_push_entries(lua_State *L, const aioc_entries *entries) {
    const int count = entries ? (int)aioc_entries_count(entries) : 0;
    int i;
    if (!entries) {
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_createtable(L, count, 0);
    for (i = 0; i < count; ++i) {
        push_entry(L, aioc_entries_at(entries, (uint64_t)i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

void laio_push_report(lua_State *L, const aioc_report *report) {
    lua_createtable(L, 0, 6);
    laio_push_number(L, (int64_t)report->items);
    lua_setfield(L, -2, "items");
    laio_push_number(L, (int64_t)report->bytes);
    lua_setfield(L, -2, "bytes");
    laio_push_number(L, (int64_t)report->errors);
    lua_setfield(L, -2, "errors");
    if (report->error) {
        lua_pushstring(L, aioc_strerror(report->error));
        lua_setfield(L, -2, "error");
        laio_push_number(L, -report->error);
        lua_setfield(L, -2, "errno");
    }
    if (report->path) {
        lua_pushstring(L, report->path);
        lua_setfield(L, -2, "path");
    }
}
