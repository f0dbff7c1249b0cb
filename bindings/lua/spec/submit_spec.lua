-- SPDX-License-Identifier: MIT
-- Lists of operations, with directories, chains, priorities, deadlines and groups.
local aio = require "aioclone"
local support = require "support"
local file_with, finish, test = support.file_with, support.finish, support.test

-- Submits the list with a callback each; their results.
local function results_of(list)
    local results = {}
    for i, element in ipairs(list) do
        element.callback = function(...) results[i] = { n = select("#", ...), ... } end
    end
    local ids = aio.submit(list)
    assert.equal(#list, #ids)
    assert.same({}, results)
    finish()
    for i in ipairs(list) do assert(results[i], "no result " .. i) end
    return results
end

describe("submit", function()
    it("runs operations of many kinds", function()
        local path = file_with("0123456789")
        local fd = test.open(path, aio.O_RDWR)
        local buffer = aio.buffer(4)
        local results = results_of({
            { "stat", path = path },
            { "read", fd = fd, length = 3, offset = 2 },
            { "read", fd = fd, buffer = buffer, offset = 4 },
            { "readlink", path = "/proc/self/exe" },
            { "readdir", path = support.directory },
            { "statvfs", path = "/" },
            { "readv", fd = fd, vectors = { aio.buffer(2), aio.buffer(2) }, offset = 0 },
            { "open", path = "/nonexistent" },
            { "nop" },
            { "chown", path = path }, -- leaves both
        })
        assert.equal(10, results[1][1].size)
        assert.equal("234", results[2][1])
        assert.equal(4, results[3][1])
        assert.equal("4567", buffer:string())
        assert.matches("lua", results[4][1])
        assert.is_true(#results[5][1] > 0)
        assert.is_true(results[6][1].bsize > 0)
        assert.equal(4, results[7][1])
        assert.same({ nil, "No such file or directory", 2, n = 3 }, results[8])
        assert.is_true(results[9][1])
        assert.is_true(results[10][1])
        results = results_of({
            { "write", fd = fd, data = "abc", offset = 1, link = true }, -- or it would change the time later
            { "utimens", path = path, times = { mtime = { sec = 7, nsec = 8 } } },
        })
        assert.equal(3, results[1][1])
        assert.equal("0abc456789", support.content(path))
        assert.is_true(results[2][1])
        assert.equal(7, test.lstat(path).mtime_sec)
        assert.equal(8, test.lstat(path).mtime_nsec)
        test.close(fd)
    end)

    it("starts relative paths at a directory", function()
        local name = support.file_with("12345"):match("[^/]+$")
        local directory = test.open(support.directory, aio.O_DIRECTORY)
        local results = results_of({
            { "stat", dirfd = directory, path = name },
            { "link", dirfd = directory, path = name, dirfd2 = directory, path2 = name .. "-2" },
            { "stat", path = name },
        })
        assert.equal(5, results[1][1].size)
        assert.is_true(results[2][1])
        assert.equal(2, results[3][3])
        assert.equal("12345", support.content(support.directory .. "/" .. name .. "-2"))
        test.close(directory)
    end)

    it("chains", function()
        local path = file_with("0123456789")
        local fd = test.open(path, aio.O_RDONLY)
        local results = results_of({
            { "read", fd = fd, length = 5, offset = 0, link = true },
            { "close", fd = fd },
            { "stat", path = "/nonexistent", link = true },
            { "stat", path = path, link = true },
            { "stat", path = path },
        })
        assert.equal("01234", results[1][1])
        assert.is_true(results[2][1])
        assert.equal(2, results[3][3])
        assert.equal(125, results[4][3])
        assert.equal(125, results[5][3])
    end)

    it("ends what takes too long", function()
        local fifo = support.path()
        test.mkfifo(fifo)
        local errno
        local ids = aio.submit({
            { "open", path = fifo, flags = aio.O_RDONLY, timeout = 0.05, callback = function(_, _, code) errno = code end },
        })
        assert.equal("number", type(ids[1]))
        aio.wait(0.2) -- the open hangs in a system call, which ends with its other end
        local writer = test.open(fifo, aio.O_RDWR)
        finish()
        test.close(writer)
        assert.equal(110, errno)
    end)

    it("brings every refusal to its callback", function()
        local results = results_of({
            { "stat", path = "/" },
            { "stat", path = ("x"):rep(5000) },
            { "stat", path = "/", priority = 99 },
            { "read", fd = 0, length = 5, offset = -1, link = true },
            { "stat", path = "/" },
            { "stat", path = "/", group = 12345 },
            { "stat", path = "/etc" },
        })
        assert.equal("directory", results[1][1].type)
        assert.equal(36, results[2][3])
        assert.equal(22, results[3][3])
        assert.equal(22, results[4][3])
        assert.equal(22, results[5][3]) -- a chain is refused whole
        assert.is_true(results[6][3] == 2 or results[6][3] == 22, results[6][3])
        assert.equal("directory", results[7][1].type)
    end)

    it("refuses wrong elements with their names, and submits nothing", function()
        local function refuses(pattern, element)
            local called = false
            local good = { "nop", callback = function() called = true end }
            if type(element) == "table" and element.callback == nil then element.callback = function() end end
            local ok, problem = pcall(function()
                local ids = aio.submit({ good, element })
                return ids
            end)
            assert.is_false(ok)
            assert.matches(pattern, problem)
            assert.equal(0, aio.nreqs())
            finish()
            assert.is_false(called)
        end
        refuses("element 2: operation: table expected, got number", 5)
        refuses("element 2: nonsense: no such operation", { "nonsense" })
        refuses("element 2: path: string expected, got number", { "stat", path = 1 })
        refuses("element 2: path: contains a NUL byte", { "stat", path = "a\0b" })
        refuses("element 2: offset: number expected, got string", { "read", fd = 0, length = 1, offset = "1" })
        refuses("element 2: length: number or buffer expected", { "read", fd = 0, offset = 1 })
        refuses("element 2: callback: function expected, got string", { "nop", callback = "x" })
        refuses("element 2: timeout: out of range", { "nop", timeout = -1 })
        refuses("element 2: timeout: number expected", { "nop", timeout = "1" })
        refuses("element 2: flags: invalid mode", { "open", path = "/", flags = "z" })
        refuses("element 2: data: string or buffer expected", { "write", fd = 0, data = 5, offset = 0 })
        refuses("element 2: vectors: element 1 is no buffer", { "readv", fd = 0, vectors = { "x" }, offset = 0 })
        refuses("element 2: times: mtime is no time", { "utimens", path = "/", times = { mtime = "later" } })
        assert.error_matches(function() aio.submit(5) end, "table expected")
        assert.same({}, aio.submit({}))
    end)

    it("waits in a coroutine for all", function()
        local results = aio.run(function()
            return aio.submit({ { "stat", path = "/" }, { "stat", path = "/nonexistent" }, { "nop" } })
        end)
        assert.equal("directory", results[1][1].type)
        assert.equal(2, results[2][3])
        assert.is_true(results[3][1])
    end)

    it("has every field of the header's structure", function()
        -- Lua's name for each; what the module fills by itself has none.
        local names = { size = "", code = "[1]", flags = "dirfd dirfd2 link", fd = "fd dirfd", operation_flags = "flags",
            mode = "mode", path = "path", buffer = "buffer data vectors times", length = "length", offset = "offset",
            callback = "callback", user_data = "", path2 = "path2", offset2 = "offset2", argument = "argument",
            fd2 = "fd2 dirfd2", uid = "uid", gid = "gid", priority = "priority", group = "group", timeout_ns = "timeout" }
        local header = support.content(assert(os.getenv("AIOC_HEADER")))
        local source = support.content(support.here .. "/src/submit.c")
        local count = 0
        for field in header:match("typedef struct aioc_operation {(.-)}"):gsub("/%*.-%*/", ""):gmatch("[%w_]+ %*?([%w_]+);") do
            count = count + 1
            local name = assert(names[field], field .. " is a new field")
            for word in name:gmatch("[%w_%d]+") do
                assert.truthy(word == "1" or source:find('"' .. word .. '"', 1, true), word)
            end
        end
        assert.is_true(count >= 21, count)
    end)
end)

describe("a group", function()
    it("completes when it is closed and its members are delivered", function()
        local succeeded, members = nil, 0
        local group = aio.group(function(count) succeeded = count end)
        local list = {}
        for i = 1, 20 do
            list[i] = { "stat", path = "/", group = group, callback = function() members = members + 1 end }
        end
        aio.submit(list)
        local info = aio.group_info(group)
        assert.is_false(info.closed)
        assert.is_true(aio.group_close(group))
        finish()
        assert.equal(20, members)
        assert.equal(20, succeeded)
        local value, _, errno = aio.group_info(group)
        assert.is_nil(value)
        assert.equal(2, errno)
    end)

    it("has the first error, and cancels its members", function()
        local results = {}
        local group = aio.group(function(...) results[1] = { ... } end)
        aio.submit({ { "stat", path = "/nonexistent", group = group, callback = function() end } })
        aio.group_close(group)
        finish()
        assert.equal(2, results[1][3])
        local errno
        group = aio.group(function(_, _, code) results[2] = code end)
        aio.hold()
        aio.submit({ { "stat", path = "/", group = group, callback = function(_, _, code) errno = code end } })
        assert.is_true(aio.cancel(group))
        aio.release()
        finish()
        assert.equal(125, errno)
        assert.equal(125, results[2])
    end)
end)

describe("a feeder", function()
    local function stat(group, callback, path)
        aio.submit({ { "stat", path = path or "/", group = group, callback = callback } })
    end

    it("keeps a group at its limit, and closes it when there are no more", function()
        local fed, done, most, succeeded, calls = 0, 0, 0, nil, 0
        local group = aio.group(function(count) succeeded = count end)
        assert.is_true(aio.group_feed(group, 7, function(same)
            calls = calls + 1
            assert(same == group, "it gets the group")
            if fed == 100 then return false end
            fed = fed + 1
            stat(group, function(st)
                assert(st)
                done = done + 1
            end)
            most = math.max(most, fed - done)
            return true
        end))
        assert.equal(7, fed)
        assert.equal(7, aio.group_info(group).outstanding)
        finish()
        assert.equal(100, fed)
        assert.equal(100, done)
        assert.equal(100, succeeded)
        assert.equal(7, most)
        assert.equal(101, calls)
    end)

    it("pauses, goes on, and is let go with its group", function()
        local fed, ended = 0, nil
        local weak = setmetatable({}, { __mode = "v" })
        local group = aio.group(function(count) ended = count end)
        local function start()
            local marker = {}
            weak[1] = marker
            aio.group_feed(group, 1, function()
                marker[1] = fed
                fed = fed + 1
                stat(group, function() end)
                return fed < 3
            end)
        end
        start()
        assert.equal(1, fed)
        assert.is_true(aio.group_feed(group, 0))
        while aio.group_info(group).outstanding > 0 do aio.wait() aio.poll() end
        assert.equal(1, fed)
        collectgarbage()
        assert.is_table(weak[1])
        assert.is_true(aio.group_feed(group, 5))
        assert.equal(3, fed)
        local ok, _, errno = aio.group_feed(group, 5)
        assert.is_nil(ok)
        assert.equal(108, errno) -- ESHUTDOWN
        finish()
        assert.equal(3, ended)
        collectgarbage()
        collectgarbage()
        assert.is_nil(weak[1])
        ok, _, errno = aio.group_feed(group, 5)
        assert.is_nil(ok)
        assert.equal(2, errno)
    end)

    it("that raises an error ends its group, and the error surfaces where it was called", function()
        local errno
        local group = aio.group(function(_, _, code) errno = code end)
        local ok, problem = pcall(aio.group_feed, group, 3, function() error("first", 0) end)
        assert.is_false(ok)
        assert.equal("first", problem)
        finish()
        assert.equal(125, errno)
        -- Later, in poll; two at once, of which one is told.
        local calls, done, codes = {}, 0, {}
        for i = 1, 2 do
            group = aio.group(function(_, _, code) codes[i] = code end)
            calls[i] = 0
            aio.group_feed(group, 1, function(same)
                calls[i] = calls[i] + 1
                if calls[i] == 3 then error("third", 0) end
                stat(same, function() done = done + 1 end)
                return true
            end)
        end
        local errors = 0
        while aio.nreqs() > 0 do
            aio.wait()
            ok, problem = pcall(aio.poll)
            if not ok then
                errors = errors + 1
                assert.equal("third", problem)
            end
        end
        assert.is_true(errors == 1 or errors == 2)
        assert.equal(4, done)
        assert.same({ 125, 125 }, codes)
        assert.equal(3, calls[1])
        assert.equal(3, calls[2])
    end)

    it("works from a coroutine and inside a callback, and polls", function()
        local fed, ended, inside = 0, nil, 0
        aio.run(function()
            aio.stat("/")
            aio.stat("/", function()
                local group = aio.group(function(count) ended = count end)
                aio.group_feed(group, 2, function()
                    fed = fed + 1
                    inside = inside + aio.poll()
                    stat(group, function() end)
                    return fed < 10
                end)
            end)
        end)
        finish()
        assert.equal(10, fed)
        assert.equal(10, ended)
    end)

    it("is asked no more at the end of the program", function()
        local output, status = support.output_of([[
            local aio = require "aioclone"
            local group = aio.group()
            aio.group_feed(group, 1, function()
                aio.submit { { "stat", path = "/", group = group, callback = function() end } }
                return true
            end)
            aio.wait()
            aio.poll()
            print "end"
        ]])
        assert.equal("end\n", output)
        assert.equal(0, status)
    end)

    it("and its group and limit are checked", function()
        local id = aio.stat("/", function() end)
        local ok, _, errno = aio.group_feed(id, 1, function() end)
        assert.is_nil(ok)
        assert.equal(22, errno)
        finish()
        assert.error_matches(function() aio.group_feed("x", 1, print) end, "group: number expected")
        assert.error_matches(function() aio.group_feed(1, -1, print) end, "limit: out of range")
        assert.error_matches(function() aio.group_feed(1) end, "limit: number expected")
        assert.error_matches(function() aio.group_feed(1, 1, 5) end, "feeder: function expected, got number")
        local group = aio.group()
        ok, _, errno = aio.group_feed(group, 1) -- there is no feeder: nothing happens
        assert.is_true(ok, errno)
        aio.group_close(group)
        finish()
    end)
end)
