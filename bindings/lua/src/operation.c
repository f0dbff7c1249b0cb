/* SPDX-License-Identifier: MIT */
/* What the table of operations does not say: how an operation's result looks in Lua. */
#include "laio.h"

#include <string.h>

/* A number, or success that has no value: true. One that is in neither list gives its number, and a test fails. */
static const char *const numbers[] = {"open",        "openat2",    "open_by_handle",
                                      "dup",         "dup3",       "read",
                                      "write",       "readv",      "writev",
                                      "seek",        "sendfile",   "splice",
                                      "tee",         "fcntl",      "copy_file_range",
                                      "ioctl",       "readlink",   "realpath",
                                      "getxattr",    "lgetxattr",  "fgetxattr",
                                      "listxattr",   "llistxattr", "flistxattr",
                                      "read_full",   "write_full", "replace",
                                      "copy",        "load",       "scandir",
                                      "walk_next",   "copy_tree",  "move",
                                      "remove_tree", NULL};
static const char *const descriptors[] = {"open", "openat2", "open_by_handle", "dup", NULL};
static const char *const plain[] = {"nop",
                                    "close",
                                    "readahead",
                                    "unlink",
                                    "fsync",
                                    "fdatasync",
                                    "stat",
                                    "lstat",
                                    "fstat",
                                    "mkdir",
                                    "rmdir",
                                    "rename",
                                    "link",
                                    "symlink",
                                    "mknod",
                                    "flink",
                                    "statx",
                                    "statvfs",
                                    "fstatvfs",
                                    "chmod",
                                    "fchmod",
                                    "chown",
                                    "lchown",
                                    "fchown",
                                    "utimens",
                                    "futimens",
                                    "truncate",
                                    "ftruncate",
                                    "setxattr",
                                    "lsetxattr",
                                    "fsetxattr",
                                    "removexattr",
                                    "lremovexattr",
                                    "fremovexattr",
                                    "fallocate",
                                    "fadvise",
                                    "sync",
                                    "syncfs",
                                    "sync_file_range",
                                    "ficlone",
                                    "ficlonerange",
                                    "fiemap",
                                    "flock",
                                    "ofd_lock",
                                    "name_to_handle",
                                    "fsverity_enable",
                                    "fsverity_measure",
                                    "msync",
                                    "madvise",
                                    "mtouch",
                                    "mlock",
                                    "munlock",
                                    "mlockall",
                                    "munlockall",
                                    "busy",
                                    "readdir",
                                    "pathsync",
                                    NULL};

static int is_in(const char *const *list, const char *name) {
    for (; *list; ++list) {
        if (strcmp(*list, name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Those whose result is a length of bytes that they fill. */
int laio_fills(const char *name) {
    static const char *const filling[] = {"read",       "readlink",  "realpath",  "getxattr",
                                          "lgetxattr",  "fgetxattr", "listxattr", "llistxattr",
                                          "flistxattr", "read_full", NULL};
    return is_in(filling, name);
}

/* What the struct that an operation fills is: LAIO_PLAIN, if it fills none. */
int laio_kind_of(const char *name) {
    static const char *const stats[] = {"stat", "lstat", "fstat", "statx", NULL};
    static const char *const reports[] = {"copy_tree", "move", "remove_tree", NULL};
    return is_in(stats, name)                                              ? LAIO_STAT
           : strcmp(name, "statvfs") == 0 || strcmp(name, "fstatvfs") == 0 ? LAIO_STATVFS
           : strcmp(name, "load") == 0                                     ? LAIO_LOADED
           : strcmp(name, "scandir") == 0                                  ? LAIO_SCAN
           : strcmp(name, "walk_next") == 0                                ? LAIO_ENTRIES
           : is_in(reports, name)                                          ? LAIO_REPORT
           : strcmp(name, "readdir") == 0                                  ? LAIO_DIRECTORY
           : strcmp(name, "name_to_handle") == 0                           ? LAIO_MOUNT
                                                                           : LAIO_PLAIN;
}

/* 0: no such operation. */
uint32_t laio_code_of(const char *wanted) {
    uint32_t code;
    const char *name;
    for (code = 1; (name = aioc_operation_name(code)) != NULL; ++code) {
        if (strcmp(name, wanted) == 0) {
            return code;
        }
    }
    return 0;
}

void laio_learn_results(laio_module *module) {
    const char *name;
    uint32_t code;
    for (code = 1; code < LAIO_OPERATIONS_MAX && (name = aioc_operation_name(code)) != NULL; ++code) {
        module->is_plain[code] = (uint8_t)is_in(plain, name);
        module->gives_fd[code] = (uint8_t)is_in(descriptors, name);
    }
}

/* The operations' names, by their codes. */
int laio_operations(lua_State *L) {
    uint32_t code;
    const char *name;
    lua_newtable(L);
    for (code = 1; (name = aioc_operation_name(code)) != NULL; ++code) {
        lua_pushstring(L, name);
        lua_rawseti(L, -2, (int)code);
    }
    return 1;
}

/* For the test: names whose result nobody has thought about. */
int laio_unclassified(lua_State *L) {
    uint32_t code;
    const char *name;
    int count = 0;
    lua_newtable(L);
    for (code = 1; (name = aioc_operation_name(code)) != NULL; ++code) {
        if (!is_in(numbers, name) && !is_in(plain, name)) {
            lua_pushstring(L, name);
            lua_rawseti(L, -2, ++count);
        }
    }
    return 1;
}
