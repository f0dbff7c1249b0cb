-- SPDX-License-Identifier: MIT

--- Asynchronous file operations for Lua 5.1 to 5.4 and LuaJIT.
--
-- Every operation begins at once and has two forms. With a function as the last argument it returns the request's id,
-- and the function is called by `poll` with the result. Without one it waits in the coroutine that calls it, while
-- others run, and returns the result.
--
-- Results: what the operation gives (a descriptor, a string, a number of bytes, a `stat`), or `true`. Errors of the
-- system: `nil`, its message, its errno. A wrong argument raises an error that names it.
--
-- Descriptors are numbers; a Lua file (of `io.open`) may stand in their place. Numbers are exact: a fraction is refused,
-- and before Lua 5.3 one above 2^53 too. A string goes to `write`, and comes from `read`; a @{buffer} to both.
--
--     local aio = require "aioclone"
--     aio.run(function()
--         local fd = assert(aio.open("/etc/passwd"))
--         print(aio.read(fd, 15, 7))
--         aio.close(fd)
--     end)
--
-- In an event loop: watch `fileno`, and call `poll` when it is readable. For copas and cqueues there are modules:
-- `aioclone.copas`, `aioclone.cqueues`.
--
-- @module aioclone
-- @license MIT

local core = require "aioclone.core"
local unpack = table.unpack or unpack
local select = select

local aio = {}
for name, value in pairs(core) do
    aio[name] = value
end
aio._VERSION = "aioclone " .. core.version()
aio.unclassified = nil -- for the tests
aio.pread, aio.pwrite = core.read, core.write

-- The functions that take a callback.
local is_operation = {}
for _, name in ipairs(core.operations()) do
    if core[name] then
        is_operation[core[name]] = true
    end
end

local function pack(...)
    return { n = select("#", ...), ... }
end

-- Plain Lua 5.1 cannot yield from the iterator of a "for".
local iterators_yield = coroutine.resume(coroutine.create(function()
    for _ in function() coroutine.yield() end do end
end))

-- Resumes; an error is the caller's.
local function resume(co, ...)
    local ok, problem = coroutine.resume(co, ...)
    if not ok then
        error(problem, 0)
    end
end

--- Starts a function in a coroutine of its own. It runs until it waits for the first time.
-- An error before that is raised here, one after that by `poll`.
-- @tparam function f
-- @param ... its arguments
-- @treturn thread the coroutine
function aio.spawn(f, ...)
    local co = coroutine.create(f)
    resume(co, ...)
    return co
end

-- Polls until nothing is outstanding, or the condition holds.
local function poll_until(condition)
    while not condition() do
        if core.nreqs() == 0 then
            return false
        end
        core.wait()
        core.poll()
    end
    return true
end

--- Runs a function in a coroutine, and polls until it has ended and nothing is outstanding: the whole loop of a program
-- that has no other.
-- An error in the function, a callback or a coroutine is raised; what is outstanding then is not lost, the next `run` or
-- `poll` goes on.
-- @tparam function f
-- @param ... its arguments
-- @return what the function returns
function aio.run(f, ...)
    local results
    aio.spawn(function(...)
        results = pack(f(...))
    end, ...)
    poll_until(function() return false end)
    if not results then
        error("aioclone: the function waits for something that is no request", 2)
    end
    return unpack(results, 1, results.n)
end

--- Starts together what a function submits: between `hold` and `release`, also if it raises an error.
-- @tparam function f must not wait
-- @param ... its arguments
-- @return what the function returns
function aio.batch(f, ...)
    core.hold()
    local results = pack(pcall(f, ...))
    core.release()
    if not results[1] then
        error(results[2], 0)
    end
    return unpack(results, 2, results.n)
end

-- `each` for a scheduler: suspend() waits in the running coroutine until wake(co).
local function each_of(api, suspend, wake, started_some)
    return function(items, f, limit)
        limit = limit or 64
        if type(items) ~= "table" then
            error("bad argument #1 to 'each' (items: table expected, got " .. type(items) .. ")", 2)
        end
        if type(f) ~= "function" then
            error("bad argument #2 to 'each' (f: function expected, got " .. type(f) .. ")", 2)
        end
        if type(limit) ~= "number" or limit < 1 then
            error("bad argument #3 to 'each' (limit: positive number expected)", 2)
        end
        local ready, first, last = {}, 1, 0
        local started, running, count = 0, 0, #items
        local waiter, finished

        local function done(index, ...)
            running = running - 1
            if finished then
                return
            end
            last = last + 1
            ready[last] = pack(index, ...)
            if waiter then
                local co = waiter
                waiter = nil
                wake(co)
            end
        end

        local ids = {}
        local function start()
            started = started + 1
            running = running + 1
            local index, item = started, items[started]
            if is_operation[f] then
                ids[index] = f(item, function(...)
                    ids[index] = nil
                    return done(index, ...)
                end)
            else
                api.spawn(function()
                    return done(index, f(item))
                end)
            end
        end

        local function start_some()
            while running < limit and started < count do
                start()
            end
        end

        local function wait()
            local co, is_main = coroutine.running()
            if co and not is_main and iterators_yield then
                waiter = co
                suspend()
                return first <= last
            end
            return poll_until(function() return first <= last end)
        end

        local function close() -- the loop was left early
            finished = true
            for _, id in pairs(ids) do
                core.cancel(id)
            end
        end

        local function step()
            if not finished and running < limit and started < count then
                if is_operation[f] and limit - running > 1 then
                    aio.batch(start_some)
                else
                    start_some()
                end
                started_some()
            end
            while first > last do
                if running == 0 and started == count then
                    finished = true
                    return nil
                end
                if not wait() then
                    error("aioclone: each waits for something that is no request", 0)
                end
            end
            local result = ready[first]
            ready[first] = nil
            first = first + 1
            return unpack(result, 1, result.n)
        end

        local closing = setmetatable({}, { __close = close })
        return step, nil, nil, closing
    end
end

--- Does something for each item of a list, a bounded number at a time, and iterates over the results as they come.
--
--     for i, st, err in aio.each(paths, aio.stat, 64) do
--         print(paths[i], st and st.size or err)
--     end
--
-- Leaving the loop early drops the other results; in Lua 5.4 the requests are cancelled. In a coroutine of plain Lua 5.1
-- it polls while it waits, because an iterator cannot yield there.
-- @tparam table items
-- @tparam function f an operation of this module whose only argument is the item; or a function that gets the item in a
-- coroutine of its own, may wait there, and whose results are the results
-- @tparam[opt=64] number limit of items at a time
-- @return an iterator: the item's index, then the results
function aio.each(items, f, limit) end -- luacheck: ignore
aio.each = each_of(aio, coroutine.yield, resume, function() end)

--- The operations in a form that waits in the coroutines of another scheduler.
-- @tparam function suspend gives up the running coroutine until it is woken
-- @tparam function wake gets that coroutine, and lets it go on, at once or later
-- @tparam function spawn starts a function in a coroutine of the scheduler
-- @tparam[opt] function started is called after each submission: the place to watch `fileno`
-- @treturn table a module like this one, without `run`
function aio.adapt(suspend, wake, spawn, started)
    started = started or function() end
    local api = {}
    for name, value in pairs(aio) do
        api[name] = value
    end
    api.run, api.adapt = nil, nil
    api.spawn = function(...)
        return spawn(...)
    end
    for name, operation in pairs(core) do
        if is_operation[operation] then
            api[name] = function(...)
                local count = select("#", ...)
                if count > 0 and type((select(count, ...))) == "function" then
                    local id, message, errno = operation(...)
                    started()
                    return id, message, errno
                end
                local co = coroutine.running()
                local results, waits
                local arguments = { ... }
                -- After the last argument that is not nil, as the operation would.
                while count > 0 and arguments[count] == nil do
                    count = count - 1
                end
                arguments[count + 1] = function(...)
                    results = pack(...)
                    if waits then
                        wake(co)
                    end
                end
                local id, message, errno = operation(unpack(arguments, 1, count + 1))
                if not id then
                    return nil, message, errno
                end
                started()
                while not results do
                    waits = true
                    suspend()
                    waits = false
                end
                return unpack(results, 1, results.n)
            end
        end
    end
    api.pread, api.pwrite = api.read, api.write
    local each = each_of(api, suspend, wake, started)
    local raw = {} -- the core's operation, which takes a callback, by the one of this table
    for name, operation in pairs(core) do
        if is_operation[operation] then
            raw[api[name]] = operation
        end
    end
    api.each = function(items, f, limit)
        return each(items, raw[f] or f, limit)
    end
    return api
end

return aio
