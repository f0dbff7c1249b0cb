-- SPDX-License-Identifier: MIT
-- The examples run: the README's first, those with an output in them, and the files in examples/.
local support = require "support"
local output_of = support.output_of

local readme = support.content(support.here .. "/README.md")
local examples = {}
for code in readme:gmatch("```lua\n(.-)```") do examples[#examples + 1] = code end

describe("the README", function()
    it("has a first example that runs", function()
        local output, status = output_of(examples[1])
        assert.equal(0, status, output)
        local passwd = support.content("/etc/passwd")
        local lines = {}
        for line in (output:gsub(passwd:sub(8, 22), "THE BYTES", 1)):gmatch("[^\n]+") do lines[#lines + 1] = line end
        assert.truthy(output:find(passwd:sub(8, 22), 1, true), output)
        assert.truthy(output:find("\n" .. #passwd .. "\n", 1, true), output)
        assert.matches("/etc/passwd\t" .. #passwd, output)
        assert.matches("/nonexistent\tNo such file or directory", output)
    end)

    it("has others that run too", function()
        local output, status = output_of('local aio = require "aioclone"\n' .. examples[2])
        assert.equal("file\n", output)
        assert.equal(0, status)
        output, status = output_of('local aio = require "aioclone"\n' .. examples[3]
            .. '\naio.stat("/etc", function(st) print(st.type) os.exit(0) end) uv.run()')
        assert.equal("directory\n", output)
        assert.equal(0, status)
    end)
end)

describe("the example", function()
    it("of the seed prints what it read", function()
        local output, status = output_of(support.content(support.here .. "/examples/seed.lua"))
        assert.equal(0, status, output)
        assert.truthy(output:find(support.content("/etc/passwd"):sub(8, 22), 1, true), output)
        assert.matches("%d+ bytes\n", output)
        assert.matches("closed\n", output)
    end)

    it("of luv prints a sum", function()
        local output, status = output_of(support.content(support.here .. "/examples/luv.lua"))
        assert.equal(0, status, output)
        assert.matches("^%d+ bytes\n$", output)
    end)
end)
