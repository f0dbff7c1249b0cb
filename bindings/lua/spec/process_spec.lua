-- SPDX-License-Identifier: MIT
-- fork, changed users, signals, and the end of a program or a Lua state.
local aio = require "aioclone"
local support = require "support"
local file_with, finish, in_child, output_of, test =
    support.file_with, support.finish, support.in_child, support.output_of, support.test

local path = file_with(("x"):rep(55))

describe("fork", function()
    it("gives the child its own requests, and the parent notices nothing", function()
        local parent, child = 0, 0
        local weak = setmetatable({}, { __mode = "k" })
        for _ = 1, 50 do
            local upvalue = {}
            weak[upvalue] = true
            aio.stat(path, function() upvalue[1], parent = true, parent + 1 end)
            aio.spawn(function()
                aio.stat(path)
                parent = parent + 1
            end)
        end
        assert.is_true(in_child(function()
            assert(aio.nreqs() == 0)
            collectgarbage()
            collectgarbage()
            assert(next(weak) == nil, "the parent's closures are kept")
            for _ = 1, 50 do aio.stat(path, function(st) child = child + st.size end) end
            finish()
            local size = aio.run(function() return aio.stat(path).size end)
            return child == 50 * 55 and parent == 0 and size == 55
        end))
        finish()
        assert.equal(100, parent)
        assert.equal(0, child)
    end)

    it("works inside a callback and a coroutine", function()
        local pids, after = {}, 0
        for _ = 1, 5 do aio.stat(path, function() after = after + 1 end) end
        aio.stat(path, function()
            local pid = test.fork()
            if pid > 0 then
                pids[#pids + 1] = pid
                return
            end
            test.alarm(60)
            aio.stat(path, function(st) test.exit(st.size == 55 and 0 or 1) end)
        end)
        aio.spawn(function()
            aio.stat(path)
            local pid = test.fork()
            if pid > 0 then
                pids[#pids + 1] = pid
                return
            end
            test.alarm(60)
            local st = aio.stat(path)
            test.exit(st and st.size == 55 and 0 or 1)
        end)
        finish()
        assert.equal(2, #pids)
        for _, pid in ipairs(pids) do assert.equal(0, test.waitpid(pid)) end
        assert.equal(5, after)
    end)

    it("keeps the child's descriptor of the loop", function()
        local fileno = aio.fileno()
        aio.stat(path, function() end)
        assert.is_true(in_child(function()
            local called
            aio.stat(path, function() called = true end)
            finish()
            return aio.fileno() == fileno and called
        end))
        finish()
    end)
end)

describe("a process that changes its user", function()
    it("has that one's rights at once", function()
        local private = file_with("private")
        test.chmod(private, 0)
        test.chmod(support.directory, 457) -- 0711
        aio.run(function() aio.stat(private) end) -- workers exist
        assert.is_true(in_child(function()
            aio.run(function() aio.stat(private) end)
            test.become_nobody()
            local fd, _, errno = aio.run(function() return aio.open(private) end)
            return fd == nil and errno == 13
        end))
    end)
end)

describe("a signal", function()
    it("ends a wait, so that Lua's handler of Ctrl-C runs", function()
        local fifo = support.path()
        test.mkfifo(fifo)
        local script = file_with(([[
            local aio = require "aioclone"
            local test = require "aioclone_test"
            test.alarm(20)
            local ok, problem = pcall(function()
                aio.open(%q, aio.O_RDONLY, nil, function() end) -- waits for a writer
                test.write(1, "waiting\n")
                while aio.nreqs() > 0 do
                    aio.wait()
                    aio.poll()
                end
            end)
            test.write(1, tostring(problem))
            os.exit(3) -- the request is still outstanding
        ]]):format(fifo))
        local read, write = test.pipe()
        local pid = test.fork()
        if pid == 0 then
            test.close(read)
            os.execute(("%s %s >&%d 2>&1 & echo $! > %s.pid; wait $!; echo status=$? >&%d"):format(support.interpreter,
                script, write, script, write))
            test.exit(0)
        end
        test.close(write)
        local output = test.read(read)
        assert.matches("^waiting", output)
        local child = tonumber((support.content(script .. ".pid")))
        assert.is_true(support.eventually(function() -- it sleeps
            local place = support.content("/proc/" .. child .. "/wchan")
            return support.content("/proc/" .. child .. "/stat"):match("%) (%a) ") == "S"
                and (place:find("poll") or place:find("futex"))
        end))
        test.kill(child, 2)
        local more
        repeat
            more = test.read(read)
            output = output .. more
        until more == "" or output:find("status=")
        test.waitpid(pid)
        test.close(read)
        assert.matches("interrupted!.*status=3", output)
    end)

    it("that is caught elsewhere makes wait return", function()
        local fifo = support.path()
        test.mkfifo(fifo)
        test.catch(10) -- SIGUSR1
        local fd
        aio.open(fifo, aio.O_RDONLY, nil, function(result) fd = result end)
        local parent = test.getpid()
        local pid = test.fork()
        if pid == 0 then
            for _ = 1, 1000 do
                if not pcall(test.kill, parent, 10) then break end
                test.pause(0.01)
            end
            test.exit(0)
        end
        while test.signals() == 0 do assert.is_false(aio.wait(20)) end
        test.kill(pid, 9)
        test.waitpid(pid)
        local writer = test.open(fifo, aio.O_RDWR)
        finish()
        test.close(writer)
        test.close(fd)
    end)
end)

describe("the end of a program", function()
    local use = 'local aio = require "aioclone" local path = "' .. path .. '" '

    local function ends(script, expected, status)
        local output, code = output_of(use .. script)
        assert.equal(status or 0, code, output)
        assert.equal(expected or "", output)
    end

    it("with requests outstanding is an end", function()
        ends('for _ = 1, 100 do aio.stat(path, function() print "never" end) end')
        ends('for _ = 1, 100 do aio.stat(path, function() print "never" end) end os.exit(7)', "", 7)
        ends('for _ = 1, 20 do aio.spawn(function() aio.stat(path) print "never" end) end')
        local output, code = output_of(use .. 'for _ = 1, 100 do aio.stat(path, function() end) end error("an error", 0)')
        assert.matches("an error", output)
        assert.equal(1, code)
    end)

    it("inside a callback is an end", function()
        ends('aio.stat(path, function() os.exit(5) end) while true do aio.wait() aio.poll() end', "", 5)
    end)

    it("waits for writes that run, whose memory is Lua's", function()
        local target = file_with("")
        ends(([[
            local fd
            aio.run(function() fd = aio.open(%q, "w") end)
            for i = 0, 9 do aio.write(fd, ("w"):rep(100000), i * 100000, function() end) end
            local buffer = aio.buffer(100000)
            for i = 0, 9 do aio.read(fd, buffer, 0, function() end) end
        ]]):format(target))
        local text = support.content(target)
        assert.equal("", (text:gsub("[w%z]", "")))
    end)

    it("leaves behind what hangs", function()
        local fifo = support.path()
        test.mkfifo(fifo)
        local begun = test.now()
        ends(('aio.open(%q, aio.O_RDONLY, nil, function() end) aio.wait(0.01)'):format(fifo))
        assert.is_true(test.now() - begun < 30)
    end)

    it("with a pool's buffers, in any order", function()
        ends([[
            assert(aio.buffer_create(4096, 4))
            a, b = aio.buffer(), aio.buffer()
            local fd
            aio.run(function() fd = aio.open(path) end)
            aio.read(fd, a, 0, function() end)
        ]])
    end)

    it("is no time for new requests", function()
        ends([[
            local function last()
                local ok, problem = pcall(aio.stat, path, function() end)
                print(ok, problem)
            end
            aio.nop(function() end)
            if newproxy then
                local proxy = newproxy(true)
                getmetatable(proxy).__gc = last
                keep = proxy
            else
                keep = setmetatable({}, { __gc = last })
            end
            package.loaded.keep = keep
            while aio.nreqs() > 0 do aio.wait() aio.poll() end
            os.exit(0) -- (with lua_close or without, nothing crashes)
        ]])
    end)
end)

describe("several Lua states in one process", function()
    it("have contexts of their own, and end in any state", function()
        for _ = 1, 10 do
            assert.is_true(test.state(([[
                local aio = require "aioclone"
                assert(require "aioclone.core" == require "aioclone.core")
                assert(aio.nreqs() == 0)
                assert(aio.run(function() return aio.stat(%q).size end) == 55)
                for _ = 1, 20 do aio.stat(%q, function() end) end
                last = setmetatable({}, { __gc = function()
                    local ok, problem = pcall(aio.stat, "/", function() end)
                end })
            ]]):format(path, path)))
        end
        local called
        aio.stat(path, function() called = true end)
        assert.is_true(test.state('local aio = require "aioclone" aio.nop(function() error("x") end) pcall(aio.poll)'))
        finish()
        assert.is_true(called)
    end)

    it("leave no descriptor", function()
        local chunk = 'local aio = require "aioclone" aio.run(function() aio.stat("/") end) aio.fileno()'
        test.state(chunk)
        local before = support.descriptors()
        for _ = 1, 20 do assert.is_true(test.state(chunk)) end
        assert.equal(before, support.descriptors())
    end)

    it("find the module again when it was unloaded", function()
        assert.is_true(test.state([[
            local first = require "aioclone.core"
            local called
            first.nop(function() called = true end)
            package.loaded["aioclone.core"], package.loaded.aioclone = nil, nil
            local second = require "aioclone.core"
            assert(first == second)
            second.wait()
            second.poll()
            assert(called)
        ]]))
    end)
end)
