/* SPDX-License-Identifier: MIT */
/* Arguments from Lua. */
#include "laio.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/limits.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>

#define TRANSFER_MAX 0x7ffff000 /* the most that one system call of Linux transfers */

void laio_begin(lua_State *L, laio_call *call) {
    call->module = laio_enter(L);
    call->request = NULL;
    call->element = 0;
    call->count = lua_gettop(L);
    call->target = 0;
    call->kind = LAIO_PLAIN;
    call->keep_count = 0;
    call->uses_lua = 0;
    call->used = NULL;
    if (call->count > 0 && lua_isfunction(L, call->count)) {
        call->target = call->count--;
        return;
    }
    while (call->count > 0 && lua_isnil(L, call->count)) {
        --call->count;
    }
}

int laio_given(lua_State *L, const laio_call *call, int arg) {
    return arg <= call->count && !lua_isnil(L, arg);
}

int laio_argument_error(lua_State *L, const laio_call *call, int arg, const char *name, const char *problem) {
    if (call->element) {
        return luaL_argerror(L, 1, lua_pushfstring(L, "element %d: %s: %s", call->element, name, problem));
    }
    return luaL_argerror(L, arg, lua_pushfstring(L, "%s: %s", name, problem));
}

int laio_type_error(lua_State *L, const laio_call *call, int arg, const char *name, const char *expected) {
    const char *const got = lua_isnone(L, arg) ? "no value" : lua_typename(L, lua_type(L, arg));
    return laio_argument_error(L, call, arg, name, lua_pushfstring(L, "%s expected, got %s", expected, got));
}

/* What is at `index` of the stack lives until the completion. */
void laio_keep(lua_State *L, laio_call *call, int index, const char *name) {
    if (call->keep_count == LAIO_KEPT_EACH) {
        laio_argument_error(L, call, index, name, "too many objects");
    }
    call->keep[call->keep_count++] = index;
}

/* Exact, or an error: a double holds all integers to 2^53 only. */
int64_t laio_integer(lua_State *L, const laio_call *call, int arg, const char *name, int64_t least, int64_t most) {
    int64_t number;
    if (arg > call->count || lua_type(L, arg) != LUA_TNUMBER) {
        laio_type_error(L, call, arg, name, "number");
    }
#if LUA_VERSION_NUM >= 503
    {
        int is_integer;
        number = lua_tointegerx(L, arg, &is_integer);
        if (!is_integer) {
            laio_argument_error(L, call, arg, name, "number has no integer representation");
        }
    }
#else
    {
        const lua_Number value = lua_tonumber(L, arg);
        const lua_Number exact = 9007199254740992.0;
        if (!(value >= -exact && value <= exact) || value != (lua_Number)(int64_t)value) {
            laio_argument_error(L, call, arg, name, "number has no exact integer representation");
        }
        number = (int64_t)value;
    }
#endif
    if (number < least || number > most) {
        laio_argument_error(L, call, arg, name, "out of range");
    }
    return number;
}

/* An open Lua file's, or -1: no Lua file. */
static int fd_of_file(lua_State *L, const laio_call *call, int arg, const char *name) {
    int is_file;
    if (lua_type(L, arg) != LUA_TUSERDATA || !lua_getmetatable(L, arg)) {
        return -1;
    }
    luaL_getmetatable(L, LUA_FILEHANDLE);
    is_file = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (!is_file) {
        return -1;
    }
    {
#if LUA_VERSION_NUM >= 502
        const luaL_Stream *const stream = (const luaL_Stream *)lua_touserdata(L, arg);
        FILE *const file = stream->closef ? stream->f : NULL;
#else
        FILE *const file = *(FILE **)lua_touserdata(L, arg); /* of LuaJIT too */
#endif
        if (!file) {
            laio_argument_error(L, call, arg, name, "the file is closed");
        }
        return fileno(file);
    }
}

int laio_fd(lua_State *L, laio_call *call, int arg, const char *name) {
    int fd;
    if (arg <= call->count && lua_type(L, arg) == LUA_TNUMBER) {
        return (int)laio_integer(L, call, arg, name, INT_MIN, INT_MAX);
    }
    fd = arg <= call->count ? fd_of_file(L, call, arg, name) : -1;
    if (fd < 0) {
        laio_type_error(L, call, arg, name, "descriptor or file");
    }
    laio_keep(L, call, arg, name); /* or its collection would close it */
    return fd;
}

const char *laio_path(lua_State *L, laio_call *call, int arg, const char *name) {
    size_t length;
    const char *path;
    if (arg > call->count || lua_type(L, arg) != LUA_TSTRING) { /* a number is a descriptor in the wrong place */
        laio_type_error(L, call, arg, name, "string");
    }
    path = lua_tolstring(L, arg, &length);
    if (memchr(path, '\0', length)) {
        laio_argument_error(L, call, arg, name, "contains a NUL byte");
    }
    return path;
}

/* As fopen(3): r, w or a, then + b x in any order. Always with O_CLOEXEC. -1: not such a mode. */
static int flags_of_mode(const char *mode) {
    const int update = strchr(mode, '+') != NULL;
    int flags;
    switch (*mode) {
    case 'r':
        flags = update ? O_RDWR : O_RDONLY;
        break;
    case 'w':
        flags = (update ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC;
        break;
    case 'a':
        flags = (update ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND;
        break;
    default:
        return -1;
    }
    for (++mode; *mode; ++mode) {
        if (*mode == 'x') {
            flags |= O_EXCL;
        } else if (*mode != '+' && *mode != 'b') {
            return -1;
        }
    }
    return flags | O_CLOEXEC;
}

int laio_flags(lua_State *L, laio_call *call, int arg, const char *name, const char *operation) {
    if (strcmp(operation, "open") == 0) {
        if (!laio_given(L, call, arg)) {
            return O_RDONLY | O_CLOEXEC;
        }
        if (lua_type(L, arg) == LUA_TSTRING) {
            const int flags = flags_of_mode(lua_tostring(L, arg));
            return flags >= 0 ? flags : laio_argument_error(L, call, arg, name, "invalid mode");
        }
    }
    if (!laio_given(L, call, arg)) {
        return 0;
    }
    return (int)laio_integer(L, call, arg, name, INT_MIN, INT_MAX);
}

uint32_t laio_mode(lua_State *L, laio_call *call, int arg, const char *name, const char *operation) {
    if (!laio_given(L, call, arg)) {
        if (strcmp(operation, "open") == 0) {
            return 0666;
        }
        if (strcmp(operation, "mkdir") == 0) {
            return 0777;
        }
        if (strcmp(operation, "replace") == 0) {
            return 0; /* the old one's */
        }
    }
    return (uint32_t)laio_integer(L, call, arg, name, 0, UINT32_MAX);
}

void laio_use_buffer(lua_State *L, laio_call *call, int arg, const char *name, laio_buffer *buffer) {
    if (!buffer->data) {
        laio_argument_error(L, call, arg, name, "the buffer is released");
    }
    if (call->used && call->used != laio_root_buffer(buffer)) {
        laio_argument_error(L, call, arg, name, "a second buffer");
    }
    call->data = buffer->data;
    call->length = buffer->size;
    call->used = laio_root_buffer(buffer);
    call->uses_lua = 1;
    laio_keep(L, call, arg, name);
}

/* What is asked for when a length is left out: the most that there can be of it. 0: it must be said. */
static size_t default_length(const char *operation) {
    if (strcmp(operation, "readlink") == 0 || strcmp(operation, "realpath") == 0) {
        return PATH_MAX;
    }
    return strstr(operation, "xattr") ? XATTR_SIZE_MAX : 0;
}

void laio_destination(lua_State *L, laio_call *call, int arg, const char *operation) {
    laio_buffer *const buffer = arg <= call->count ? laio_to_buffer(L, arg) : NULL;
    if (buffer) {
        laio_use_buffer(L, call, arg, "buffer", buffer);
        return;
    }
    call->length = laio_given(L, call, arg) ? 0 : default_length(operation);
    if (call->length == 0) {
        if (arg > call->count || lua_type(L, arg) != LUA_TNUMBER) {
            laio_type_error(L, call, arg, "length", "number or buffer");
        }
        call->length = (size_t)laio_integer(L, call, arg, "length", 0, INT64_MAX);
    }
    if (call->length > TRANSFER_MAX) {
        call->length = TRANSFER_MAX;
    }
    call->kind = LAIO_STRING;
}

void laio_source(lua_State *L, laio_call *call, int arg) {
    laio_buffer *const buffer = arg <= call->count ? laio_to_buffer(L, arg) : NULL;
    if (buffer) {
        laio_use_buffer(L, call, arg, "data", buffer);
        return;
    }
    if (arg > call->count || lua_type(L, arg) != LUA_TSTRING) {
        laio_type_error(L, call, arg, "data", "string or buffer");
    }
    call->data = (void *)lua_tolstring(L, arg, &call->length);
    call->uses_lua = 1;
    laio_keep(L, call, arg, "data");
}

/* Of a user or a group; -1 leaves it as it is. */
uint32_t laio_id(lua_State *L, laio_call *call, int arg, const char *name) {
    return (uint32_t)laio_integer(L, call, arg, name, -1, UINT32_MAX);
}

/* After all other arguments. */
void laio_target(lua_State *L, laio_call *call, int arg) {
    if (call->count >= arg) { /* one too many */
        laio_type_error(L, call, arg, "callback", "function");
    }
    if (!call->target && !laio_can_yield(L)) {
        laio_type_error(L, call, arg, "callback", "function (outside of a coroutine that can wait)");
    }
}

static uint32_t code_of_name(lua_State *L, laio_call *call, int arg, const char *what, const char *(*name_of)(uint32_t),
                             uint32_t first) {
    const char *wanted;
    const char *name;
    uint32_t code;
    if (!laio_given(L, call, arg)) {
        return 0;
    }
    if (lua_type(L, arg) != LUA_TSTRING) {
        laio_type_error(L, call, arg, what, "string");
    }
    wanted = lua_tostring(L, arg);
    for (code = first; (name = name_of(code)) != NULL; ++code) {
        if (strcmp(name, wanted) == 0) {
            return code;
        }
    }
    laio_argument_error(L, call, arg, what, "no such name");
    return 0;
}

uint32_t laio_engine(lua_State *L, laio_call *call, int arg) {
    return code_of_name(L, call, arg, "engine", aioc_engine_name, 0);
}

uint32_t laio_operation(lua_State *L, laio_call *call, int arg) {
    return code_of_name(L, call, arg, "operation", aioc_operation_name, 1);
}

/* The id that Lua has fits a double: index in the lower half, generation in the upper. NULL: it was
 * delivered, or never was. */
laio_request *laio_find(lua_State *L, laio_call *call, int arg, const char *name) {
    const laio_module *const module = call->module;
    const int64_t id = laio_integer(L, call, arg, name, 1, INT64_MAX);
    const uint64_t index = ((uint64_t)id & 0xffffff) - 1;
    if (index < module->count) {
        laio_request *const request = module->requests[index];
        if (request->outstanding && request->generation == (uint64_t)id >> 24) {
            return request;
        }
    }
    return NULL;
}

/* 0: as for the library, there is no such request. */
aioc_request laio_request_id(lua_State *L, laio_call *call, int arg, const char *name) {
    const laio_request *const request = laio_find(L, call, arg, name);
    return request ? request->id : 0;
}
