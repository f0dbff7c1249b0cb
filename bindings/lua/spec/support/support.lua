-- SPDX-License-Identifier: MIT
-- What the specs share. A spec that hangs is ended by its alarm.
local aio = require "aioclone"
local test = require "aioclone_test"
local support = { test = test }

test.alarm(150)
support.interpreter = assert(os.getenv("AIOC_LUA"), "AIOC_LUA names no Lua")
support.here = assert(os.getenv("AIOC_LUA_SOURCE"), "AIOC_LUA_SOURCE names no directory")

local directory = test.mkdtemp()
support.directory = directory
local files = 0

--- A new path.
function support.path()
    files = files + 1
    return directory .. "/" .. files
end

function support.file_with(text)
    local path = support.path()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
end

function support.content(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

--- Until nothing is outstanding.
function support.finish()
    while aio.nreqs() > 0 do
        aio.wait()
        aio.poll()
    end
end

--- Starts a request with start(callback): its results, and the number of times that it was called back.
function support.result_of(start)
    local calls, results = 0, nil
    local id = start(function(...)
        calls = calls + 1
        results = { n = select("#", ...), ... }
    end)
    assert(type(id) == "number" and id > 0, "no id")
    assert(calls == 0, "called back inside the call")
    support.finish()
    assert(calls == 1, "called back " .. calls .. " times")
    return (table.unpack or unpack)(results, 1, results.n)
end

--- Until the condition holds, up to 20 s.
function support.eventually(condition)
    for _ = 1, 2000 do
        if condition() then return true end
        test.pause(0.01)
    end
    return false
end

function support.descriptors()
    return #test.list("/proc/self/fd")
end

--- Resident memory in KiB.
function support.memory()
    local file = io.open("/proc/self/statm")
    local pages = file:read("*a"):match("%d+ (%d+)")
    file:close()
    return tonumber(pages) * 4
end

--- Runs a chunk in a new process: what it printed (with errors), and its status.
function support.output_of(chunk, more)
    local script = support.file_with(chunk)
    local pipe = io.popen(("timeout 60 %s %s %s 2>&1; echo status=$?"):format(support.interpreter, script, more or ""))
    local output = pipe:read("*a")
    pipe:close()
    local text, status = output:match("^(.*)status=(%d+)\n$")
    return text, tonumber(status)
end

--- Runs a function in a child process: true if it returned true and the child ended by itself.
function support.in_child(body)
    local pid = test.fork()
    if pid == 0 then
        test.alarm(60)
        local ok, result = pcall(body)
        if not ok then io.stderr:write(tostring(result), "\n") end
        test.exit(ok and result and 0 or 1)
    end
    return test.waitpid(pid) == 0
end

return support
