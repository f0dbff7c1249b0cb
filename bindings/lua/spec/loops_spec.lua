-- SPDX-License-Identifier: MIT
-- Inside the event loops that Debian packages for this version of Lua.
local aio = require "aioclone"
local core = require "aioclone.core"
local support = require "support"
local file_with = support.file_with

local path = file_with("0123456789012345678901234567890")

-- Debian 12 has no copas for 5.3 and 5.4.
local missing = { copas = _VERSION == "Lua 5.3" or _VERSION == "Lua 5.4" }
local function need(name)
    local found, module = pcall(require, name)
    if found then return module end
    if os.getenv("AIOC_CI") and not missing[name] then error(module) end
    pending(name .. " is missing")
end

describe("luv", function()
    it("watches the descriptor", function()
        local uv = need("luv")
        if not uv then return end
        local got = {}
        local watcher = uv.new_poll(aio.fileno())
        local timer_fired = false
        watcher:start("r", aio.poll) -- which ignores what luv calls it with
        aio.open(path, "r", function(fd)
            aio.read(fd, 15, 7, function(data)
                got[1] = data
                aio.close(fd, function(ok)
                    got[2] = ok
                    local timer = uv.new_timer()
                    timer:start(1, 0, function()
                        timer_fired = true
                        timer:close()
                        aio.stat(path, function(st)
                            got[3] = st.size
                            watcher:close()
                        end)
                    end)
                end)
            end)
        end)
        uv.run()
        assert.same({ "789012345678901", true, 31 }, got)
        assert.is_true(timer_fired)
    end)

    it("runs coroutines that wait", function()
        local uv = need("luv")
        if not uv then return end
        local watcher = uv.new_poll(aio.fileno())
        watcher:start("r", aio.poll)
        local total, left = 0, 20
        for _ = 1, left do
            aio.spawn(function()
                local fd = assert(aio.open(path))
                local data = assert(aio.read(fd, 100, 0))
                total = total + #data
                aio.close(fd)
                left = left - 1
                if left == 0 then watcher:close() end
            end)
        end
        uv.run()
        assert.equal(620, total)
    end)
end)

-- A tour through a module that adapts to a scheduler: run(f) runs f in its loop, to the end.
local function tour(api, run, spawns_later)
    it("waits in its coroutines", function()
        local got
        run(function()
            local fd = assert(api.open(path, "r"))
            got = { api.pread(fd, 15, 7), api.fstat(fd).size, api.close(fd), (select(3, api.stat("/nonexistent"))) }
        end)
        assert.same({ "789012345678901", 31, true, 2 }, got)
    end)

    it("takes callbacks", function()
        local size
        run(function() api.stat(path, function(st) size = st.size end) end)
        assert.equal(31, size)
    end)

    it("spawns, and iterates", function()
        local paths = {}
        for i = 1, 100 do paths[i] = path end
        local total, spawned = 0, 0
        run(function()
            for _ = 1, 5 do
                api.spawn(function()
                    assert(api.stat(path))
                    spawned = spawned + 1
                end)
            end
            for _, st in api.each(paths, api.stat, 16) do total = total + st.size end
            if spawns_later and _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
                total = total * 2 -- the iterator cannot let the loop start them
                return
            end
            for _, size in api.each(paths, function(p) return assert(api.stat(p)).size end, 16) do total = total + size end
        end)
        assert.equal(6200, total)
        assert.equal(5, spawned)
        assert.equal(0, core.nreqs())
    end)

    it("refuses wrong arguments with their names", function()
        local message
        run(function() message = select(2, pcall(api.stat, 1)) end)
        assert.matches("path: string expected", message)
    end)
end

describe("cqueues", function()
    local cqueues = need("cqueues")
    if not cqueues then return end
    local api = require "aioclone.cqueues"
    local function run(f)
        local loop = cqueues.new()
        loop:wrap(f)
        assert(loop:loop())
    end
    tour(api, run, true)

    it("goes on after an error in a callback, and sleeps meanwhile", function()
        local called, slept = 0, false
        local loop = cqueues.new()
        loop:wrap(function()
            for i = 1, 5 do
                api.stat(path, function()
                    called = called + 1
                    if i == 2 then error("second", 0) end
                end)
            end
            cqueues.sleep(0.01)
            slept = true
        end)
        local errors = 0
        for _ = 1, 100 do
            local ok, problem = loop:loop()
            if ok then break end
            assert.matches("second", tostring(problem))
            errors = errors + 1
        end
        assert.equal(5, called)
        assert.equal(1, errors)
        assert.is_true(slept)
    end)

    it("polls an object with the module's descriptor", function()
        local size
        local loop = cqueues.new()
        loop:wrap(function()
            aio.stat(path, function(st) size = st.size end)
            while aio.nreqs() > 0 do
                cqueues.poll({ pollfd = aio.fileno(), events = "r" })
                aio.poll()
            end
        end)
        assert(loop:loop())
        assert.equal(31, size)
    end)
end)

describe("copas", function()
    local copas = need("copas")
    if not copas then return end
    local api = require "aioclone.copas"
    local function run(f) -- copas.loop of version 1 never ends
        local ended, problem
        copas.addthread(function()
            copas.setErrorHandler(function(message) problem = message end)
            f()
            ended = true
        end)
        for _ = 1, 500 do
            if problem or (ended and core.nreqs() == 0) then break end
            copas.step(0.05)
        end
        assert(ended, problem)
    end
    tour(api, run)

    it("serves sockets between, and does not close them", function()
        local socket = require "socket"
        local server = assert(socket.bind("127.0.0.1", 0))
        local _, port = server:getsockname()
        local answer
        copas.addserver(server, function(client)
            local request = copas.receive(client)
            local fd = assert(api.open(path))
            local data = api.read(fd, 15, 7)
            api.close(fd)
            copas.send(client, request .. data .. "\n")
            client:close()
        end)
        copas.addthread(function()
            local client = assert(socket.connect("127.0.0.1", port))
            client:settimeout(0)
            copas.send(client, "hello\n")
            answer = copas.receive(client)
            client:close()
        end)
        for _ = 1, 500 do
            if answer then break end
            copas.step(0.05)
        end
        server:close()
        assert.equal("hello789012345678901", answer)
    end)
end)

describe("a newer copas", function()
    it("has its own way to pause", function()
        -- As documented since 4.0: addthread, pauseforever, wakeup, receive.
        local ready, threads = {}, 0
        local fake = {}
        local function step(co, ...)
            local ok, problem = coroutine.resume(co, ...)
            assert(ok, problem)
            if coroutine.status(co) == "dead" then threads = threads - 1 end
        end
        function fake.addthread(f, ...)
            threads = threads + 1
            local co = coroutine.create(f)
            step(co, ...)
            return co
        end
        function fake.pauseforever() coroutine.yield() end
        function fake.wakeup(co) ready[#ready + 1] = co end
        function fake.receive()
            ready[#ready + 1] = coroutine.running()
            coroutine.yield()
        end
        package.loaded.copas, package.loaded["aioclone.copas"] = fake, nil
        local api = require "aioclone.copas"
        package.loaded.copas, package.loaded["aioclone.copas"] = nil, nil
        local size
        fake.addthread(function() size = api.stat(path).size end)
        while threads > 0 do
            core.wait(1)
            local now = ready
            ready = {}
            for _, co in ipairs(now) do step(co) end
        end
        assert.equal(31, size)
    end)
end)
