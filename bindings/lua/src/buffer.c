/* SPDX-License-Identifier: MIT */
/* Memory that reads fill and writes take, without a string for each. */
#include "laio.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NULL: of another type. (luaL_testudata is of 5.2.) */
void *laio_test_userdata(lua_State *L, int index, const char *type) {
    void *userdata = lua_touserdata(L, index);
    if (!userdata || !lua_getmetatable(L, index)) {
        return NULL;
    }
    luaL_getmetatable(L, type);
    if (!lua_rawequal(L, -1, -2)) {
        userdata = NULL;
    }
    lua_pop(L, 2);
    return userdata;
}

laio_buffer *laio_to_buffer(lua_State *L, int index) {
    laio_buffer *const buffer = (laio_buffer *)laio_test_userdata(L, index, LAIO_BUFFER);
    return buffer && buffer->parent && !buffer->parent->data ? buffer->parent : buffer;
}

laio_buffer *laio_root_buffer(laio_buffer *buffer) {
    return buffer->parent ? buffer->parent : buffer;
}

static laio_buffer *check(lua_State *L) {
    laio_buffer *const buffer = (laio_buffer *)luaL_checkudata(L, 1, LAIO_BUFFER);
    if (!laio_root_buffer(buffer)->data) {
        luaL_error(L, "the buffer is released");
    }
    return buffer;
}

static laio_buffer *new_userdata(lua_State *L, size_t extra) {
    laio_buffer *const buffer = (laio_buffer *)lua_newuserdata(L, sizeof *buffer + extra);
    memset(buffer, 0, sizeof *buffer);
    luaL_getmetatable(L, LAIO_BUFFER);
    lua_setmetatable(L, -2);
    return buffer;
}

static size_t check_size(lua_State *L, int arg) {
    const lua_Number size = luaL_checknumber(L, arg);
    luaL_argcheck(L, size >= 1 && size <= 1e15 && size == (lua_Number)(int64_t)size, arg, "size: out of range");
    return (size_t)size;
}

/* buffer(size): zeros. Those of a page and more begin at a page, as O_DIRECT wants it.
 * buffer(): one of the pool. Or nil, message, errno. */
int laio_new_buffer(lua_State *L) {
    laio_buffer *buffer;
    if (lua_isnoneornil(L, 1)) {
        laio_module *const module = laio_enter(L);
        aioc_buffer_report report = AIOC_BUFFER_REPORT_INIT;
        void *memory;
        int status;
        buffer = new_userdata(L, 0);
        status = aioc_buffer_info(module->context, &report);
        if (status == 0) {
            status = aioc_buffer_get(module->context, &memory);
        }
        if (status < 0) {
            return laio_status(L, status);
        }
        buffer->data = (char *)memory;
        buffer->size = (size_t)report.buffer_size;
        buffer->pool = module;
    } else {
        const size_t size = check_size(L, 1);
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        const size_t align = size >= page ? page : sizeof(void *);
        buffer = new_userdata(L, size + align - 1);
        buffer->data = (char *)(((uintptr_t)(buffer + 1) + align - 1) & ~(uintptr_t)(align - 1));
        buffer->size = size;
        memset(buffer->data, 0, size);
    }
    return 1;
}

/* As string.sub: from 1, negative from the end. An empty range gives length 0. */
static size_t range(lua_State *L, const laio_buffer *buffer, int arg, size_t *length) {
    const lua_Integer size = (lua_Integer)buffer->size;
    lua_Integer first = luaL_optinteger(L, arg, 1);
    lua_Integer last = luaL_optinteger(L, arg + 1, -1);
    first = first < 0 ? first + size + 1 : first;
    last = last < 0 ? last + size + 1 : last;
    first = first < 1 ? 1 : first;
    last = last > size ? size : last;
    *length = last >= first ? (size_t)(last - first + 1) : 0;
    return *length ? (size_t)(first - 1) : 0;
}

static int buffer_string(lua_State *L) {
    const laio_buffer *const buffer = check(L);
    size_t length;
    const size_t at = range(L, buffer, 2, &length);
    lua_pushlstring(L, buffer->data + at, length);
    return 1;
}

/* set(string [, position]): replaces the bytes from there; they must fit. */
static int buffer_set(lua_State *L) {
    const laio_buffer *const buffer = check(L);
    size_t length;
    const char *const bytes = luaL_checklstring(L, 2, &length);
    const lua_Integer position = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, position >= 1 && (uint64_t)position - 1 <= buffer->size, 3, "position: out of range");
    luaL_argcheck(L, length <= buffer->size - ((size_t)position - 1), 2, "string: does not fit");
    memcpy(buffer->data + position - 1, bytes, length);
    lua_settop(L, 1);
    return 1;
}

/* view(first [, last]): the same memory. */
static int buffer_view(lua_State *L) {
    laio_buffer *const buffer = check(L);
    laio_buffer *view;
    size_t length;
    const size_t at = range(L, buffer, 2, &length);
    luaL_argcheck(L, length > 0, 2, "range: empty");
    view = new_userdata(L, 0);
    view->parent = laio_root_buffer(buffer);
    view->data = buffer->data + at;
    view->size = length;
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    laio_attach(L, -2);
    return 1;
}

static void release(laio_buffer *buffer) {
    if (buffer->pool && buffer->data && buffer->pool->context) {
        aioc_buffer_put(buffer->pool->context, buffer->data); /* -ENOENT in a forked child: it has no pool */
    }
    buffer->data = NULL;
    buffer->size = 0;
}

/* Of the pool's buffers; others are Lua's memory. */
static int buffer_release(lua_State *L) {
    laio_buffer *const buffer = (laio_buffer *)luaL_checkudata(L, 1, LAIO_BUFFER);
    luaL_argcheck(L, !buffer->parent, 1, "a view cannot be released");
    luaL_argcheck(L, buffer->uses == 0, 1, "a request uses the buffer");
    release(buffer);
    return 0;
}

static int buffer_gc(lua_State *L) {
    laio_buffer *const buffer = (laio_buffer *)lua_touserdata(L, 1);
    if (buffer->pool && buffer->uses == 0) { /* if a request uses it, this is the end of the state: the pool goes too */
        release(buffer);
    }
    return 0;
}

static int buffer_len(lua_State *L) {
    const laio_buffer *const buffer = (const laio_buffer *)luaL_checkudata(L, 1, LAIO_BUFFER);
    laio_push_number(L, (int64_t)buffer->size);
    return 1;
}

static int buffer_tostring(lua_State *L) {
    const laio_buffer *const buffer = (const laio_buffer *)luaL_checkudata(L, 1, LAIO_BUFFER);
    char size[32];
    snprintf(size, sizeof size, "%zu", buffer->size);
    lua_pushfstring(L, LAIO_BUFFER ": %s bytes", size);
    return 1;
}

void laio_open_buffer(lua_State *L) {
    static const luaL_Reg meta[] = {
        {"__gc", buffer_gc}, {"__len", buffer_len}, {"__tostring", buffer_tostring}, {0, 0}};
    static const luaL_Reg methods[] = {
        {"string", buffer_string}, {"set", buffer_set}, {"view", buffer_view}, {"release", buffer_release}, {0, 0}};
    luaL_newmetatable(L, LAIO_BUFFER);
    laio_register(L, meta, 0);
    lua_newtable(L);
    laio_register(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, LAIO_BUFFER);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}
