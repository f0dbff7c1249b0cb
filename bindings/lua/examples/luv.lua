-- SPDX-License-Identifier: MIT
-- Inside libuv's loop: coroutines that wait for files, while a timer ticks.
local aio = require "aioclone"
local uv = require "luv"

local watcher = uv.new_poll(aio.fileno())
watcher:start("r", aio.poll)
local ticks = uv.new_timer()
ticks:start(0, 1, function() end)

aio.spawn(function()
    local total = 0
    for _, st in aio.each({ "/etc/passwd", "/etc/group", "/etc/hostname" }, aio.stat, 2) do
        total = total + (st and st.size or 0)
    end
    print(total .. " bytes")
    watcher:close()
    ticks:close()
end)
uv.run()
