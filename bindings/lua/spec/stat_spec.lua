-- SPDX-License-Identifier: MIT
local aio = require "aioclone"
local support = require "support"
local file_with, result_of, test = support.file_with, support.result_of, support.test

local function stat_of(path) return (result_of(function(cb) return aio.stat(path, cb) end)) end
local function lstat_of(path) return (result_of(function(cb) return aio.lstat(path, cb) end)) end

describe("a stat", function()
    it("has the fields of stat(2), with nanoseconds", function()
        local path = file_with("12345678")
        test.utime(path, 1234567890, 987654321)
        local expected, st = test.lstat(path), stat_of(path)
        for _, name in ipairs({ "dev", "ino", "mode", "nlink", "uid", "gid", "rdev", "size", "blksize", "blocks" }) do
            assert.equal(expected[name], st[name], name)
        end
        for _, name in ipairs({ "atime", "mtime", "ctime" }) do
            assert.equal(expected[name .. "_sec"], st[name].sec, name)
            assert.equal(expected[name .. "_nsec"], st[name].nsec, name)
        end
        assert.equal(1234567890, st.mtime.sec)
        assert.equal(987654321, st.mtime.nsec)
        assert.equal("file", st.type)
        assert.is_true(st.birthtime == nil or st.birthtime.sec > 1234567890)
        if math.type then assert.equal("integer", math.type(st.size)) end
    end)

    it("knows all types", function()
        local link, fifo = support.path(), support.path()
        test.symlink("/etc", link)
        test.mkfifo(fifo)
        assert.equal("link", lstat_of(link).type)
        assert.equal("directory", stat_of(link).type)
        assert.equal("fifo", stat_of(fifo).type)
        assert.equal("char", stat_of("/dev/null").type)
        assert.equal(test.lstat("/dev/null").rdev, stat_of("/dev/null").rdev)
    end)

    it("has no other fields, and becomes a table", function()
        local st = stat_of("/etc/passwd")
        assert.is_nil(st.nonsense)
        assert.is_nil(st[1])
        local copy = st:table()
        assert.equal("table", type(copy))
        assert.equal(st.size, copy.size)
        assert.equal("file", copy.type)
        assert.equal(st.mtime.nsec, copy.mtime.nsec)
        local count = 0
        for _ in pairs(copy) do count = count + 1 end
        assert.is_true(count >= 14)
        if _VERSION ~= "Lua 5.1" then
            local seen = {}
            for name, value in pairs(st) do seen[name] = value end
            assert.equal(st.ino, seen.ino)
        end
        assert.matches("^aioclone.stat: file of %d+ bytes$", tostring(st))
        assert.is_false(pcall(function() st.size = 1 end))
        assert.is_false(pcall(st.table, 1))
        assert.equal("aioclone.stat", getmetatable(st))
    end)
end)
