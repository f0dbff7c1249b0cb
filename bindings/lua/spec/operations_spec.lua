-- SPDX-License-Identifier: MIT
-- The operation table and this module: an operation that the library gains is here by itself, or this fails by its name.
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

local function check(expected, ...)
    local value = ...
    assert.equal(1, select("#", ...))
    if expected == "number" or expected == "userdata" then
        assert.equal(expected, type(value))
        if expected == "number" then support.test.close(value) end
    else
        assert.equal(expected, value)
    end
end
local function check_error(errno, ...)
    assert.equal(3, select("#", ...))
    local value, message, code = ...
    assert.is_nil(value)
    assert.equal("string", type(message))
    assert.equal(errno, code)
end

-- In a coroutine: the results of the waiting form.
local function waited(call)
    return aio.run(call)
end

describe("operations", function()
    for _, name in ipairs(core.operations()) do
        it(name .. " has both forms, and its errors", function()
            local case = assert(cases[name], "no case for " .. name)
            check(case[2], result_of(case[1]))
            check(case[2], waited(case[1]))
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
