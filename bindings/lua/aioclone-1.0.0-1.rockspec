package = "aioclone"
version = "1.0.0-1"
rockspec_format = "3.0"
source = {
    url = "git+https://example.org/libaio-clone.git", -- the project's place, when it has one
    tag = "v1.0.0",
    dir = "libaio-clone/bindings/lua",
}
description = {
    summary = "Asynchronous file operations for Linux",
    detailed = [[
        File operations that do not block (open, stat, read, write, fsync ...), on libaioclone: callbacks or coroutines,
        by themselves or inside luv, cqueues, copas.]],
    license = "MIT",
    labels = { "async", "io", "file", "linux" },
}
supported_platforms = { "linux" }
dependencies = { "lua >= 5.1, < 5.5" }
external_dependencies = {
    AIOCLONE = { header = "aioclone.h", library = "aioclone" },
}
build = {
    type = "make",
    makefile = "rock.mk",
    build_variables = {
        CC = "$(CC)",
        CFLAGS = "$(CFLAGS)",
        LIBFLAG = "$(LIBFLAG)",
        LUA_INCDIR = "$(LUA_INCDIR)",
        AIOCLONE_INCDIR = "$(AIOCLONE_INCDIR)",
        AIOCLONE_LIBDIR = "$(AIOCLONE_LIBDIR)",
    },
    install_variables = {
        LUADIR = "$(LUADIR)",
        LIBDIR = "$(LIBDIR)",
    },
}
