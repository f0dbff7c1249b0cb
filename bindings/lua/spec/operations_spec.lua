-- SPDX-License-Identifier: MIT
-- The operation table and this module: an operation that the library gains is here by itself, or this fails by its
-- name.
local aio = require "aioclone"
local core = require "aioclone.core"
local support = require "support"
local file_with, path, result_of = support.file_with, support.path, support.result_of

local bad_fd = 1000000

-- For each operation: one call that succeeds, and one that fails, each as function(callback): with none they wait.
local function opened(mode)
    return support.test.open(file_with("0123456789"), mode or aio.O_RDWR)
end
local fd = opened()
local missing = path()
local cases = {
    nop = { function(cb) return aio.nop(cb) end, true },
    open = { function(cb) return aio.open(file_with("x"), "r", cb) end, "number",
        function(cb) return aio.open(missing, "r", cb) end, 2 },
    close = { function(cb) return aio.close(opened(), cb) end, true,
        function(cb) return aio.close(bad_fd, cb) end, 9 },
    read = { function(cb) return aio.read(fd, 4, 3, cb) end, "3456",
        function(cb) return aio.read(bad_fd, 4, 3, cb) end, 9 },
    write = { function(cb) return aio.write(opened(), "abc", 2, cb) end, 3,
        function(cb) return aio.write(bad_fd, "abc", 2, cb) end, 9 },
    readahead = { function(cb) return aio.readahead(fd, 0, 10, cb) end, true,
        function(cb) return aio.readahead(bad_fd, 0, 10, cb) end, 9 },
    stat = { function(cb) return aio.stat(file_with("abc"), cb) end, "userdata",
        function(cb) return aio.stat(missing, cb) end, 2 },
    lstat = { function(cb) return aio.lstat(file_with("abc"), cb) end, "userdata",
        function(cb) return aio.lstat(missing, cb) end, 2 },
    fstat = { function(cb) return aio.fstat(fd, cb) end, "userdata",
        function(cb) return aio.fstat(bad_fd, cb) end, 9 },
    unlink = { function(cb) return aio.unlink(file_with(""), cb) end, true,
        function(cb) return aio.unlink(missing, cb) end, 2 },
    fsync = { function(cb) return aio.fsync(fd, cb) end, true,
        function(cb) return aio.fsync(bad_fd, cb) end, 9 },
    fdatasync = { function(cb) return aio.fdatasync(fd, cb) end, true,
        function(cb) return aio.fdatasync(bad_fd, cb) end, 9 },
}

-- name -> { call that succeeds, its value, call that fails, errno }. A value that is a function judges the results; a
-- case may say what else is right where the file system or the kernel has not got it.
local function add(name, good, value, bad, errno, unsupported)
    cases[name] = { good, value, bad, errno, unsupported }
end
local function here() return file_with("0123456789") end
local none = { [95] = true, [38] = true, [22] = true, [25] = true, [1] = true } -- EOPNOTSUPP, ENOSYS, EINVAL, ENOTTY, EPERM

add("mkdir", function(cb) return aio.mkdir(path(), cb) end, true, function(cb) return aio.mkdir("/", 448, cb) end, 17)
add("rmdir", function(cb)
    local name = path()
    os.execute("mkdir " .. name)
    return aio.rmdir(name, cb)
end, true, function(cb) return aio.rmdir(missing, cb) end, 2)
add("rename", function(cb) return aio.rename(here(), path(), cb) end, true,
    function(cb) return aio.rename(here(), here(), aio.RENAME_NOREPLACE, cb) end, 17)
add("link", function(cb) return aio.link(here(), path(), cb) end, true,
    function(cb) return aio.link(missing, path(), 0, cb) end, 2)
add("symlink", function(cb) return aio.symlink("target", path(), cb) end, true,
    function(cb) return aio.symlink("target", "/", cb) end, 17)
add("mknod", function(cb) return aio.mknod(path(), aio.S_IFIFO + 384, 0, cb) end, true,
    function(cb) return aio.mknod("/", aio.S_IFIFO + 384, nil, cb) end, 17)
local link = path()
support.test.symlink("the target", link)
add("readlink", function(cb) return aio.readlink(link, cb) end, "the target",
    function(cb) return aio.readlink(missing, 10, cb) end, 2)
add("realpath", function(cb) return aio.realpath("/usr/../etc", cb) end, "/etc",
    function(cb) return aio.realpath(missing, cb) end, 2)
add("readdir", function(cb) return aio.readdir("/proc/self/task/..", aio.READDIR_DIRS_FIRST, cb) end,
    function(names, types, inodes)
        local seen = {}
        for i, name in ipairs(names) do seen[name] = types[i] end
        return seen.task == "directory" and seen.stat == "file" and #inodes == #names and type(inodes[1]) == "number"
    end, function(cb) return aio.readdir(missing, cb) end, 2)
add("openat2", function(cb) return aio.openat2(here(), aio.O_RDONLY, 0, 0, cb) end, "number",
    function(cb) return aio.openat2(link, aio.O_RDONLY, 0, aio.RESOLVE_NO_SYMLINKS, cb) end, 40)
add("flink", function(cb)
    local file = support.test.open(support.directory, aio.O_TMPFILE + aio.O_RDWR)
    return aio.flink(file, path(), cb)
end, true, function(cb) return aio.flink(fd, "/", cb) end, 17)
add("statx", function(cb) return aio.statx(here(), 0, aio.STATX_BASIC_STATS, cb) end, "userdata",
    function(cb) return aio.statx(missing, 0, aio.STATX_BASIC_STATS, cb) end, 2)
local function is_statvfs(st) return st.bsize > 0 and st.blocks >= st.bfree and st.namemax > 10 end
add("statvfs", function(cb) return aio.statvfs("/", cb) end, is_statvfs, function(cb) return aio.statvfs(missing, cb) end, 2)
add("fstatvfs", function(cb) return aio.fstatvfs(fd, cb) end, is_statvfs,
    function(cb) return aio.fstatvfs(bad_fd, cb) end, 9)
add("chmod", function(cb) return aio.chmod(here(), 384, cb) end, true, function(cb) return aio.chmod(missing, 384, cb) end, 2)
add("fchmod", function(cb) return aio.fchmod(fd, 384, cb) end, true, function(cb) return aio.fchmod(bad_fd, 384, cb) end, 9)
add("chown", function(cb) return aio.chown(here(), -1, -1, cb) end, true,
    function(cb) return aio.chown(missing, -1, -1, cb) end, 2)
add("lchown", function(cb) return aio.lchown(link, -1, -1, cb) end, true,
    function(cb) return aio.lchown(missing, -1, -1, cb) end, 2)
add("fchown", function(cb) return aio.fchown(fd, -1, -1, cb) end, true,
    function(cb) return aio.fchown(bad_fd, -1, -1, cb) end, 9)
add("utimens", function(cb) return aio.utimens(here(), { mtime = { sec = 5, nsec = 6 } }, cb) end, true,
    function(cb) return aio.utimens(missing, nil, 0, cb) end, 2)
add("futimens", function(cb) return aio.futimens(fd, { atime = "now", mtime = 1.5 }, cb) end, true,
    function(cb) return aio.futimens(bad_fd, nil, cb) end, 9)
add("truncate", function(cb) return aio.truncate(here(), 3, cb) end, true,
    function(cb) return aio.truncate(missing, 3, cb) end, 2)
add("ftruncate", function(cb) return aio.ftruncate(opened(), 3, cb) end, true,
    function(cb) return aio.ftruncate(bad_fd, 3, cb) end, 9)
-- Extended attributes, on a file that has one if the file system has them.
local attributed = here()
local attributed_fd = support.test.open(attributed, aio.O_RDWR)
for _, kind in ipairs({ "", "l", "f" }) do
    local target, wrong, gone = attributed, missing, 2
    if kind == "f" then target, wrong, gone = attributed_fd, bad_fd, 9 end
    add(kind .. "setxattr", function(cb) return aio[kind .. "setxattr"](target, "user.aioclone", "value", 0, cb) end, true,
        function(cb) return aio[kind .. "setxattr"](wrong, "user.aioclone", "value", 0, cb) end, gone, none)
    add(kind .. "getxattr", function(cb)
        aio.setxattr(attributed, "user.aioclone", "value", 0, function() end)
        support.finish()
        return aio[kind .. "getxattr"](target, "user.aioclone", 100, cb)
    end, "value", function(cb) return aio[kind .. "getxattr"](wrong, "user.aioclone", 100, cb) end, gone, none)
    add(kind .. "listxattr", function(cb) return aio[kind .. "listxattr"](target, cb) end,
        function(names) return type(names) == "string" end,
        function(cb) return aio[kind .. "listxattr"](wrong, 100, cb) end, gone, none)
    add(kind .. "removexattr", function(cb)
        aio.setxattr(attributed, "user.aioclone2", "value", 0, function() end)
        support.finish()
        return aio[kind .. "removexattr"](target, "user.aioclone2", cb)
    end, true, function(cb) return aio[kind .. "removexattr"](wrong, "user.aioclone", cb) end, gone, none)
end
add("readv", function(cb) return aio.readv(fd, { aio.buffer(2), aio.buffer(3) }, 1, cb) end, 5,
    function(cb) return aio.readv(bad_fd, { aio.buffer(2) }, 1, cb) end, 9)
add("writev", function(cb) return aio.writev(opened(), { "ab", aio.buffer(3), "" }, 1, cb) end, 5,
    function(cb) return aio.writev(bad_fd, { "ab" }, 1, cb) end, 9)
add("seek", function(cb) return aio.seek(fd, -3, aio.SEEK_END, cb) end, 7,
    function(cb) return aio.seek(bad_fd, 0, aio.SEEK_SET, cb) end, 9)
add("fallocate", function(cb) return aio.fallocate(opened(), 0, 0, 10000, cb) end, true,
    function(cb) return aio.fallocate(bad_fd, 0, 0, 10, cb) end, 9, none)
add("fadvise", function(cb) return aio.fadvise(fd, 0, 0, aio.POSIX_FADV_RANDOM, cb) end, true,
    function(cb) return aio.fadvise(bad_fd, 0, 0, aio.POSIX_FADV_RANDOM, cb) end, 9)
add("sync", function(cb) return aio.sync(cb) end, true)
add("syncfs", function(cb) return aio.syncfs(fd, cb) end, true, function(cb) return aio.syncfs(bad_fd, cb) end, 9)
add("sync_file_range", function(cb) return aio.sync_file_range(fd, 0, 0, aio.SYNC_FILE_RANGE_WRITE, cb) end, true,
    function(cb) return aio.sync_file_range(bad_fd, 0, 0, 0, cb) end, 9)
add("sendfile", function(cb) return aio.sendfile(opened(), fd, 2, 5, cb) end, 5,
    function(cb) return aio.sendfile(bad_fd, fd, 2, 5, cb) end, 9)
add("copy_file_range", function(cb) return aio.copy_file_range(fd, 2, opened(), 0, 5, cb) end, 5,
    function(cb) return aio.copy_file_range(bad_fd, 2, fd, 0, 5, 0, cb) end, 9)
local pipe_out, pipe_in = support.test.pipe()
add("splice", function(cb) return aio.splice(fd, 0, pipe_in, -1, 4, 0, cb) end, 4,
    function(cb) return aio.splice(bad_fd, 0, pipe_in, -1, 4, 0, cb) end, 9)
add("tee", function(cb)
    local _, other = support.test.pipe()
    support.test.write(pipe_in, "full")
    return aio.tee(pipe_out, other, 4, cb)
end, 4, function(cb) return aio.tee(bad_fd, pipe_in, 4, cb) end, 9)
add("ficlone", function(cb) return aio.ficlone(opened(), fd, cb) end, true,
    function(cb) return aio.ficlone(bad_fd, fd, cb) end, 9, none)
add("ficlonerange", function(cb) return aio.ficlonerange(opened(), fd, 0, 0, 0, cb) end, true,
    function(cb) return aio.ficlonerange(bad_fd, fd, 0, 0, 0, cb) end, 9, none)
add("fiemap", function(cb) -- struct fiemap, all of the file, room for no extent: counts them
    local map = aio.buffer(32)
    map:set(("\255"):rep(8), 9)
    return aio.fiemap(fd, map, cb)
end, true, function(cb) return aio.fiemap(bad_fd, aio.buffer(32), cb) end, 9, none)
add("dup", function(cb) return aio.dup(fd, cb) end, "number", function(cb) return aio.dup(bad_fd, cb) end, 9)
add("dup3", function(cb) return aio.dup3(fd, opened(), aio.O_CLOEXEC, cb) end, "number",
    function(cb) return aio.dup3(bad_fd, 3, 0, cb) end, 9)
add("fcntl", function(cb) return aio.fcntl(fd, aio.F_GETFD, cb) end, 0,
    function(cb) return aio.fcntl(bad_fd, aio.F_GETFD, 0, cb) end, 9)
add("ioctl", function(cb) -- FIONREAD
    local count = aio.buffer(4)
    return aio.ioctl(fd, 21531, count, cb)
end, 0, function(cb) return aio.ioctl(bad_fd, 21531, aio.buffer(4), cb) end, 9)
add("flock", function(cb) return aio.flock(fd, aio.LOCK_SH, cb) end, true,
    function(cb) return aio.flock(bad_fd, aio.LOCK_SH, cb) end, 9)
add("ofd_lock", function(cb) return aio.ofd_lock(opened(), aio.F_OFD_SETLK, aio.F_WRLCK, 0, 0, cb) end, true,
    function(cb) return aio.ofd_lock(bad_fd, aio.F_OFD_SETLK, aio.F_WRLCK, 0, 0, cb) end, 9)
-- struct file_handle: bytes it has room for, its type, the bytes.
local handle_of_file
add("name_to_handle", function(cb)
    local handle = aio.buffer(136):set("\128\0\0\0")
    handle_of_file = handle
    return aio.name_to_handle(attributed, handle, 0, cb)
end, function(ok, mount) return ok == true and type(mount) == "number" end,
    function(cb) return aio.name_to_handle(missing, aio.buffer(136), 0, cb) end, 2, none)
add("open_by_handle", function(cb)
    handle_of_file = aio.buffer(136):set("\128\0\0\0")
    aio.name_to_handle(attributed, handle_of_file, 0, function() end)
    support.finish()
    return aio.open_by_handle(fd, handle_of_file, aio.O_RDONLY, cb)
end, "number", function(cb) return aio.open_by_handle(bad_fd, aio.buffer(136), 0, cb) end, nil,
    { [95] = true, [38] = true, [22] = true, [1] = true, [116] = true })
add("fsverity_enable", function(cb) return aio.fsverity_enable(fd, aio.buffer(128), cb) end, true,
    function(cb) return aio.fsverity_enable(bad_fd, aio.buffer(128), cb) end, 9, none)
none[26], none[9], none[61] = true, true, true -- ETXTBSY, EBADF: not open for reading only; ENODATA: has none
add("fsverity_measure", function(cb) return aio.fsverity_measure(fd, aio.buffer(128), cb) end, true,
    function(cb) return aio.fsverity_measure(bad_fd, aio.buffer(128), cb) end, 9, none)
local page = aio.buffer(8192)
for name, argument in pairs({ msync = aio.MS_ASYNC, madvise = aio.MADV_NORMAL, mtouch = 0, mlock = 0 }) do
    add(name, function(cb) return aio[name](page, argument, cb) end, true,
        name ~= "mlock" and function(cb) return aio[name](page:view(2), name == "mtouch" and 99 or 12345, cb) end or nil, 22,
        { [22] = true, [1] = true, [12] = true })
end
add("munlock", function(cb) return aio.munlock(page, cb) end, true)
add("mlockall", function(cb) return aio.mlockall(0, cb) end, true, nil, nil, { [22] = true, [1] = true, [12] = true })
add("munlockall", function(cb) return aio.munlockall(cb) end, true)
add("busy", function(cb) return aio.busy(1000, cb) end, true)
-- Composites, see composites_spec.lua.
add("read_full", function(cb) return aio.read_full(fd, 4, 3, cb) end, "3456",
    function(cb) return aio.read_full(bad_fd, 4, 3, cb) end, 9)
add("write_full", function(cb) return aio.write_full(opened(), "abc", 2, cb) end, 3,
    function(cb) return aio.write_full(bad_fd, "abc", 2, cb) end, 9)
add("load", function(cb) return aio.load(here(), cb) end, "0123456789", function(cb) return aio.load(missing, cb) end, 2)
add("replace", function(cb) return aio.replace(here(), "new", cb) end, 3,
    function(cb) return aio.replace("/", "new", cb) end, nil)
add("pathsync", function(cb) return aio.pathsync(here(), cb) end, true,
    function(cb) return aio.pathsync(missing, cb) end, 2)
add("scandir", function(cb) return aio.scandir("/proc/self/task/..", cb) end,
    function(names, types, directories) return #names == #types and types[directories] == "directory" end,
    function(cb) return aio.scandir(missing, cb) end, 2)
local tree = support.path()
os.execute("mkdir -p " .. tree .. "/a")
add("walk_next", function(cb) return aio.walk_next(aio.walk_create(tree), cb) end,
    function(entries) return entries[1].name == "a" and entries[1].type == "directory" end,
    function(cb) return aio.walk_next(aio.walk_create(missing), cb) end, 2)
add("copy", function(cb) return aio.copy(here(), path(), cb) end, 10,
    function(cb) return aio.copy(missing, path(), cb) end, 2)
local function is_report(items, report) return items >= 1 and report.items == items and report.errors == 0 end
local function moved(items) return items ~= nil end
for name, judge in pairs({ copy_tree = is_report, move = moved }) do
    add(name, function(cb)
        local from = path()
        os.execute("mkdir -p " .. from .. "/a/b")
        return aio[name](from, path(), cb)
    end, judge, function(cb) return aio[name](missing, path(), 0, cb) end, 2)
end
add("remove_tree", function(cb)
    local root = path()
    os.execute("mkdir -p " .. root .. "/a/b")
    return aio.remove_tree(root, cb)
end, is_report, function(cb) return aio.remove_tree(missing, cb) end, 2)

local function check(case, ...)
    local expected, unsupported = case[2], case[5]
    local value, _, errno = ...
    if value == nil and unsupported and unsupported[errno] then return end
    if type(expected) == "function" then
        assert.is_true(expected(...))
        return
    end
    assert.equal(1, select("#", ...))
    if expected == "number" or expected == "userdata" then
        assert.equal(expected, type(value))
        if expected == "number" then support.test.close(value) end
    else
        assert.equal(expected, value)
    end
end
local function check_error(errno, ...)
    assert.is_true(select("#", ...) == 3 or type((select(4, ...))) == "table") -- a report
    local value, message, code = ...
    assert.is_nil(value)
    assert.equal("string", type(message))
    if errno then assert.equal(errno, code) end
end

-- In a coroutine: the results of the waiting form.
local function waited(call)
    return aio.run(call)
end

describe("operations", function()
    for _, name in ipairs(core.operations()) do
        it(name .. " has both forms, and its errors", function()
            local case = assert(cases[name], "no case for " .. name)
            check(case, result_of(case[1]))
            check(case, waited(case[1]))
            if case[3] then
                check_error(case[4], result_of(case[3]))
                check_error(case[4], waited(case[3]))
            end
        end)
    end

    it("are all declared, and no case is left over", function()
        local known = {}
        for _, name in ipairs(core.operations()) do
            known[name] = true
            assert.equal("function", type(aio[name]), name)
        end
        for name in pairs(cases) do assert.is_true(known[name], name) end
        assert.is_true(#core.operations() >= 12)
    end)

    it("have a result that somebody has thought about", function()
        assert.same({}, core.unclassified())
    end)

    it("have a typemap for each parameter", function()
        local generated = assert(os.getenv("AIOC_GENERATED"))
        local wrapper = support.content(generated .. "/aioclone_wrap.c")
        local found = {}
        for name, body in wrapper:gmatch("static int _wrap_([%w_]+)(%b())%s*") do assert(name and body) end
        local name
        for line in wrapper:gmatch("[^\n]+") do
            name = line:match("^static int _wrap_([%w_]+)%(") or name
            -- What SWIG does by itself: raw pointers, and numbers that go through a double.
            if name and (line:find("SWIG_ConvertPtr(L", 1, true) or line:find("lua_tonumber(L", 1, true)) then
                found[#found + 1] = name
            end
            if line:match("^}") then name = nil end
        end
        assert.same({}, found)
        local count = select(2, wrapper:gsub("static int _wrap_", ""))
        assert.is_true(count > #core.operations())
    end)

    it("of the statistics show every field of the header", function()
        local header = support.content(assert(os.getenv("AIOC_HEADER")))
        local stats = aio.stats()
        local count = 0
        for field in header:match("typedef struct aioc_statistics {(.-)}"):gmatch("[%w_]+ ([%w_]+);") do
            if field ~= "size" then
                count = count + 1
                assert.equal("number", type(stats[field]), field)
            end
        end
        assert.is_true(count >= 10)
    end)
end)
