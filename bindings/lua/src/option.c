/* SPDX-License-Identifier: MIT */
/* Options of the context, and what needs none. */
#include "laio.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

typedef struct {
    const char *name;
    uint32_t value;
} choice;

static const choice engines[] = {{"auto", AIOC_ENGINE_AUTO},
                                 {"inline", AIOC_ENGINE_INLINE},
                                 {"ring", AIOC_ENGINE_RING},
                                 {"workers", AIOC_ENGINE_WORKERS},
                                 {NULL, 0}};
static const choice spawners[] = {
    {"auto", AIOC_SPAWNER_AUTO}, {"clone", AIOC_SPAWNER_CLONE}, {"pthread", AIOC_SPAWNER_PTHREAD}, {NULL, 0}};

static void option_error(lua_State *L, const char *option, const char *problem) {
    luaL_argerror(L, 1, lua_pushfstring(L, "%s: %s", option, problem));
}

static uint32_t chosen(lua_State *L, const char *option, const choice *choices) {
    const char *const wanted = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    for (; choices->name; ++choices) {
        if (strcmp(choices->name, wanted) == 0) {
            return choices->value;
        }
    }
    option_error(L, option, "no such choice");
    return 0;
}

static uint32_t number(lua_State *L, const char *option, double scale) {
    const lua_Number value = lua_tonumber(L, -1) * scale;
    if (lua_type(L, -1) != LUA_TNUMBER || !(value >= 0 && value <= UINT32_MAX)) {
        option_error(L, option, "number expected, or out of range");
    }
    return (uint32_t)value;
}

static void set_option(lua_State *L, aioc_options *options, const char *option) {
    static const choice flags[] = {
        {"single_threaded", AIOC_SINGLE_THREADED}, {"one_core", AIOC_ONE_CORE}, {"no_ring", AIOC_NO_RING},
        {"local_paths", AIOC_LOCAL_PATHS},         {"in_order", AIOC_IN_ORDER}, {NULL, 0}};
    const choice *flag;
    for (flag = flags; flag->name; ++flag) {
        if (strcmp(option, flag->name) == 0) {
            options->flags = lua_toboolean(L, -1) ? options->flags | flag->value : options->flags & ~flag->value;
            return;
        }
    }
    if (strcmp(option, "engine") == 0) {
        options->engine = chosen(L, option, engines);
    } else if (strcmp(option, "spawner") == 0) {
        options->spawner = chosen(L, option, spawners);
    } else if (strcmp(option, "min_workers") == 0) {
        options->min_workers = number(L, option, 1);
    } else if (strcmp(option, "max_workers") == 0) {
        options->max_workers = number(L, option, 1);
    } else if (strcmp(option, "idle_timeout") == 0) {
        options->idle_timeout_ms = number(L, option, 1000);
    } else if (strcmp(option, "max_outstanding") == 0) {
        options->max_outstanding = number(L, option, 1);
    } else if (strcmp(option, "device_workers") == 0) {
        options->device_workers = number(L, option, 1);
    } else {
        option_error(L, option, "no such option");
    }
}

/* configure{...}: creates the context. Its first call, and before any request. */
int laio_configure(lua_State *L) {
    laio_module *const module = (laio_module *)lua_touserdata(L, LAIO_MODULE);
    aioc_options options = AIOC_OPTIONS_INIT;
    int status;
    luaL_checktype(L, 1, LUA_TTABLE);
    if (module->context || module->closed) {
        return luaL_error(L, "configure: the context is in use already");
    }
    lua_pushnil(L);
    while (lua_next(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            option_error(L, "options", "names expected");
        }
        set_option(L, &options, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    status = aioc_create(&module->context, &options);
    if (status < 0) {
        module->context = NULL;
    }
    return laio_status(L, status);
}

/* probe(engine): true, or nil, message, errno. */
int laio_probe(lua_State *L) {
    static const char *const known[] = {"auto", "inline", "ring", "workers", "sync", NULL};
    return laio_status(L, aioc_probe((uint32_t)luaL_checkoption(L, 1, NULL, known)));
}

/* probe_operation(name): true, or nil, message, errno. */
int laio_probe_operation(lua_State *L) {
    return laio_status(L, aioc_probe_operation(laio_code_of(luaL_checkstring(L, 1))));
}

/* "major.minor.patch" of the library in use. */
int laio_version(lua_State *L) {
    const uint32_t version = aioc_version();
    lua_pushfstring(L, "%d.%d.%d", (int)(version >> 16), (int)(version >> 8 & 0xff), (int)(version & 0xff));
    return 1;
}

void laio_push_constants(lua_State *L) {
    static const struct {
        const char *name;
        int value;
    } constants[] = {
#define CONSTANT(name) {#name, (int)(name)}
        CONSTANT(O_RDONLY),
        CONSTANT(O_WRONLY),
        CONSTANT(O_RDWR),
        CONSTANT(O_CREAT),
        CONSTANT(O_EXCL),
        CONSTANT(O_TRUNC),
        CONSTANT(O_APPEND),
        CONSTANT(O_CLOEXEC),
        CONSTANT(O_DIRECT),
        CONSTANT(O_DIRECTORY),
        CONSTANT(O_NOFOLLOW),
        CONSTANT(O_NONBLOCK),
        CONSTANT(O_NOATIME),
        CONSTANT(O_PATH),
        CONSTANT(O_TMPFILE),
        CONSTANT(O_SYNC),
        CONSTANT(O_DSYNC),
        CONSTANT(O_NOCTTY),
        CONSTANT(SEEK_SET),
        CONSTANT(SEEK_CUR),
        CONSTANT(SEEK_END),
        CONSTANT(SEEK_DATA),
        CONSTANT(SEEK_HOLE),
        CONSTANT(S_IFIFO),
        CONSTANT(S_IFREG),
        CONSTANT(S_IFCHR),
        CONSTANT(S_IFBLK),
        CONSTANT(S_IFSOCK),
        CONSTANT(RENAME_NOREPLACE),
        CONSTANT(RENAME_EXCHANGE),
        CONSTANT(RENAME_WHITEOUT),
        CONSTANT(AT_SYMLINK_FOLLOW),
        CONSTANT(AT_SYMLINK_NOFOLLOW),
        CONSTANT(AT_EMPTY_PATH),
        CONSTANT(AT_NO_AUTOMOUNT),
        CONSTANT(XATTR_CREATE),
        CONSTANT(XATTR_REPLACE),
        CONSTANT(LOCK_SH),
        CONSTANT(LOCK_EX),
        CONSTANT(LOCK_UN),
        CONSTANT(LOCK_NB),
        CONSTANT(F_OFD_GETLK),
        CONSTANT(F_OFD_SETLK),
        CONSTANT(F_OFD_SETLKW),
        CONSTANT(F_RDLCK),
        CONSTANT(F_WRLCK),
        CONSTANT(F_UNLCK),
        CONSTANT(F_GETFL),
        CONSTANT(F_SETFL),
        CONSTANT(F_GETFD),
        CONSTANT(F_SETFD),
        CONSTANT(F_DUPFD),
        CONSTANT(F_DUPFD_CLOEXEC),
        CONSTANT(FD_CLOEXEC),
        CONSTANT(FALLOC_FL_KEEP_SIZE),
        CONSTANT(FALLOC_FL_PUNCH_HOLE),
        CONSTANT(FALLOC_FL_ZERO_RANGE),
        CONSTANT(FALLOC_FL_COLLAPSE_RANGE),
        CONSTANT(FALLOC_FL_INSERT_RANGE),
        CONSTANT(POSIX_FADV_NORMAL),
        CONSTANT(POSIX_FADV_SEQUENTIAL),
        CONSTANT(POSIX_FADV_RANDOM),
        CONSTANT(POSIX_FADV_WILLNEED),
        CONSTANT(POSIX_FADV_DONTNEED),
        CONSTANT(POSIX_FADV_NOREUSE),
        CONSTANT(SYNC_FILE_RANGE_WAIT_BEFORE),
        CONSTANT(SYNC_FILE_RANGE_WRITE),
        CONSTANT(SYNC_FILE_RANGE_WAIT_AFTER),
        CONSTANT(MS_SYNC),
        CONSTANT(MS_ASYNC),
        CONSTANT(MS_INVALIDATE),
        CONSTANT(MADV_NORMAL),
        CONSTANT(MADV_RANDOM),
        CONSTANT(MADV_SEQUENTIAL),
        CONSTANT(MADV_WILLNEED),
        CONSTANT(MADV_DONTNEED),
        CONSTANT(MCL_CURRENT),
        CONSTANT(MCL_FUTURE),
        CONSTANT(SPLICE_F_MOVE),
        CONSTANT(SPLICE_F_NONBLOCK),
        CONSTANT(SPLICE_F_MORE),
        CONSTANT(RESOLVE_NO_XDEV),
        CONSTANT(RESOLVE_NO_MAGICLINKS),
        CONSTANT(RESOLVE_NO_SYMLINKS),
        CONSTANT(RESOLVE_BENEATH),
        CONSTANT(RESOLVE_IN_ROOT),
        CONSTANT(RESOLVE_CACHED),
        CONSTANT(STATX_BASIC_STATS),
        CONSTANT(STATX_BTIME),
        CONSTANT(RWF_HIPRI),
        CONSTANT(RWF_DSYNC),
        CONSTANT(RWF_SYNC),
        CONSTANT(RWF_NOWAIT),
        CONSTANT(RWF_APPEND),
        {"READDIR_STAT_ORDER", AIOC_READDIR_STAT_ORDER},
        {"READDIR_DIRS_FIRST", AIOC_READDIR_DIRS_FIRST},
        {"COPY_MODE", AIOC_COPY_MODE},
        {"COPY_TIMES", AIOC_COPY_TIMES},
        {"COPY_OWNER", AIOC_COPY_OWNER},
        {"COPY_XATTRS", AIOC_COPY_XATTRS},
        {"COPY_LINKS", AIOC_COPY_LINKS},
        {"COPY_ALL", AIOC_COPY_ALL},
        {"COPY_OVERWRITE", AIOC_COPY_OVERWRITE},
        {"COPY_SYNC", AIOC_COPY_SYNC},
        {"MOVE_NOREPLACE", AIOC_MOVE_NOREPLACE},
        {"WALK_STAT", AIOC_WALK_STAT},
#undef CONSTANT
    };
    size_t i;
    for (i = 0; i < sizeof constants / sizeof *constants; ++i) {
        lua_pushinteger(L, constants[i].value);
        lua_setfield(L, -2, constants[i].name);
    }
}
