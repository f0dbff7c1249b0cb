-- SPDX-License-Identifier: MIT
local aio = require "aioclone"
local support = require "support"
local file_with, result_of, finish, test = support.file_with, support.result_of, support.finish, support.test

describe("a buffer", function()
    it("begins as zeros, and has a length", function()
        local buffer = aio.buffer(100)
        assert.equal(("\0"):rep(100), buffer:string())
        assert.equal(100, (getmetatable(buffer) == "aioclone.buffer") and 100)
        assert.matches("aioclone.buffer: 100 bytes", tostring(buffer))
        if _VERSION ~= "Lua 5.1" then assert.equal(100, #buffer) end
    end)

    it("is read and set as a string's positions", function()
        local buffer = aio.buffer(10):set("0123456789")
        assert.equal("0123456789", buffer:string())
        assert.equal("234", buffer:string(3, 5))
        assert.equal("789", buffer:string(-3))
        assert.equal("", buffer:string(5, 4))
        assert.equal("", buffer:string(11))
        assert.equal("0123456789", buffer:string(-100, 100))
        buffer:set("ab", 9)
        assert.equal("01234567ab", buffer:string())
        assert.error_matches(function() buffer:set("abc", 9) end, "does not fit")
        assert.error_matches(function() buffer:set("a", 0) end, "position: out of range")
        assert.error_matches(function() buffer:set("a", 12) end, "position: out of range")
        assert.error_matches(function() buffer.string() end, "aioclone.buffer expected")
        assert.error_matches(function() buffer.string(io.stdout) end, "aioclone.buffer expected")
        assert.error_matches(function() aio.buffer(0) end, "size: out of range")
        assert.error_matches(function() aio.buffer(1.5) end, "size: out of range")
        assert.error_matches(function() aio.buffer("x") end, "number expected")
    end)

    it("is filled by a read, whose result is the number of bytes", function()
        local fd = test.open(file_with("0123456789"), aio.O_RDONLY)
        local buffer = aio.buffer(6)
        assert.equal(6, result_of(function(cb) return aio.read(fd, buffer, 2, cb) end))
        assert.equal("234567", buffer:string())
        assert.equal(2, result_of(function(cb) return aio.read(fd, buffer, 8, cb) end))
        assert.equal("894567", buffer:string())
        assert.equal(0, result_of(function(cb) return aio.read(fd, buffer, 100, cb) end))
        test.close(fd)
    end)

    it("is written by a write", function()
        local path = file_with("")
        local fd = test.open(path, aio.O_WRONLY)
        local buffer = aio.buffer(4):set("wxyz")
        assert.equal(4, result_of(function(cb) return aio.write(fd, buffer, 0, cb) end))
        assert.equal(2, result_of(function(cb) return aio.write(fd, buffer:view(2, 3), 4, cb) end))
        test.close(fd)
        assert.equal("wxyzxy", support.content(path))
    end)

    it("has views of its memory, which keep it", function()
        local buffer = aio.buffer(10):set("0123456789")
        local view = buffer:view(3, 6)
        assert.equal("2345", view:string())
        view:set("ab")
        assert.equal("01ab456789", buffer:string())
        local inner = view:view(2, 3)
        assert.equal("b4", inner:string())
        buffer, view = nil, nil
        collectgarbage()
        collectgarbage()
        assert.equal("b4", inner:string())
        assert.error_matches(function() inner:view(3) end, "range: empty")
        assert.error_matches(function() inner:release() end, "a view cannot be released")
        assert.is_nil(buffer or view)
    end)

    it("of a page is fit for O_DIRECT", function()
        local path = support.here .. "/spec/.direct-" .. test.getpid()
        local file = io.open(path, "wb")
        if not file then return end
        file:write(("d"):rep(8192))
        file:close()
        local fd, message, errno = result_of(function(cb) return aio.open(path, aio.O_RDONLY + aio.O_DIRECT, 0, cb) end)
        if fd then
            local buffer = aio.buffer(8192)
            assert.equal(8192, result_of(function(cb) return aio.read(fd, buffer, 0, cb) end))
            assert.equal(("d"):rep(8192), buffer:string())
            test.close(fd)
        else
            assert.equal(22, errno, message) -- a file system without it
        end
        os.remove(path)
    end)
end)

describe("the pool of buffers", function()
    it("gives, takes back, and says when it is empty", function()
        assert.is_true(support.in_child(function() -- one pool a context
            local value, _, errno = aio.buffer()
            assert(value == nil and errno == 2)
            assert(aio.buffer_create(1000, 3) == true)
            value, _, errno = aio.buffer_create(1000, 3)
            assert(value == nil and errno == 17)
            local info = aio.buffer_info()
            assert(info.count == 3 and info.taken == 0 and info.buffer_size == 4096)
            local buffers = { aio.buffer(), aio.buffer(), aio.buffer() }
            assert(aio.buffer_info().taken == 3)
            value, _, errno = aio.buffer()
            assert(value == nil and errno == 105)
            buffers[1]:release()
            assert(aio.buffer_info().taken == 2)
            assert(not pcall(buffers[1].string, buffers[1]))
            assert(not pcall(aio.read, 0, buffers[1], 0, print))
            local fd = test.open(file_with(("p"):rep(5000)), aio.O_RDONLY)
            local size
            aio.read(fd, buffers[2], 0, function(n) size = n end)
            assert(not pcall(buffers[2].release, buffers[2])) -- in use
            finish()
            assert(size == 4096 and buffers[2]:string() == ("p"):rep(4096))
            local view = buffers[3]:view(1, 10)
            buffers = nil
            collectgarbage()
            collectgarbage()
            assert(aio.buffer_info().taken == 1) -- the view's
            assert(#view:string() == 10)
            view = nil
            collectgarbage()
            collectgarbage()
            assert(aio.buffer_info().taken == 0)
            return buffers == nil and view == nil
        end))
    end)
end)
