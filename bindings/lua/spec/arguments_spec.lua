-- SPDX-License-Identifier: MIT
-- Wrong arguments: Lua's own error, which names the argument. Nothing is submitted.
local aio = require "aioclone"
local support = require "support"
local file_with, result_of, test = support.file_with, support.result_of, support.test
local nothing = function() end

local function refuses(pattern, f, ...)
    local arguments, count = { ... }, select("#", ...)
    local ok, message = pcall(function()
        local _ = f((table.unpack or unpack)(arguments, 1, count)) -- no tail call: that has no name
        return _
    end)
    assert.is_false(ok)
    assert.matches(pattern, message)
    assert.equal(0, aio.nreqs())
end

describe("an argument", function()
    it("of the wrong type is named", function()
        refuses("bad argument #1 .*path: string expected, got no value", aio.stat)
        refuses("bad argument #1 .*path: string expected, got nil", aio.stat, nil, nothing)
        refuses("bad argument #1 .*path: string expected, got number", aio.stat, 3, nothing)
        refuses("bad argument #1 .*path: string expected, got table", aio.unlink, {}, nothing)
        refuses("bad argument #1 .*fd: descriptor or file expected, got string", aio.fsync, "3", nothing)
        refuses("bad argument #1 .*fd: descriptor or file expected, got boolean", aio.close, true, nothing)
        refuses("bad argument #2 .*length: number or buffer expected, got function", aio.read, 0, nothing)
        refuses("bad argument #2 .*length: number or buffer expected, got string", aio.read, 0, "10", 0, nothing)
        refuses("bad argument #3 .*offset: number expected, got function", aio.read, 0, 10, nothing)
        refuses("bad argument #3 .*offset: number expected, got string", aio.read, 0, 10, "0", nothing)
        refuses("bad argument #2 .*data: string or buffer expected, got number", aio.write, 0, 10, 0, nothing)
        refuses("bad argument #2 .*data: string or buffer expected, got userdata", aio.write, 0, io.stdout, 0, nothing)
        refuses("bad argument #2 .*flags: number expected, got table", aio.open, "/", {}, nothing)
        refuses("bad argument #2 .*flags: invalid mode", aio.open, "/", "q", nothing)
        refuses("bad argument #2 .*flags: invalid mode", aio.open, "/", "rw", nothing)
        refuses("bad argument #3 .*mode: number expected, got string", aio.open, "/", "r", "644", nothing)
    end)

    it("beyond the last is the callback, or refused", function()
        refuses("bad argument #2 .*callback: function expected, got number", aio.stat, "/", 1)
        refuses("bad argument #2 .*callback: function expected, got table", aio.stat, "/", {})
        refuses("bad argument #1 .*callback: function expected, got number", aio.nop, 1, nothing)
    end)

    it("that is no callback is missed outside of coroutines", function()
        refuses("bad argument #2 .*callback: function .*expected, got no value", aio.stat, "/")
        refuses("bad argument #1 .*callback: function .*expected, got no value", aio.nop)
        refuses("bad argument #2 .*callback: function .*expected, got nil", aio.stat, "/", nil)
    end)

    it("with a NUL in a path is refused, and nothing happens to the part before it", function()
        local path = file_with("secret")
        refuses("bad argument #1 .*path: contains a NUL byte", aio.unlink, path .. "\0x", nothing)
        refuses("bad argument #1 .*path: contains a NUL byte", aio.open, path .. "\0", "w", nothing)
        assert.equal("secret", support.content(path))
    end)

    it("that is a number must be an exact integer", function()
        refuses("offset: number has no .*integer", aio.read, 0, 10, 1.5, nothing)
        refuses("offset: number has no .*integer", aio.read, 0, 10, 0 / 0, nothing)
        refuses("offset: number has no .*integer", aio.read, 0, 10, math.huge, nothing)
        refuses("length: number has no .*integer", aio.read, 0, 10.25, 0, nothing)
        refuses("length: out of range", aio.read, 0, -1, 0, nothing)
        refuses("fd: out of range", aio.fsync, 2 ^ 40, nothing)
        refuses("mode: out of range", aio.open, "/", "r", -1, nothing)
        if math.type then
            refuses("offset: number has no .*integer", aio.read, 0, 10, 2 ^ 64, nothing)
        else
            refuses("offset: number has no .*integer", aio.read, 0, 10, 2 ^ 53 + 2, nothing)
        end
    end)

    it("that is a closed file is refused", function()
        local file = io.open("/dev/null")
        file:close()
        refuses("bad argument #1 .*fd: the file is closed", aio.fsync, file, nothing)
    end)
end)

describe("what the operating system refuses", function()
    it("reaches the callback, or the coroutine, also when the library saw it", function()
        for errno, call in pairs({
            [36] = function(cb) return aio.stat(("x"):rep(5000), cb) end,
            [22] = function(cb) return aio.read(0, 10, -1, cb) end,
            [9] = function(cb) return aio.fsync(-1, cb) end,
            [2] = function(cb) return aio.stat("", cb) end,
        }) do
            local value, message, code = result_of(call)
            assert.is_nil(value)
            assert.equal("string", type(message))
            assert.equal(errno, code)
            value, message, code = aio.run(call)
            assert.is_nil(value)
            assert.equal("string", type(message))
            assert.equal(errno, code)
        end
    end)
end)

describe("an argument is taken", function()
    it("as a Lua file, which stays open until the completion", function()
        local path = file_with("0123456789")
        local data = result_of(function(cb)
            local id = aio.read(io.open(path), 3, 2, cb)
            collectgarbage()
            collectgarbage()
            return id
        end)
        assert.equal("234", data)
        local file = io.open(path)
        assert.equal(10, result_of(function(cb) return aio.fstat(file, cb) end).size)
        file:close()
    end)

    it("as a mode like that of io.open", function()
        local path = file_with("old")
        local function open(mode)
            local fd, _, errno = result_of(function(cb) return aio.open(path, mode, cb) end)
            if fd then
                assert.is_true(test.cloexec(fd))
                test.close(fd)
            end
            return fd, errno
        end
        assert.truthy(open())
        assert.truthy(open("rb"))
        assert.truthy(open("a"))
        assert.equal("old", support.content(path))
        assert.equal(17, (select(2, open("wx"))))
        assert.truthy(open("w+b"))
        assert.equal("", support.content(path))
        os.remove(path)
        assert.equal(2, (select(2, open("r+"))))
        assert.truthy(open("w"))
        assert.truthy(open("r+"))
    end)

    it("as O_ flags, as they are, and with a mode", function()
        local path = support.path()
        local fd = result_of(function(cb) return aio.open(path, aio.O_CREAT + aio.O_RDWR, 384, cb) end)
        assert.is_false(test.cloexec(fd))
        test.close(fd)
        assert.equal(384, test.lstat(path).mode % 512)
    end)

    it("as nil at the end, which is as if it were not there", function()
        assert.equal("number", type(aio.run(function()
            local fd = aio.open("/dev/null", nil, nil, nil)
            aio.close(fd)
            return fd
        end)))
    end)

    it("as an offset of 64 bits, exact", function()
        local path = "/dev/shm/aioclone-spec-" .. test.getpid()
        local fd = test.open(path, aio.O_RDWR + aio.O_CREAT)
        for _, offset in ipairs({ 5 * 2 ^ 30 + 1, 2 ^ 53 - 1 }) do
            if math.type then offset = math.tointeger(offset) end
            assert.equal(1, result_of(function(cb) return aio.write(fd, "x", offset, cb) end))
            assert.equal("x", result_of(function(cb) return aio.read(fd, 10, offset, cb) end))
            assert.equal("\0x", result_of(function(cb) return aio.read(fd, 10, offset - 1, cb) end))
            assert.equal(offset + 1, result_of(function(cb) return aio.fstat(fd, cb) end).size)
        end
        if math.type then
            local offset = math.tointeger(2 ^ 62) + 1 -- a double would be rounded to 1 << 62
            assert.equal(1, result_of(function(cb) return aio.write(fd, "y", offset, cb) end))
            local st = result_of(function(cb) return aio.fstat(fd, cb) end)
            assert.equal(offset + 1, st.size)
            assert.equal("integer", math.type(st.size))
            assert.equal("\0y", result_of(function(cb) return aio.read(fd, 10, offset - 1, cb) end))
        end
        test.close(fd)
        os.remove(path)
    end)
end)
