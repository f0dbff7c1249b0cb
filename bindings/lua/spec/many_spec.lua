-- SPDX-License-Identifier: MIT
-- Many requests, and nothing left of them.
local aio = require "aioclone"
local support = require "support"
local file_with, finish, test = support.file_with, support.finish, support.test

local path = file_with(("x"):rep(5000))
local fd = test.open(path, aio.O_RDONLY)

describe("10,000 concurrent requests", function()
    it("of stat complete, as callbacks", function()
        local right = 0
        for _ = 1, 10000 do
            aio.stat(path, function(st) if st.size == 5000 then right = right + 1 end end)
        end
        assert.equal(10000, aio.nreqs())
        finish()
        assert.equal(10000, right)
    end)

    it("of stat complete, as coroutines", function()
        local right = 0
        aio.run(function()
            for _ = 1, 10000 do
                aio.spawn(function() if aio.stat(path).size == 5000 then right = right + 1 end end)
            end
            assert.equal(10000, aio.nreqs())
        end)
        assert.equal(10000, right)
    end)
end)

describe("100,000 requests", function()
    -- Entries of a table, and of the tables in it: what a registry that grows would show.
    local function entries(table)
        local count = 0
        for _, value in pairs(table) do
            count = count + 1
            if type(value) == "table" then
                for _ in pairs(value) do count = count + 1 end
            end
        end
        return count
    end

    -- Each kind, with errors among them.
    local function round(count)
        local right = 0
        local buffer = aio.buffer(300)
        for i = 1, count do
            local kind = i % 8
            local function check(ok) if ok then right = right + 1 end end
            if kind == 0 then aio.stat(path, function(st) check(st.size == 5000) end)
            elseif kind == 1 then aio.stat("/nonexistent", function(_, _, errno) check(errno == 2) end)
            elseif kind == 2 then aio.read(fd, 4096, 10, function(data) check(#data == 4096) end)
            elseif kind == 3 then aio.read(fd, buffer, 10, function(n) check(n == 300) end)
            elseif kind == 4 then aio.write(fd, "data", 0, function(_, _, errno) check(errno == 9) end)
            elseif kind == 5 then aio.stat(("x"):rep(5000), function(_, _, errno) check(errno == 36) end)
            elseif kind == 6 then
                aio.spawn(function()
                    local opened = aio.open(path)
                    check(aio.close(opened) == true)
                end)
            else
                pcall(aio.read, fd, 10, "wrong", check)
                aio.nop(check)
            end
            if i % 500 == 0 then finish() end
        end
        finish()
        assert.equal(count, right)
    end

    it("leave no memory, descriptors or registry entries", function()
        local registry = debug.getregistry()
        round(20000) -- reaches the steady state
        collectgarbage()
        collectgarbage()
        local descriptors, memory, lua = support.descriptors(), support.memory(), collectgarbage("count")
        local before = entries(registry)
        round(100000)
        collectgarbage()
        collectgarbage()
        assert.equal(descriptors, support.descriptors())
        assert.equal(before, entries(registry))
        assert.is_true(collectgarbage("count") - lua < 200, collectgarbage("count") - lua)
        assert.is_true(support.memory() - memory < 4000, support.memory() - memory)
    end)
end)

describe("a tree's checksum", function()
    -- Adler-32 of a file's text.
    local function checksum(text)
        local a, b = 1, 0
        for at = 1, #text, 64 do
            for i, byte in ipairs({ text:byte(at, at + 63) }) do
                a = a + byte
                b = b + a
                assert(i <= 64)
            end
            a, b = a % 65521, b % 65521
        end
        return b * 65536 + a
    end

    -- All regular files below, without libraries of others: directories are those that can be listed.
    local function files_below(directory, list)
        for _, name in ipairs(test.list(directory)) do
            local entry = directory .. "/" .. name
            local kind = math.floor(test.lstat(entry).mode / 4096)
            if kind == 4 then files_below(entry, list) elseif kind == 8 then list[#list + 1] = entry end
        end
        return list
    end

    it("equals the one of Lua's own io", function()
        local list = files_below(support.here .. "/../../libaio-clone", {})
        assert.is_true(#list > 50)
        local expected = {}
        for i, name in ipairs(list) do expected[i] = checksum(support.content(name)) end
        local sums = {}
        aio.run(function()
            for i, text in aio.each(list, function(name)
                local opened = assert(aio.open(name))
                local parts, at = {}, 0
                while true do -- in pieces, to have several reads of each
                    local data = assert(aio.read(opened, 5000, at))
                    if data == "" then break end
                    parts[#parts + 1] = data
                    at = at + #data
                end
                assert(aio.close(opened))
                return table.concat(parts)
            end, 64) do
                sums[i] = checksum(text)
            end
        end)
        assert.same(expected, sums)
    end)
end)
