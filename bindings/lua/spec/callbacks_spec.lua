-- SPDX-License-Identifier: MIT
-- The callback form, errors in callbacks, and what lives until when.
local aio = require "aioclone"
local support = require "support"
local file_with, finish, result_of = support.file_with, support.finish, support.result_of

describe("a callback", function()
    it("gets the value, or nil, message and errno", function()
        local st = result_of(function(cb) return aio.stat(file_with("12345"), cb) end)
        assert.equal(5, st.size)
        local value, message, errno = result_of(function(cb) return aio.stat("/nonexistent", cb) end)
        assert.is_nil(value)
        assert.equal("No such file or directory", message)
        assert.equal(2, errno)
    end)

    it("may submit, cancel, poll and collect garbage", function()
        local order = {}
        local path = file_with("abc")
        aio.stat(path, function()
            order[#order + 1] = "first"
            aio.stat(path, function() order[#order + 1] = "third" end)
            aio.nop(function() order[#order + 1] = "nested" end)
            while #order < 2 do
                aio.wait(0.1)
                aio.poll()
            end
            collectgarbage()
            order[#order + 1] = "second"
        end)
        finish()
        assert.equal(4, #order)
        assert.equal("first", order[1])
    end)

    it("is called for each of many, with its own", function()
        local seen = {}
        for i = 1, 500 do
            local path = i % 2 == 0 and "/etc/passwd" or "/nonexistent"
            aio.stat(path, function(st) seen[i] = (st ~= nil) == (i % 2 == 0) end)
        end
        finish()
        for i = 1, 500 do assert.is_true(seen[i]) end
    end)

    it("is run on the poller's stack, also if the submitting coroutine is dead", function()
        local called
        local co = coroutine.create(function() aio.stat("/", function(st) called = st end) end)
        assert.is_true(coroutine.resume(co))
        assert.equal("dead", coroutine.status(co))
        co = nil
        collectgarbage()
        collectgarbage()
        finish()
        assert.equal("directory", called.type)
        assert.is_nil(co)
    end)

    it("is polled from inside a coroutine as well", function()
        local called = 0
        aio.stat("/", function() called = called + 1 end)
        local co = coroutine.create(finish)
        assert.is_true(coroutine.resume(co))
        assert.equal(1, called)
    end)
end)

describe("an error in a callback", function()
    it("surfaces from poll as it is, and loses no other completion", function()
        local object = {}
        local called = 0
        for i = 1, 20 do
            aio.nop(function()
                called = called + 1
                if i == 3 then error("third") end
                if i == 5 then error(object) end
            end)
        end
        local errors = {}
        for _ = 1, 100 do
            local ok, problem = pcall(finish)
            if ok then break end
            errors[#errors + 1] = problem
        end
        assert.equal(20, called)
        assert.equal(2, #errors)
        assert.matches("callbacks_spec.lua:%d+: third$", errors[1])
        assert.equal(object, errors[2])
        assert.equal(0, aio.nreqs())
    end)

    it("leaves the descriptor readable while completions wait", function()
        local uv = require "luv"
        local called = 0
        for _ = 1, 5 do
            aio.nop(function()
                called = called + 1
                error("each")
            end)
        end
        local watcher = uv.new_poll(aio.fileno())
        local failed = 0
        watcher:start("r", function()
            if not pcall(aio.poll) then failed = failed + 1 end
            if aio.nreqs() == 0 then watcher:stop() end
        end)
        uv.run()
        watcher:close()
        uv.run()
        assert.equal(5, called)
        assert.equal(5, failed)
    end)

    it("passes through a nested poll", function()
        local outer
        aio.nop(function()
            aio.nop(function() error("inner", 0) end)
            outer = true
            finish()
        end)
        local ok, problem = pcall(finish)
        assert.is_false(ok)
        assert.equal("inner", problem)
        assert.is_true(outer)
        finish()
    end)

    it("may be nil", function()
        aio.nop(function() error() end)
        local ok, problem = pcall(finish)
        assert.is_false(ok)
        assert.is_nil(problem)
    end)
end)

describe("until its completion a request keeps", function()
    -- How many of the weakly held are left after a full collection.
    local function left(weak)
        collectgarbage()
        collectgarbage()
        local count = 0
        for _ in pairs(weak) do count = count + 1 end
        return count
    end

    it("its callback, and no longer", function()
        local weak = setmetatable({}, { __mode = "k" })
        local called = 0
        for _ = 1, 10 do
            local upvalue = {}
            weak[upvalue] = true
            aio.stat("/", function()
                upvalue[1] = true
                called = called + 1
            end)
        end
        assert.equal(10, left(weak))
        finish()
        assert.equal(10, called)
        assert.equal(0, left(weak))
    end)

    it("its buffer and string, and no longer", function()
        local weak = setmetatable({}, { __mode = "k" })
        local path = file_with("")
        local fd = support.test.open(path, aio.O_RDWR)
        do
            local buffer = aio.buffer(10)
            buffer:set("buffer")
            weak[buffer] = true
            aio.write(fd, buffer, 0, function() end)
            buffer = nil
            aio.write(fd, ("s"):rep(5000), 10, function() end)
            assert.is_nil(buffer)
        end
        assert.equal(1, left(weak))
        finish()
        assert.equal("buffer\0\0\0\0" .. ("s"):rep(5000), support.content(path))
        assert.equal(0, left(weak))
        support.test.close(fd)
    end)

    it("its coroutine, and no longer", function()
        local weak = setmetatable({}, { __mode = "k" })
        local ended = 0
        for _ = 1, 10 do
            weak[aio.spawn(function()
                aio.stat("/")
                ended = ended + 1
            end)] = true
        end
        assert.equal(10, left(weak))
        finish()
        assert.equal(10, ended)
        assert.equal(0, left(weak))
    end)

    it("nothing when it was refused", function()
        local weak = setmetatable({}, { __mode = "k" })
        for _ = 1, 5 do
            local upvalue = {}
            weak[upvalue] = true
            pcall(aio.read, 0, 10, "wrong", function() upvalue[1] = true end)
            aio.stat(("x"):rep(5000), function() upvalue[1] = true end)
        end
        finish()
        assert.equal(0, left(weak))
    end)
end)

describe("an event loop inside a callback", function()
    it("gets what was submitted there", function()
        local uv = require "luv"
        local inner = 0
        local function nested()
            local watcher = uv.new_poll(aio.fileno())
            local function again()
                inner = inner + 1
                if inner < 5 then
                    aio.stat("/etc/passwd", again)
                else
                    watcher:stop()
                    watcher:close()
                end
            end
            aio.stat("/etc/passwd", again)
            watcher:start("r", function() aio.poll() end)
            uv.run()
        end
        aio.stat("/", nested)
        finish()
        assert.equal(5, inner)
    end)
end)

describe("an event loop inside a callback", function()
    it("gets what is submitted after its first poll, one by one and as a list", function()
        local output, status = support.output_of([[
            local aio = require "aioclone"
            local test = require "aioclone_test"
            test.alarm(20)
            local loaded, uv = pcall(require, "luv")
            if not loaded then print "done" os.exit(0) end
            local fifo = os.tmpname()
            os.remove(fifo)
            test.mkfifo(fifo)
            aio.open(fifo, aio.O_RDONLY, nil, function() end) -- so that it is not alone
            uv.new_poll(aio.fileno()):start("r", function() aio.poll() end)
            local count = 0
            local function got() count = count + 1 end
            local function wait_for(expected)
                while count < expected do uv.run("once") end
            end
            aio.stat("/", function()
                for i = 1, 3 do
                    aio.stat("/", got)
                    wait_for(i)
                end
                aio.submit { { "stat", path = "/", callback = got }, { "stat", path = "/", callback = got } }
                wait_for(5)
            end)
            while count < 5 do aio.wait() aio.poll() end
            os.remove(fifo)
            print "done"
            os.exit(0)
        ]])
        assert.equal("done\n", output)
        assert.equal(0, status)
    end)
end)
