-- SPDX-License-Identifier: MIT

--- The module for programs whose loop is copas: its operations wait in copas' coroutines.
--
--     local copas = require "copas"
--     local aio = require "aioclone.copas"
--     copas.addthread(function()
--         local fd = assert(aio.open("/etc/passwd"))
--         print(aio.read(fd, 15, 7))
--     end)
--     copas.loop()
--
-- Everything of `aioclone` is here, but `run`, which `copas.loop` replaces.
-- @module aioclone.copas

local copas = require "copas"
local core = require "aioclone.core"
local aioclone = require "aioclone"

-- What select(2) and copas.receive want of a socket: our descriptor, which says "timeout" once.
local function descriptor()
    local waited = false
    return {
        getfd = core.fileno,
        dirty = function() return false end,
        settimeout = function() return 1 end,
        close = function() end, -- copas 1, when the thread ends
        receive = function()
            if waited then return "" end
            waited = true
            return nil, "timeout", ""
        end,
    }
end

-- While requests are outstanding one thread of copas waits for the descriptor, so that copas.loop can end.
local watching = false
local function watch()
    if watching then return end
    watching = true
    copas.addthread(function()
        while core.nreqs() > 0 do
            copas.receive(descriptor())
            local ok, problem = pcall(core.poll)
            if not ok then
                watching = false
                watch()
                error(problem, 0)
            end
        end
        watching = false
    end)
end

local suspend, wake
if copas.wakeup then -- since 2.0.2
    suspend = copas.pauseforever or function() copas.sleep(-1) end
    wake = copas.wakeup
else
    -- copas 1 takes a coroutine that yields nothing for ended, and closes its socket: it gets a queue that forgets.
    local parking = { insert = function() end, push = function() end }
    suspend = function() coroutine.yield(parking, parking) end
    wake = copas.addthread
end

return aioclone.adapt(suspend, wake, copas.addthread, watch)
