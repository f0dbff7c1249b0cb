-- SPDX-License-Identifier: MIT
-- The module against luv in one run: their rounds alternate, each keeps 64 requests outstanding.
-- Usage: lua bench.lua [--rounds N] [--files N] [--dir EXISTING_DIRECTORY] [--c PATH_OF_aioclone-bench]
--        [--path PATTERN] [--cpath PATTERN]: where the module is
--    or: cmake --build build/release --target bench-lua
-- Prints medians of requests a second and of the process's CPU time a request. Fails below twice luv's requests, and
-- with --c, which measures the same in C, above 0.4 us more CPU than that.
local depth = 64
local rounds, files, directory, c_bench = 9, 20000, nil, nil
for i = 1, #arg, 2 do
    local name, value = arg[i], arg[i + 1]
    if name == "--rounds" then rounds = tonumber(value)
    elseif name == "--files" then files = tonumber(value)
    elseif name == "--dir" then directory = value
    elseif name == "--c" then c_bench = value
    elseif name == "--path" then package.path = value .. ";" .. package.path
    elseif name == "--cpath" then package.cpath = value .. ";" .. package.cpath
    else error("unknown option " .. name) end
end
local aio = require "aioclone"
local uv = require "luv"
directory = assert(uv.fs_mkdtemp((directory or "/tmp") .. "/aioclone-bench-XXXXXX"))

local paths = {}
local text = ("x"):rep(1000)
for i = 1, files do
    paths[i] = directory .. "/" .. i
    local file = assert(io.open(paths[i], "wb"))
    file:write(text)
    file:close()
end
local cached_path = directory .. "/cached"
do
    local file = assert(io.open(cached_path, "wb"))
    file:write(("y"):rep(4096 * 256))
    file:close()
end
local cached = assert(uv.fs_open(cached_path, "r", 0))

-- Keeps `depth` of `count` outstanding: start(i, next) begins the i-th and calls next() when it has completed.
local function drive(count, start, loop)
    local started, done = 0, 0
    local function next()
        done = done + 1
        if started < count then
            started = started + 1
            start(started, next)
        end
    end
    local function first()
        for _ = 1, depth do
            if started < count then
                started = started + 1
                start(started, next)
            end
        end
    end
    loop(first)
    assert(done == count)
end

local function aio_loop(first)
    aio.batch(first)
    while aio.nreqs() > 0 do
        aio.wait()
        aio.poll()
    end
end
-- As it runs inside another loop: libuv waits for our descriptor.
local function embedded_loop(first)
    local watcher = uv.new_poll(aio.fileno())
    first()
    watcher:start("r", function()
        aio.poll()
        if aio.nreqs() == 0 then
            watcher:stop()
        end
    end)
    uv.run()
    watcher:close()
    uv.run()
end
local function uv_loop(first)
    first()
    uv.run()
end

local function aio_stat(i, next)
    aio.stat(paths[i], function(st) assert(st.size == 1000) next() end)
end
local function aio_read(i, next)
    aio.read(cached, 4096, i % 256 * 4096, function(data) assert(#data == 4096) next() end)
end
local function aio_whole(i, next)
    aio.open(paths[i], "r", function(fd)
        aio.read(fd, 4096, 0, function(data)
            assert(#data == 1000)
            aio.close(fd, next)
        end)
    end)
end
local function uv_stat(i, next)
    uv.fs_stat(paths[i], function(_, st) assert(st.size == 1000) next() end)
end
local function uv_read(i, next)
    uv.fs_read(cached, 4096, i % 256 * 4096, function(_, data) assert(#data == 4096) next() end)
end
local function uv_whole(i, next)
    uv.fs_open(paths[i], "r", 0, function(_, fd)
        uv.fs_read(fd, 4096, 0, function(_, data)
            assert(#data == 1000)
            uv.fs_close(fd, next)
        end)
    end)
end
local function aio_whole_coroutines()
    local function whole(path)
        local fd = aio.open(path)
        local data = aio.read(fd, 4096, 0)
        aio.close(fd)
        return #data
    end
    aio.run(function()
        for _, size in aio.each(paths, whole, depth) do assert(size == 1000) end
    end)
end

-- name, requests of an item, name in aioclone-bench, luv's and ours; the first of ours is compared.
local workloads = {
    { "stat", 1, "stat", { "luv", function() drive(files, uv_stat, uv_loop) end },
        { "aioclone", function() drive(files, aio_stat, aio_loop) end },
        { "aioclone in luv's loop", function() drive(files, aio_stat, embedded_loop) end } },
    { "cached 4 KiB read", 1, "read-cached", { "luv", function() drive(files, uv_read, uv_loop) end },
        { "aioclone", function() drive(files, aio_read, aio_loop) end },
        { "aioclone in luv's loop", function() drive(files, aio_read, embedded_loop) end } },
    { "small file (3 requests)", 3, "open-read-close", { "luv", function() drive(files, uv_whole, uv_loop) end },
        { "aioclone", function() drive(files, aio_whole, aio_loop) end },
        { "aioclone in luv's loop", function() drive(files, aio_whole, embedded_loop) end },
        { "aioclone, coroutines", aio_whole_coroutines } },
    { "nop", 1, "nop", nil,
        { "aioclone", function() drive(files, function(_, next) aio.nop(next) end, aio_loop) end } },
}

local function measure(run)
    collectgarbage()
    collectgarbage()
    local begun, cpu = uv.hrtime(), os.clock()
    run()
    return (uv.hrtime() - begun) / 1e9, os.clock() - cpu
end
local function median(list)
    table.sort(list)
    return list[math.floor((#list + 1) / 2)]
end

-- CPU nanoseconds a request in C.
local function of_c(workload, requests)
    local pipe = io.popen(("%s --workload %s --depth %d --subjects aioclone --rounds 5 --seconds 0.3 --json /dev/stdout"
        .. " --dir %s 2>/dev/null"):format(c_bench, workload, depth, directory))
    local output = pipe:read("*a")
    pipe:close()
    local ns = output:match('"cpu_ns_per_op": *([%d.]+)')
    return ns and tonumber(ns) / requests
end

local failures = {}
print(("%s, %s, luv %s; %d outstanding, %d items, medians of %d rounds"):format(aio._VERSION, jit and jit.version or _VERSION,
    uv.version_string(), depth, files, rounds))
print(("%-24s %-24s %12s %12s %16s"):format("workload", "subject", "requests/s", "CPU us/req", "lowest..highest"))
for _, workload in ipairs(workloads) do
    local name, requests, c_name = workload[1], workload[2], workload[3]
    local subjects = {}
    for i = 4, 8 do
        if workload[i] then subjects[#subjects + 1] = { name = workload[i][1], run = workload[i][2], rate = {}, cpu = {} } end
    end
    for _, subject in ipairs(subjects) do measure(subject.run) end -- warms up
    for round = 1, rounds do
        for i = 1, #subjects do
            local subject = subjects[(i + round) % #subjects + 1]
            local elapsed, cpu = measure(subject.run)
            subject.rate[round] = files * requests / elapsed
            subject.cpu[round] = cpu / files / requests * 1e6
        end
    end
    local peer, ours
    for _, subject in ipairs(subjects) do
        local rate, cpu = median(subject.rate), median(subject.cpu)
        print(("%-24s %-24s %12.0f %12.2f %16s"):format(name, subject.name, rate, cpu,
            ("%.0fk..%.0fk"):format(subject.rate[1] / 1e3, subject.rate[#subject.rate] / 1e3)))
        if subject.name == "luv" then peer = rate end
        if subject.name == "aioclone" then ours = { rate = rate, cpu = cpu } end
    end
    if peer then
        print(("%-24s %.2f times luv"):format("", ours.rate / peer))
        if ours.rate < 2 * peer then failures[#failures + 1] = name .. ": below twice luv" end
    end
    local ns = c_bench and of_c(c_name, requests)
    if ns then
        local more = ours.cpu - ns / 1000
        print(("%-24s %.2f us CPU in C, %.2f more in Lua"):format("", ns / 1000, more))
        if more > 0.4 then failures[#failures + 1] = name .. ": more than 0.4 us CPU above C" end
    end
    print()
end

for _, path in ipairs(paths) do os.remove(path) end
os.remove(cached_path)
os.remove(directory)
for _, failure in ipairs(failures) do print("missed: " .. failure) end
os.exit(#failures == 0 and 0 or 1)
