/* SPDX-License-Identifier: MIT */
/* System calls that the specs need, for Lua versions that no POSIX module of Debian serves. */
#include <lua.h>

#include <lauxlib.h>
#include <lualib.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int answer(lua_State *L, long result) {
    if (result < 0) {
        return luaL_error(L, "%s", strerror(errno));
    }
    lua_pushnumber(L, (lua_Number)result);
    return 1;
}

static int test_fork(lua_State *L) {
    return answer(L, fork());
}
/* The exit status, or 1000 + the signal. */
static int test_waitpid(lua_State *L) {
    int status;
    pid_t pid;
    do {
        pid = waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
    } while (pid < 0 && errno == EINTR);
    return answer(L, pid < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
static int test_exit(lua_State *L) {
    _exit((int)luaL_checkinteger(L, 1));
}
static int test_kill(lua_State *L) {
    return answer(L, kill((pid_t)luaL_checkinteger(L, 1), (int)luaL_checkinteger(L, 2)));
}
static int test_getpid(lua_State *L) {
    return answer(L, getpid());
}
static int test_geteuid(lua_State *L) {
    return answer(L, geteuid());
}
static int test_become_nobody(lua_State *L) {
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)) {
        return answer(L, -1);
    }
    return answer(L, 0);
}
static int test_mkfifo(lua_State *L) {
    return answer(L, mkfifo(luaL_checkstring(L, 1), 0600));
}
static int test_symlink(lua_State *L) {
    return answer(L, symlink(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
}
static int test_chmod(lua_State *L) {
    return answer(L, chmod(luaL_checkstring(L, 1), (mode_t)luaL_checkinteger(L, 2)));
}
static int test_open(lua_State *L) {
    return answer(L, open(luaL_checkstring(L, 1), (int)luaL_checkinteger(L, 2), 0600));
}
static int test_close(lua_State *L) {
    return answer(L, close((int)luaL_checkinteger(L, 1)));
}
static int test_pipe(lua_State *L) {
    int ends[2];
    if (pipe(ends) != 0) {
        return answer(L, -1);
    }
    lua_pushinteger(L, ends[0]);
    lua_pushinteger(L, ends[1]);
    return 2;
}
static int test_write(lua_State *L) {
    size_t length;
    const char *const text = luaL_checklstring(L, 2, &length);
    return answer(L, write((int)luaL_checkinteger(L, 1), text, length));
}
static int test_read(lua_State *L) {
    char text[4096];
    const ssize_t length = read((int)luaL_checkinteger(L, 1), text, sizeof text);
    if (length < 0) {
        return answer(L, -1);
    }
    lua_pushlstring(L, text, (size_t)length);
    return 1;
}
static int test_truncate(lua_State *L) {
    return answer(L, truncate(luaL_checkstring(L, 1), (off_t)luaL_checknumber(L, 2)));
}
static int test_mkdtemp(lua_State *L) {
    char template[] = "/tmp/aioclone-spec-XXXXXX";
    if (!mkdtemp(template)) {
        return answer(L, -1);
    }
    lua_pushstring(L, template);
    return 1;
}
static int test_cloexec(lua_State *L) {
    const int flags = fcntl((int)luaL_checkinteger(L, 1), F_GETFD);
    lua_pushboolean(L, flags >= 0 && (flags & FD_CLOEXEC) != 0);
    return 1;
}
/* Names in a directory. */
static int test_list(lua_State *L) {
    DIR *const directory = opendir(luaL_checkstring(L, 1));
    struct dirent *entry;
    int count = 0;
    if (!directory) {
        return answer(L, -1);
    }
    lua_newtable(L);
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            lua_pushstring(L, entry->d_name);
            lua_rawseti(L, -2, ++count);
        }
    }
    closedir(directory);
    return 1;
}
static void set(lua_State *L, const char *name, double value) {
    lua_pushnumber(L, (lua_Number)value);
    lua_setfield(L, -2, name);
}
static int test_lstat(lua_State *L) {
    struct stat st;
    if (lstat(luaL_checkstring(L, 1), &st) != 0) {
        return answer(L, -1);
    }
    lua_newtable(L);
    set(L, "dev", (double)st.st_dev);
    set(L, "ino", (double)st.st_ino);
    set(L, "mode", st.st_mode);
    set(L, "nlink", (double)st.st_nlink);
    set(L, "uid", st.st_uid);
    set(L, "gid", st.st_gid);
    set(L, "rdev", (double)st.st_rdev);
    set(L, "size", (double)st.st_size);
    set(L, "blksize", (double)st.st_blksize);
    set(L, "blocks", (double)st.st_blocks);
    set(L, "atime_sec", (double)st.st_atim.tv_sec);
    set(L, "atime_nsec", (double)st.st_atim.tv_nsec);
    set(L, "mtime_sec", (double)st.st_mtim.tv_sec);
    set(L, "mtime_nsec", (double)st.st_mtim.tv_nsec);
    set(L, "ctime_sec", (double)st.st_ctim.tv_sec);
    set(L, "ctime_nsec", (double)st.st_ctim.tv_nsec);
    return 1;
}
/* Sets access and modification time. */
static int test_utime(lua_State *L) {
    const struct timespec time = {(time_t)luaL_checknumber(L, 2), (long)luaL_checknumber(L, 3)};
    const struct timespec times[2] = {time, time};
    return answer(L, utimensat(AT_FDCWD, luaL_checkstring(L, 1), times, 0));
}
static volatile sig_atomic_t signals;
static void count_signal(int number) {
    (void)number;
    ++signals;
}
static int test_catch(lua_State *L) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = count_signal;
    return answer(L, sigaction((int)luaL_checkinteger(L, 1), &action, NULL));
}
static int test_signals(lua_State *L) {
    return answer(L, signals);
}
static int test_alarm(lua_State *L) {
    return answer(L, (long)alarm((unsigned)luaL_checkinteger(L, 1)));
}
static int test_pause(lua_State *L) {
    const double seconds = luaL_checknumber(L, 1);
    struct timespec time;
    time.tv_sec = (time_t)seconds;
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    nanosleep(&time, NULL);
    return 0;
}
static int test_now(lua_State *L) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    lua_pushnumber(L, (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    return 1;
}
/* Runs a chunk in a Lua state of its own, and closes that. True, or the error as a string. */
static int test_state(lua_State *L) {
    const char *const chunk = luaL_checkstring(L, 1);
    lua_State *const other = luaL_newstate();
    int failed;
    luaL_openlibs(other);
    failed = luaL_loadstring(other, chunk) != 0 || lua_pcall(other, 0, 0, 0) != 0;
    if (failed) {
        lua_pushstring(L, lua_tostring(other, -1));
    } else {
        lua_pushboolean(L, 1);
    }
    lua_close(other);
    return 1;
}

int luaopen_aioclone_test(lua_State *L);
int luaopen_aioclone_test(lua_State *L) {
    static const luaL_Reg functions[] = {{"fork", test_fork},
                                         {"waitpid", test_waitpid},
                                         {"exit", test_exit},
                                         {"kill", test_kill},
                                         {"getpid", test_getpid},
                                         {"geteuid", test_geteuid},
                                         {"become_nobody", test_become_nobody},
                                         {"mkfifo", test_mkfifo},
                                         {"symlink", test_symlink},
                                         {"chmod", test_chmod},
                                         {"open", test_open},
                                         {"close", test_close},
                                         {"pipe", test_pipe},
                                         {"write", test_write},
                                         {"read", test_read},
                                         {"truncate", test_truncate},
                                         {"mkdtemp", test_mkdtemp},
                                         {"cloexec", test_cloexec},
                                         {"list", test_list},
                                         {"lstat", test_lstat},
                                         {"utime", test_utime},
                                         {"catch", test_catch},
                                         {"signals", test_signals},
                                         {"alarm", test_alarm},
                                         {"pause", test_pause},
                                         {"now", test_now},
                                         {"state", test_state},
                                         {NULL, NULL}};
    const luaL_Reg *function;
    lua_newtable(L);
    for (function = functions; function->name; ++function) {
        lua_pushcfunction(L, function->func);
        lua_setfield(L, -2, function->name);
    }
    return 1;
}
