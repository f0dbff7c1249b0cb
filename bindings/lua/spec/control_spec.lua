-- SPDX-License-Identifier: MIT
-- Cancel, hold and release, workers, statistics, waiting.
local aio = require "aioclone"
local support = require "support"
local finish, output_of, test = support.finish, support.output_of, support.test

-- A request that runs until the other end of a FIFO is opened, which the returned function does.
local function blocked(callback)
    local fifo = support.path()
    test.mkfifo(fifo)
    local id = aio.open(fifo, aio.O_RDONLY, nil, callback)
    return id, function() return test.open(fifo, aio.O_RDWR) end -- which waits for nobody
end

describe("cancel", function()
    it("ends what is held with ECANCELED, and knows a request no more when it is delivered", function()
        local message, errno
        aio.hold()
        local id = aio.stat("/", function(_, m, e) message, errno = m, e end)
        assert.is_true(aio.cancel(id))
        aio.release()
        finish()
        assert.equal("Operation canceled", message)
        assert.equal(125, errno)
        local ok, _, code = aio.cancel(id)
        assert.is_nil(ok)
        assert.equal(2, code)
        -- The place of the request is used again, its id is another one.
        local other = aio.stat("/", function() end)
        assert.is_nil((aio.cancel(id)))
        finish()
        assert.not_equal(id, other)
    end)

    it("cannot end what runs on a worker", function()
        local fd
        local id, unblock = blocked(function(result) fd = result end)
        local writer
        local ok, _, errno
        assert.is_true(support.eventually(function()
            ok, _, errno = aio.cancel(id)
            return ok or errno == 114
        end))
        writer = unblock()
        finish()
        assert.is_true(ok == nil or fd == nil)
        if fd then test.close(fd) end
        test.close(writer)
    end)

    it("takes ids only", function()
        assert.error_matches(function() aio.cancel("x") end, "request: number expected")
        assert.error_matches(function() aio.cancel() end, "request: number expected")
        assert.error_matches(function() aio.cancel(0) end, "request: out of range")
        for _, id in ipairs({ 1, 2, 2 ^ 24, 2 ^ 52 + 5 }) do
            local ok, _, errno = aio.cancel(id)
            assert.is_nil(ok)
            assert.equal(2, errno)
        end
    end)
end)

describe("hold and release", function()
    it("collect what is submitted between them", function()
        aio.max_parallel(0)
        local before = aio.stats().completed
        local called = 0
        assert.is_true(aio.hold())
        for _ = 1, 50 do aio.stat("/etc/passwd", function() called = called + 1 end) end
        assert.equal(50, aio.nreqs())
        aio.poll()
        assert.equal(0, called)
        assert.is_true(aio.release())
        finish()
        assert.equal(50, called)
        assert.equal(before + 50, aio.stats().completed)
        local ok, _, errno = aio.release()
        assert.is_nil(ok)
        assert.equal(22, errno)
    end)

    it("are batch's, also when its function raises", function()
        local called = 0
        assert.equal("result", aio.batch(function(n)
            for _ = 1, n do aio.stat("/", function() called = called + 1 end) end
            return "result"
        end, 20))
        finish()
        assert.equal(20, called)
        local ok, problem = pcall(aio.batch, function()
            aio.stat("/", function() called = called + 1 end)
            error("inside", 0)
        end)
        assert.is_false(ok)
        assert.equal("inside", problem)
        assert.is_nil((aio.release()))
        finish()
        assert.equal(21, called)
    end)
end)

describe("the context", function()
    it("tells statistics, counts and engines", function()
        local before = aio.stats()
        for _ = 1, 10 do aio.stat("/", function() end) end
        aio.nop(function() end)
        finish()
        local after = aio.stats()
        assert.equal(before.submitted + 11, after.submitted)
        assert.equal(before.completed + 11, after.completed)
        assert.equal(0, after.outstanding)
        assert.is_true(aio.count("stat") >= 10)
        assert.is_true(aio.count() >= aio.count("stat"))
        assert.is_true(aio.count("nop", "inline") <= aio.count("nop"))
        assert.error_matches(function() aio.count("nonsense") end, "operation: no such name")
        assert.error_matches(function() aio.count(nil, "nonsense") end, "engine: no such name")
        assert.error_matches(function() aio.count(7) end, "operation: string expected, got number")
        local workers = aio.engine_info("workers")
        assert.is_true(workers.works)
        assert.equal("string", type(workers.reason))
        assert.is_true(aio.probe("workers"))
        local ring, _, errno = aio.probe("ring")
        assert.equal(aio.engine_info("ring").works, ring == true)
        assert.is_true(ring == true or errno > 0)
        assert.error_matches(function() aio.probe("nonsense") end, "invalid option")
        assert.matches("^%d+%.%d+%.%d+$", aio.version())
    end)

    it("changes its workers", function()
        assert.is_true(aio.min_parallel(3))
        assert.is_true(support.eventually(function() return aio.stats().workers >= 3 end))
        assert.is_true(aio.max_parallel(1))
        assert.equal(1, aio.stats().workers)
        assert.is_true(aio.rebind())
        local ok, _, errno = aio.min_parallel(5000)
        assert.is_nil(ok)
        assert.equal(22, errno)
        assert.error_matches(function() aio.min_parallel(-1) end, "count: out of range")
        assert.error_matches(function() aio.min_parallel() end, "count: number expected")
        assert.is_true(aio.max_parallel(32))
    end)

    it("registers files", function()
        local file = io.open("/etc/passwd")
        local ok, _, errno = aio.file_register(file)
        assert.is_true(ok == true or errno > 0)
        if ok then assert.is_true(aio.file_unregister(file)) end
        assert.is_nil((aio.file_unregister(file)))
        file:close()
    end)

    it("takes every option of the header", function()
        local header = support.content(assert(os.getenv("AIOC_HEADER")))
        local source = support.content(support.here .. "/src/option.c")
        local inside = { size = true, flags = true, reserved = true }
        local count = 0
        for field in header:match("typedef struct aioc_options {(.-)}"):gsub("/%*.-%*/", ""):gmatch("uint32_t ([%w_]+);") do
            count = count + 1
            local name = field:gsub("_ms$", "")
            assert.truthy(inside[field] or source:find('"' .. name .. '"', 1, true), field .. " is a new option")
        end
        assert.is_true(count >= 9)
        for flag in header:match("aioc_options.flags %*/(.-)typedef"):gmatch("#define AIOC_([%w_]+)") do
            assert.truthy(source:find('"' .. flag:lower() .. '"', 1, true), flag .. " is a new flag")
            count = count + 1
        end
        assert.is_true(count >= 14)
    end)

    it("takes options before its first use only", function()
        local output, status = output_of([[
            local aio = require "aioclone"
            local function fails(pattern, options)
                local ok, problem = pcall(aio.configure, options)
                assert(not ok and problem:find(pattern), problem)
            end
            fails("nonsense: no such option", { nonsense = 1 })
            fails("engine: no such choice", { engine = "steam" })
            fails("max_workers: number expected", { max_workers = "x" })
            fails("max_outstanding: number expected", { max_outstanding = -1 })
            fails("table expected")
            local ok, message, errno = aio.configure { min_workers = 5, max_workers = 3 }
            assert(ok == nil and errno == 22, message)
            assert(aio.configure { engine = "workers", spawner = "pthread", max_workers = 2, max_outstanding = 5,
                idle_timeout = 0.5, device_workers = 1, no_ring = true, local_paths = true, one_core = true, in_order = false })
            fails("in use already", {})
            local called, refused = 0, 0
            for i = 1, 7 do
                local id, _, errno = aio.stat("/", function(st) assert(st) called = called + 1 end)
                if not id then refused = refused + 1 assert(errno == 11) end
            end
            while aio.nreqs() > 0 do aio.wait() aio.poll() end
            assert(called == 5 and refused == 2)
            assert(aio.count("stat", "workers") == 5)
            assert(aio.engine_info("workers").spawner == (os.getenv("AIOC_SPAWNER") or "pthread"))
            print "right"
        ]])
        assert.equal("right\n", output)
        assert.equal(0, status)
    end)
end)

describe("wait", function()
    it("returns at once when nothing is outstanding, or results wait", function()
        assert.is_false(aio.wait())
        assert.is_false(aio.wait(10))
        aio.nop(function() end)
        assert.is_true(aio.wait())
        assert.is_true(aio.wait(0))
        assert.equal(1, aio.poll())
        assert.equal(0, aio.poll())
    end)

    it("returns after its time, given in seconds", function()
        local _, unblock = blocked(function(fd) test.close(fd) end)
        local begun = test.now()
        assert.is_false(aio.wait(0.05))
        local elapsed = test.now() - begun
        assert.is_true(elapsed >= 0.049, elapsed)
        assert.is_true(elapsed < 30, elapsed)
        assert.error_matches(function() aio.wait(-1) end, "seconds: out of range")
        assert.error_matches(function() aio.wait("x") end, "number expected")
        local writer = unblock()
        finish()
        test.close(writer)
    end)
end)

describe("probe_operation", function()
    it("says what this kernel has", function()
        assert.is_true(aio.probe_operation("stat"))
        local ok, _, errno = aio.probe_operation("nonsense")
        assert.is_nil(ok)
        assert.equal(22, errno)
    end)
end)
