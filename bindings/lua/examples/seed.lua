-- SPDX-License-Identifier: MIT
-- The first example of Linux::AIO's manual, in Lua: open, read 15 bytes at offset 7, stat, close.
local aio = require "aioclone"
local path = arg and arg[1] or "/etc/passwd"

aio.open(path, "r", function(fd, err)
    assert(fd, err)
    aio.read(fd, 15, 7, function(data, problem)
        print(assert(data, problem))
        aio.close(fd, function(ok) print(ok and "closed") end)
    end)
end)
aio.stat(path, function(st, err) print(assert(st, err).size .. " bytes") end)

while aio.nreqs() > 0 do
    aio.wait()
    aio.poll()
end
