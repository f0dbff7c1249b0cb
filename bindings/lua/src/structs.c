/* SPDX-License-Identifier: MIT */
/* Arguments and results that are structs in C. */
#include "laio.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static laio_buffer *check_buffer(lua_State *L, laio_call *call, int arg, const char *name) {
    laio_buffer *const buffer = arg <= call->count ? laio_to_buffer(L, arg) : NULL;
    if (!buffer) {
        laio_type_error(L, call, arg, name, "buffer");
    }
    laio_use_buffer(L, call, arg, name, buffer);
    return buffer;
}

/* Pages of the process, or a struct of the kernel's: a buffer. */
void laio_memory(lua_State *L, laio_call *call, int arg, const char *name) {
    check_buffer(L, call, arg, name);
}

/* A number, or a buffer's address. */
uint64_t laio_argument(lua_State *L, laio_call *call, int arg, const char *name) {
    if (!laio_given(L, call, arg)) {
        return 0;
    }
    if (lua_type(L, arg) == LUA_TUSERDATA) {
        return (uintptr_t)check_buffer(L, call, arg, name)->data;
    }
    return (uint64_t)laio_integer(L, call, arg, name, INT64_MIN, INT64_MAX);
}

/* A list of buffers, and of strings where they are written. The vectors are Lua's memory, in a table with what they
 * point to. */
const struct iovec *laio_vectors(lua_State *L, laio_call *call, int arg, const char *name, const char *operation,
                                 int *count) {
    const int writes = strcmp(operation, "writev") == 0;
    struct iovec *vectors;
    int i;
    if (arg > call->count || !lua_istable(L, arg)) {
        laio_type_error(L, call, arg, name, writes ? "list of strings and buffers" : "list of buffers");
    }
    *count = (int)lua_rawlen(L, arg);
    if (*count > IOV_MAX) {
        laio_argument_error(L, call, arg, name, lua_pushfstring(L, "more than %d elements", IOV_MAX));
    }
    lua_createtable(L, *count + 1, 0);
    vectors = (struct iovec *)lua_newuserdata(L, ((size_t)*count + 1) * sizeof *vectors);
    lua_rawseti(L, -2, *count + 1);
    for (i = 0; i < *count; ++i) {
        laio_buffer *buffer;
        lua_rawgeti(L, arg, i + 1);
        buffer = laio_to_buffer(L, -1);
        if (buffer && buffer->data && !laio_root_buffer(buffer)->pool) {
            vectors[i].iov_base = buffer->data;
            vectors[i].iov_len = buffer->size;
        } else if (writes && lua_type(L, -1) == LUA_TSTRING) {
            vectors[i].iov_base = (void *)lua_tolstring(L, -1, &vectors[i].iov_len);
        } else {
            const char *const what = writes ? "string or buffer of its own" : "buffer of its own";
            laio_argument_error(L, call, arg, name, lua_pushfstring(L, "element %d is no %s", i + 1, what));
        }
        lua_rawseti(L, -2, i + 1);
    }
    call->uses_lua = 1;
    laio_keep(L, call, lua_gettop(L), name);
    return vectors;
}

static void bad_time(lua_State *L, const laio_call *call, int arg, const char *name, const char *field) {
    laio_argument_error(L, call, arg, name, lua_pushfstring(L, "%s is no time", field));
}

/* The field of the table at `arg`: {sec, nsec}, a number of seconds, or "now"; nil: stays as it is. */
static struct timespec time_field(lua_State *L, const laio_call *call, int arg, const char *name, const char *field) {
    struct timespec time = {0, UTIME_OMIT};
    lua_getfield(L, arg, field);
    if (lua_isstring(L, -1) && lua_type(L, -1) == LUA_TSTRING) {
        if (strcmp(lua_tostring(L, -1), "now") != 0) {
            bad_time(L, call, arg, name, field);
        }
        time.tv_nsec = UTIME_NOW;
    } else if (lua_type(L, -1) == LUA_TNUMBER) {
        const double seconds = (double)lua_tonumber(L, -1);
        if (!(seconds > -9.2e18 && seconds < 9.2e18)) {
            bad_time(L, call, arg, name, field);
        }
        time.tv_sec = (time_t)seconds;
        time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
        if (time.tv_nsec < 0) {
            time.tv_nsec += 1000000000;
            --time.tv_sec;
        }
    } else if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "sec");
        lua_getfield(L, -2, "nsec");
        if (lua_type(L, -2) != LUA_TNUMBER || !(lua_isnil(L, -1) || lua_type(L, -1) == LUA_TNUMBER)) {
            bad_time(L, call, arg, name, field);
        }
        time.tv_sec = (time_t)lua_tonumber(L, -2);
        time.tv_nsec = (long)lua_tonumber(L, -1);
        lua_pop(L, 2);
        if (time.tv_nsec < 0 || time.tv_nsec > 999999999) {
            bad_time(L, call, arg, name, field);
        }
    } else if (!lua_isnil(L, -1)) {
        bad_time(L, call, arg, name, field);
    }
    lua_pop(L, 1);
    return time;
}

/* {atime = ..., mtime = ...}, or nil: now in both. */
const struct timespec *laio_times(lua_State *L, laio_call *call, int arg, const char *name) {
    if (!laio_given(L, call, arg)) {
        return NULL;
    }
    if (!lua_istable(L, arg)) {
        laio_type_error(L, call, arg, name, "table");
    }
    call->times[0] = time_field(L, call, arg, name, "atime");
    call->times[1] = time_field(L, call, arg, name, "mtime");
    return call->times;
}

static void set(lua_State *L, const char *name, uint64_t value) {
    laio_push_number(L, (int64_t)value);
    lua_setfield(L, -2, name);
}

void laio_push_statvfs(lua_State *L, const struct statvfs *from) {
    lua_createtable(L, 0, 11);
    set(L, "bsize", from->f_bsize);
    set(L, "frsize", from->f_frsize);
    set(L, "blocks", from->f_blocks);
    set(L, "bfree", from->f_bfree);
    set(L, "bavail", from->f_bavail);
    set(L, "files", from->f_files);
    set(L, "ffree", from->f_ffree);
    set(L, "favail", from->f_favail);
    set(L, "fsid", from->f_fsid);
    set(L, "flag", from->f_flag);
    set(L, "namemax", from->f_namemax);
}

/* Lists of names, of their types (as a stat's), and of their inode numbers. */
int laio_push_directory(lua_State *L, const aioc_directory *directory) {
    const int count = (int)aioc_directory_count(directory);
    int i;
    lua_createtable(L, count, 0);
    lua_createtable(L, count, 0);
    lua_createtable(L, count, 0);
    for (i = 0; i < count; ++i) {
        lua_pushstring(L, aioc_directory_name(directory, i));
        lua_rawseti(L, -4, i + 1);
        lua_pushstring(L, laio_type_name(DTTOIF(aioc_directory_type(directory, i))));
        lua_rawseti(L, -3, i + 1);
        laio_push_number(L, (int64_t)aioc_directory_inode(directory, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 3;
}
