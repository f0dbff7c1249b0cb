-- SPDX-License-Identifier: MIT
-- Operations made of operations: whole files, copies, trees.
local aio = require "aioclone"
local support = require "support"
local file_with, path, test = support.file_with, support.path, support.test

-- A tree with two files, a directory and a link.
local function tree()
    local root = path()
    os.execute(("mkdir -p %s/sub && echo one > %s/one && echo two > %s/sub/two && ln -s one %s/link"):format(root, root, root, root))
    return root
end
local function exists(name) return (pcall(test.lstat, name)) end

describe("load and replace", function()
    it("take whole files", function()
        aio.run(function()
            local name = file_with(("0123456789"):rep(10000))
            assert.equal(100000, #aio.load(name))
            assert.equal(support.content("/proc/self/mounts"), aio.load("/proc/self/mounts")) -- says that it is empty
            local text, _, errno = aio.load(name, 5000)
            assert.is_nil(text)
            assert.equal(27, errno)
            assert.equal(5, aio.replace(name, "a\0new"))
            assert.equal("a\0new", support.content(name))
            assert.equal(3, aio.replace(path(), aio.buffer(3)))
            assert.is_true(aio.pathsync(name))
        end)
    end)
end)

describe("scandir and walk", function()
    it("list a directory and a tree", function()
        local root = tree()
        aio.run(function()
            local names, types, directories = aio.scandir(root)
            assert.equal(3, #names)
            assert.equal("sub", names[1])
            assert.equal("directory", types[1])
            assert.equal(1, directories)
            local seen = {}
            for entry in aio.walk(root, aio.WALK_STAT) do
                seen[(entry.directory ~= "" and entry.directory .. "/" or "") .. entry.name] = entry
            end
            assert.equal("file", seen.one.type)
            assert.equal(4, seen.one.stat.size)
            assert.equal("directory", seen.sub.type)
            assert.equal("link", seen.link.type)
            assert.equal(2, seen["sub/two"].depth)
            assert.is_nil(seen["sub/two"].error)
        end)
        -- Outside of a coroutine too.
        local count = 0
        for entry in aio.walk(root) do
            assert.is_nil(entry.stat)
            count = count + 1
        end
        assert.equal(4, count)
        assert.error_matches(function() for _ in aio.walk("/nonexistent") do end end, "No such file")
    end)

    it("may be left early, and ended", function()
        local before = support.descriptors()
        for _ in aio.walk("/usr/share") do break end
        local walk = aio.walk_create("/usr/share")
        local got
        aio.walk_next(walk, function(list) got = list end)
        support.finish()
        assert.is_true(#got > 0)
        walk:destroy()
        walk:destroy()
        assert.error_matches(function() aio.walk_next(walk, function() end) end, "walk: the walk is ended")
        assert.error_matches(function() aio.walk_next(5, function() end) end, "walk: walk expected, got number")
        collectgarbage()
        collectgarbage()
        support.finish()
        assert.is_true(support.eventually(function() return support.descriptors() <= before end))
    end)
end)

describe("trees", function()
    it("are copied, moved and removed, with a report", function()
        local root, copy, moved = tree(), path(), path()
        aio.run(function()
            local items, report = aio.copy_tree(root, copy, aio.COPY_ALL)
            assert.is_true(items >= 4)
            assert.equal(items, report.items)
            assert.equal(8, report.bytes)
            assert.equal(0, report.errors)
            assert.equal("two\n", support.content(copy .. "/sub/two"))
            assert.equal("link", aio.lstat(copy .. "/link").type)
            assert.truthy(aio.move(copy, moved))
            assert.is_false(exists(copy))
            items, report = aio.remove_tree(moved)
            assert.is_true(items >= 5)
            assert.equal(items, report.items)
            assert.is_false(exists(moved))
            local value, message, errno, failure = aio.copy_tree("/nonexistent", path())
            assert.is_nil(value)
            assert.equal("string", type(message))
            assert.equal(2, errno)
            assert.is_true(failure == nil or failure.errors >= 0)
            assert.equal(4, aio.copy(root .. "/one", path()))
            value, _, errno = aio.copy(root .. "/one", root .. "/sub/two")
            assert.is_nil(value)
            assert.equal(17, errno)
        end)
    end)

    it("say how far they are", function()
        local id = aio.remove_tree(tree(), function() end)
        local report, _, errno = aio.progress(id)
        assert.is_true(report and report.items >= 0 or errno == 2 or errno == 95)
        support.finish()
        report, _, errno = aio.progress(id)
        assert.is_nil(report)
        assert.equal(2, errno)
    end)
end)
