-- SPDX-License-Identifier: MIT

--- The module for programs whose loop is cqueues: its operations wait in the controller's coroutines.
--
--     local cqueues = require "cqueues"
--     local aio = require "aioclone.cqueues"
--     local loop = cqueues.new()
--     loop:wrap(function()
--         local fd = assert(aio.open("/etc/passwd"))
--         print(aio.read(fd, 15, 7))
--     end)
--     assert(loop:loop())
--
-- Everything of `aioclone` is here, but `run`, which the controller's `loop` replaces. In plain Lua 5.1 `each` takes
-- operations only: it cannot yield, so that no function could be started.
-- @module aioclone.cqueues

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local core = require "aioclone.core"
local aioclone = require "aioclone"

-- What cqueues.poll wants of an object.
local readable = { pollfd = core.fileno(), events = "r" }

-- Each controller with requests has one coroutine that waits for the descriptor.
local watching = setmetatable({}, { __mode = "k" })
local function watch()
    local controller = cqueues.running()
    if not controller or watching[controller] then return end
    watching[controller] = true
    controller:wrap(function()
        while core.nreqs() > 0 do
            cqueues.poll(readable, 1) -- another controller may have taken what was ours
            local ok, problem = pcall(core.poll)
            if not ok then
                watching[controller] = nil
                watch()
                error(problem, 0)
            end
        end
        watching[controller] = nil
    end)
end

local waiting = setmetatable({}, { __mode = "k" })
local function suspend()
    local co = coroutine.running()
    local signal = waiting[co] or condition.new()
    waiting[co] = signal
    signal:wait()
end
local function wake(co)
    local signal = waiting[co]
    if signal then signal:signal() end
end
local function spawn(f, ...)
    local controller = cqueues.running()
    if not controller then error("aioclone.cqueues: spawn outside of a controller", 2) end
    return controller:wrap(f, ...)
end

return aioclone.adapt(suspend, wake, spawn, watch)
