/* SPDX-License-Identifier: MIT */
/* Options of the context, and what needs none. */
#include "laio.h"

#include <fcntl.h>
#include <string.h>

typedef struct {
    const char *name;
    uint32_t value;
} choice;

static const choice engines[] = {{"auto", AIOC_ENGINE_AUTO},
                                 {"inline", AIOC_ENGINE_INLINE},
                                 {"ring", AIOC_ENGINE_RING},
                                 {"workers", AIOC_ENGINE_WORKERS},
                                 {NULL, 0}};
static const choice spawners[] = {{"auto", AIOC_SPAWNER_AUTO},
                                  {"clone", AIOC_SPAWNER_CLONE},
                                  {"pthread", AIOC_SPAWNER_PTHREAD},
                                  {NULL, 0}};

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
    static const choice flags[] = {{"single_threaded", AIOC_SINGLE_THREADED},
                                   {"one_core", AIOC_ONE_CORE},
                                   {"no_ring", AIOC_NO_RING},
                                   {"local_paths", AIOC_LOCAL_PATHS},
                                   {"in_order", AIOC_IN_ORDER},
                                   {NULL, 0}};
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
        {"O_RDONLY", O_RDONLY},       {"O_WRONLY", O_WRONLY},       {"O_RDWR", O_RDWR},
        {"O_CREAT", O_CREAT},         {"O_EXCL", O_EXCL},           {"O_TRUNC", O_TRUNC},
        {"O_APPEND", O_APPEND},       {"O_CLOEXEC", O_CLOEXEC},     {"O_DIRECT", O_DIRECT},
        {"O_DIRECTORY", O_DIRECTORY}, {"O_NOFOLLOW", O_NOFOLLOW},   {"O_NONBLOCK", O_NONBLOCK},
        {"O_NOATIME", O_NOATIME},     {"O_PATH", O_PATH},           {"O_TMPFILE", O_TMPFILE},
        {"O_SYNC", O_SYNC},           {"O_DSYNC", O_DSYNC},         {"O_NOCTTY", O_NOCTTY},
    };
    size_t i;
    for (i = 0; i < sizeof constants / sizeof *constants; ++i) {
        lua_pushinteger(L, constants[i].value);
        lua_setfield(L, -2, constants[i].name);
    }
}
