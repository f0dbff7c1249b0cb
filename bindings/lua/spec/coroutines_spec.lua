-- SPDX-License-Identifier: MIT
-- The form that waits: run, spawn, each, and coroutines that end otherwise than planned.
local aio = require "aioclone"
local support = require "support"
local file_with, finish, test = support.file_with, support.finish, support.test
local is_51 = _VERSION == "Lua 5.1" and not rawget(_G, "jit")

describe("run", function()
    it("returns what the function returns", function()
        assert.same({ 1, nil, "three", n = 3 }, (function(...) return { n = select("#", ...), ... } end)(
            aio.run(function(a, b)
                assert(aio.stat("/"))
                return a, nil, b
            end, 1, "three")))
    end)

    it("raises what the function raises, before or after it waited", function()
        local object = {}
        local ok, problem = pcall(aio.run, function() error(object) end)
        assert.is_false(ok)
        assert.equal(object, problem)
        ok, problem = pcall(aio.run, function()
            aio.stat("/")
            error(object)
        end)
        assert.is_false(ok)
        assert.equal(object, problem)
        assert.equal(0, aio.nreqs())
    end)

    it("waits for what was spawned, and says when it never ends", function()
        local ended = 0
        aio.run(function()
            for i = 1, 10 do
                aio.spawn(function(n)
                    for _ = 1, n do assert(aio.stat("/")) end
                    ended = ended + 1
                end, i)
            end
        end)
        assert.equal(10, ended)
        local ok, problem = pcall(aio.run, function() coroutine.yield() end)
        assert.is_false(ok)
        assert.matches("waits for something that is no request", problem)
    end)

    it("may be nested", function()
        local result = aio.run(function()
            aio.stat("/")
            return aio.run(function() return aio.stat("/etc/passwd") end).type
        end)
        assert.equal("file", result)
    end)
end)

describe("a waiting coroutine", function()
    it("lets others run", function()
        local fifo = support.path()
        test.mkfifo(fifo)
        local order, writer = {}, nil
        aio.run(function()
            aio.spawn(function()
                local fd = assert(aio.open(fifo, aio.O_RDONLY)) -- waits for a writer
                order[#order + 1] = "reader"
                aio.close(fd)
            end)
            for _ = 1, 3 do assert(aio.stat("/")) end
            order[#order + 1] = "main"
            writer = test.open(fifo, aio.O_WRONLY)
        end)
        test.close(writer)
        assert.same({ "main", "reader" }, order)
    end)

    it("that is dropped by its program is not resumed, and its new descriptor is closed", function()
        if not coroutine.close then return end -- 5.4
        local before = support.descriptors()
        for _ = 1, 20 do
            local co = aio.spawn(function()
                aio.open("/etc/passwd")
                error("never")
            end)
            assert.is_true(coroutine.close(co))
        end
        finish()
        assert.equal(before, support.descriptors())
    end)

    it("may be resumed by others without harm", function()
        local got
        local co = aio.spawn(function()
            got = aio.stat("/")
        end)
        coroutine.resume(co, "something else")
        assert.equal("something else", got)
        finish() -- its result reaches nobody
        assert.equal(0, aio.nreqs())
    end)

    it("that cannot yield raises an error, and gets no foreign result later", function()
        local ended
        local co = coroutine.create(function()
            -- table.sort is a C function that cannot be left by a yield, in any version.
            local list = { 3, 2, 1 }
            local ok, problem = pcall(table.sort, list, function(a, b)
                aio.stat("/etc/passwd")
                return a < b
            end)
            assert(not ok, "it waited")
            assert(tostring(problem):find("yield") or tostring(problem):find("callback"), problem)
            local value = coroutine.yield("elsewhere")
            assert(value == "expected", "a foreign result")
            ended = true
        end)
        local ok, value = coroutine.resume(co)
        assert.is_true(ok, value)
        assert.equal("elsewhere", value)
        finish()
        assert.is_nil(ended)
        assert.is_true(coroutine.resume(co, "expected"))
        assert.is_true(ended)
    end)

    it("that could not yield may wait in the same operation afterwards", function()
        local st
        aio.run(function()
            pcall(table.sort, { 2, 1 }, function()
                aio.stat("/nonexistent")
                return false
            end)
            st = aio.stat("/etc/passwd")
        end)
        assert.equal("file", st and st.type)
    end)

    it("inside pcall waits where Lua can", function()
        local ok, st = aio.run(function() return pcall(aio.stat, "/") end)
        if is_51 then
            assert.is_false(ok)
            assert.matches("yield", st)
        else
            assert.is_true(ok)
            assert.equal("directory", st.type)
        end
        finish()
    end)

    it("that raises an error surfaces in poll, and others go on", function()
        local ended = 0
        for i = 1, 6 do
            aio.spawn(function()
                aio.stat("/")
                if i % 2 == 0 then error("even") end
                ended = ended + 1
            end)
        end
        local errors = 0
        for _ = 1, 100 do
            if pcall(finish) then break end
            errors = errors + 1
        end
        assert.equal(3, ended)
        assert.equal(3, errors)
    end)
end)

describe("each", function()
    local paths = {}
    for i = 1, 200 do paths[i] = file_with(("x"):rep(i)) end

    local function sum(run)
        local seen, total = 0, 0
        run(function()
            for i, st, message, errno in aio.each(paths, aio.stat, 16) do
                assert(st.size == i and message == nil and errno == nil)
                seen, total = seen + 1, total + st.size
            end
        end)
        assert.equal(200, seen)
        assert.equal(20100, total)
    end

    it("iterates over the results of an operation, in a coroutine", function() sum(aio.run) end)
    it("and outside of one", function() sum(function(f) f() end) end)

    it("gives errors as results", function()
        local errors = 0
        for _, st, message, errno in aio.each({ "/", "/nonexistent", "/etc" }, aio.stat) do
            if not st then
                assert.equal("string", type(message))
                assert.equal(2, errno)
                errors = errors + 1
            end
        end
        assert.equal(1, errors)
    end)

    it("has no more under way than the limit", function()
        local most = 0
        for _ in aio.each(paths, function(path)
            assert(aio.stat(path))
            most = math.max(most, aio.nreqs() + 1)
            return aio.stat(path)
        end, 8) do end
        assert.is_true(most <= 8, most)
        assert.is_true(most >= 2, most)
    end)

    it("runs a function in a coroutine for each item", function()
        local total = 0
        aio.run(function()
            for i, text in aio.each(paths, function(path)
                local fd = assert(aio.open(path))
                local data = assert(aio.read(fd, 1000, 0))
                assert(aio.close(fd))
                return data
            end, 32) do
                assert(#text == i)
                total = total + #text
            end
        end)
        assert.equal(20100, total)
    end)

    it("may be left early, and used in several coroutines at once", function()
        local counts = {}
        aio.run(function()
            for k = 1, 5 do
                aio.spawn(function()
                    counts[k] = 0
                    for _ in aio.each(paths, aio.stat, 10) do
                        counts[k] = counts[k] + 1
                        if counts[k] == 20 * k then break end
                    end
                end)
            end
        end)
        assert.same({ 20, 40, 60, 80, 100 }, counts)
        assert.equal(0, aio.nreqs())
    end)

    it("of nothing does nothing, and refuses wrong arguments", function()
        for _ in aio.each({}, aio.stat) do error("something") end
        assert.error_matches(function() aio.each(nil, aio.stat) end, "bad argument #1 to 'each'")
        assert.error_matches(function() aio.each({}, 1) end, "bad argument #2 to 'each'")
        assert.error_matches(function() aio.each({}, aio.stat, 0) end, "bad argument #3 to 'each'")
        assert.error_matches(function() for _ in aio.each({ 1, 2 }, aio.stat) do end end, "path: string expected")
        assert.error_matches(function()
            for _ in aio.each({ 1 }, function() coroutine.yield() end) do end
        end, "waits for something that is no request")
        -- What an error interrupted is not held.
        assert(aio.stat("/", function() end))
        finish()
    end)
end)
