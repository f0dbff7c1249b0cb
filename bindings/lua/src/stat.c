/* SPDX-License-Identifier: MIT */
/* The result of the stat family. An object that makes a field when it is asked for: a table with all of them would cost
 * more than the system call. */
#include "laio.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

typedef struct {
    struct statx_timestamp time[4];
    uint64_t ino, size, blocks, attributes;
    uint64_t dev, rdev;
    uint32_t mode, nlink, uid, gid, blksize, mask;
} laio_stat;

enum { ATIME, MTIME, CTIME, BIRTHTIME, NUMBERS, TYPE = 100, TABLE };

static const char *const names[] = {"atime", "mtime", "ctime", "birthtime", "dev",  "ino",     "mode",
                                    "nlink", "uid",   "gid",   "rdev",      "size", "blksize", "blocks"};
#define NAMES (sizeof names / sizeof *names)

const char *laio_type_name(uint32_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return "file";
    case S_IFDIR:
        return "directory";
    case S_IFLNK:
        return "link";
    case S_IFIFO:
        return "fifo";
    case S_IFSOCK:
        return "socket";
    case S_IFCHR:
        return "char";
    case S_IFBLK:
        return "block";
    default:
        return "unknown";
    }
}

/* Nanoseconds beside the seconds: together they fit no double. */
static void push_time(lua_State *L, const struct statx_timestamp *time) {
    lua_createtable(L, 0, 2);
    laio_push_number(L, time->tv_sec);
    lua_setfield(L, -2, "sec");
    laio_push_number(L, time->tv_nsec);
    lua_setfield(L, -2, "nsec");
}

static void push_field(lua_State *L, const laio_stat *stat, int field) {
    switch (field) {
    case BIRTHTIME:
        if ((stat->mask & STATX_BTIME) == 0) {
            lua_pushnil(L); /* this file system has none */
            return;
        }
        /* fall through */
    case ATIME:
    case MTIME:
    case CTIME:
        push_time(L, &stat->time[field]);
        return;
    case TYPE:
        lua_pushstring(L, laio_type_name(stat->mode));
        return;
    default: {
        const uint64_t numbers[] = {stat->dev, stat->ino,  stat->mode, stat->nlink,   stat->uid,
                                    stat->gid, stat->rdev, stat->size, stat->blksize, stat->blocks};
        laio_push_number(L, (int64_t)numbers[field - NUMBERS]);
        return;
    }
    }
}

/* st:table(), all fields. */
static int stat_table(lua_State *L) {
    const laio_stat *const stat = (const laio_stat *)luaL_checkudata(L, 1, LAIO_STAT_TYPE);
    unsigned i;
    lua_createtable(L, 0, NAMES + 1);
    for (i = 0; i < NAMES; ++i) {
        push_field(L, stat, (int)i);
        lua_setfield(L, -2, names[i]);
    }
    push_field(L, stat, TYPE);
    lua_setfield(L, -2, "type");
    return 1;
}

/* Upvalues: the metatable, and a table from name to field. */
static int stat_index(lua_State *L) {
    const laio_stat *const stat = (const laio_stat *)lua_touserdata(L, 1);
    int field;
    if (!stat || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1))) {
        return luaL_argerror(L, 1, LAIO_STAT_TYPE " expected");
    }
    lua_settop(L, 2);
    lua_rawget(L, lua_upvalueindex(2));
    if (lua_type(L, -1) != LUA_TNUMBER) {
        return 1; /* nil, or the method "table" */
    }
    field = (int)lua_tointeger(L, -1);
    push_field(L, stat, field);
    return 1;
}

/* pairs(st), since 5.2. */
static int stat_pairs(lua_State *L) {
    stat_table(L);
    lua_getglobal(L, "next");
    lua_insert(L, -2);
    lua_pushnil(L);
    return 3;
}

static int stat_tostring(lua_State *L) {
    const laio_stat *const stat = (const laio_stat *)luaL_checkudata(L, 1, LAIO_STAT_TYPE);
    char size[32];
    snprintf(size, sizeof size, "%llu", (unsigned long long)stat->size);
    lua_pushfstring(L, LAIO_STAT_TYPE ": %s of %s bytes", laio_type_name(stat->mode), size);
    return 1;
}

void laio_open_stat(lua_State *L) {
    unsigned i;
    luaL_newmetatable(L, LAIO_STAT_TYPE);
    lua_pushvalue(L, -1);
    lua_newtable(L);
    for (i = 0; i < NAMES; ++i) {
        lua_pushinteger(L, (lua_Integer)i);
        lua_setfield(L, -2, names[i]);
    }
    lua_pushinteger(L, TYPE);
    lua_setfield(L, -2, "type");
    lua_pushcfunction(L, stat_table);
    lua_setfield(L, -2, "table");
    lua_pushcclosure(L, stat_index, 2);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, stat_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushcfunction(L, stat_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "aioclone.stat");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

void laio_push_stat(lua_State *L, const struct statx *from) {
    laio_stat *const to = (laio_stat *)lua_newuserdata(L, sizeof *to);
    to->time[ATIME] = from->stx_atime;
    to->time[MTIME] = from->stx_mtime;
    to->time[CTIME] = from->stx_ctime;
    to->time[BIRTHTIME] = from->stx_btime;
    to->ino = from->stx_ino;
    to->size = from->stx_size;
    to->blocks = from->stx_blocks;
    to->attributes = from->stx_attributes;
    to->dev = makedev(from->stx_dev_major, from->stx_dev_minor);
    to->rdev = makedev(from->stx_rdev_major, from->stx_rdev_minor);
    to->mode = from->stx_mode;
    to->nlink = from->stx_nlink;
    to->uid = from->stx_uid;
    to->gid = from->stx_gid;
    to->blksize = from->stx_blksize;
    to->mask = from->stx_mask;
    luaL_getmetatable(L, LAIO_STAT_TYPE);
    lua_setmetatable(L, -2);
}
