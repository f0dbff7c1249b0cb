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
-- Descriptors are numbers; a Lua file (of `io.open`) may stand in their place. Numbers are exact: a fraction is
-- refused,
-- and before Lua 5.3 one above 2^53 too. A string goes to `write`, and comes from `read`; a `buffer` to both.
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
-- @function spawn
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
-- An error in the function, a callback or a coroutine is raised; what is outstanding then is not lost, the next `run`
-- or
-- `poll` goes on.
-- @tparam function f
-- @param ... its arguments
-- @return what the function returns
-- @function run
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
-- @function batch
function aio.batch(f, ...)
    core.hold()
    local results = pack(pcall(f, ...))
    core.release()
    if not results[1] then
        error(results[2], 0)
    end
    return unpack(results, 2, results.n)
end

-- `submit` for a scheduler.
local function submit_of(suspend, wake, started)
    return function(list)
        local co, is_main = coroutine.running()
        local first = type(list) == "table" and list[1]
        if type(first) ~= "table" or first.callback or not co or is_main then
            local ids = core.submit(list)
            started()
            return ids
        end
        local results, left, waits = {}, #list, false
        local elements = {}
        for i, element in ipairs(list) do
            local copy = {}
            for name, value in pairs(element) do
                copy[name] = value
            end
            copy.callback = function(...)
                results[i] = pack(...)
                left = left - 1
                if element.callback then
                    element.callback(...)
                end
                if left == 0 and waits then
                    wake(co)
                end
            end
            elements[i] = copy
        end
        for i, id in ipairs(core.submit(elements)) do
            if not id then
                results[i] = { n = 2, nil, "it could not be queued" }
                left = left - 1
            end
        end
        started()
        while left > 0 do
            waits = true
            suspend()
        end
        return results
    end
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
-- Leaving the loop early drops the other results; in Lua 5.4 the requests are cancelled. In a coroutine of plain Lua
-- 5.1
-- it polls while it waits, because an iterator cannot yield there.
-- @tparam table items
-- @tparam function f an operation of this module whose only argument is the item; or a function that gets the item in a
-- coroutine of its own, may wait there, and whose results are the results
-- @tparam[opt=64] number limit of items at a time
-- @return an iterator: the item's index, then the results
-- @function each
function aio.each(items, f, limit) end -- luacheck: ignore
aio.submit = submit_of(coroutine.yield, resume, function() end)

aio.each = each_of(aio, coroutine.yield, resume, function() end)

-- `walk` for a scheduler: its walk_next waits.
local function walk_of(api)
    return function(path, flags)
        local walk, message = core.walk_create(path, flags)
        if not walk then
            error("aioclone: " .. message, 2)
        end
        local list, at = {}, 0
        local function ask()
            local co, is_main = coroutine.running()
            if co and not is_main and iterators_yield then
                return api.walk_next(walk)
            end
            local results
            core.walk_next(walk, function(...)
                results = pack(...)
            end)
            poll_until(function() return results end)
            return unpack(results, 1, results.n)
        end
        local closing = setmetatable({}, { __close = function() walk:destroy() end })
        return function()
            at = at + 1
            while list and not list[at] do
                local problem
                list, problem = ask()
                at = 1
                if list == nil then
                    error("aioclone: " .. problem, 0)
                end
            end
            if not list then
                walk:destroy()
                return nil
            end
            return list[at]
        end, nil, nil, closing
    end
end

--- Iterates over a tree, whatever its size, while workers read ahead. Links are entries, and not followed.
--
--     for entry in aio.walk("/usr/share") do
--         print(entry.directory, entry.name, entry.type)
--     end
--
-- An entry has `name`, `directory` (from the root, which is ""), `type`, `inode`, `depth`; with `WALK_STAT` its `stat`;
-- and
-- `error`, `errno`, if this directory could not be read.
-- @function walk
-- @tparam string path
-- @tparam[opt=0] number flags `WALK_STAT`
-- @return an iterator; it raises an error if the root cannot be read
aio.walk = walk_of(aio)

--- Makes a group: a request that completes when it is closed (`group_close`) and all its members have completed. They
-- join by the field `group` of `submit`. `group_info` tells about it; `cancel` cancels it and its members.
-- @function group
-- @tparam[opt] function callback gets the number of members that succeeded, or nil, message, errno of the first error
-- @treturn number the group's id
function aio.group(callback)
    return core.group(callback or function() end)
end

--- The operations in a form that waits in the coroutines of another scheduler.
-- @tparam function suspend gives up the running coroutine until it is woken
-- @tparam function wake gets that coroutine, and lets it go on, at once or later
-- @tparam function spawn starts a function in a coroutine of the scheduler
-- @tparam[opt] function started is called after each submission: the place to watch `fileno`
-- @treturn table a module like this one, without `run`
-- @function adapt
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
    api.submit = submit_of(suspend, wake, started)
    api.walk = walk_of(api)
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

--- Operations.
-- All take a function as an optional last argument, see above. Those without a description are their system calls: the
-- arguments as in the manual (constants are fields of this module), the result `true` or the call's own number.
-- @section operations

--- Opens or creates a file.
-- @function open
-- @tparam string path
-- @tparam[opt="r"] string|number flags a mode as for `io.open`, with "x" for a file that must be new, which implies
-- O_CLOEXEC; or a sum of `O_` constants, as it is
-- @tparam[opt=438] number mode of a new file
-- @treturn number a descriptor

--- Reads, as pread(2).
-- @function read
-- @param fd descriptor or Lua file
-- @tparam number|buffer length how much at most; or a buffer to fill
-- @tparam number offset in the file
-- @treturn string|number the bytes ("" at the end of the file); with a buffer their number

--- Writes, as pwrite(2).
-- @function write
-- @param fd descriptor or Lua file
-- @tparam string|buffer data
-- @tparam number offset in the file
-- @treturn number how many bytes were written, which may be less

--- The status of a file.
-- @function stat
-- @tparam string path
-- @return an object with the fields dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, type ("file",
-- "directory", "link", "fifo", "socket", "char", "block"), and atime, mtime, ctime, birthtime as {sec, nsec}; birthtime
-- is
-- nil where the file system has none. Its method `table` gives a table of them.

--- As `stat`, of a link itself.
-- @function lstat
-- @tparam string path

--- As `stat`, of an open file.
-- @function fstat
-- @param fd descriptor or Lua file

--- The entries of a directory.
-- @function readdir
-- @tparam string path
-- @tparam[opt=0] number flags `READDIR_STAT_ORDER`, `READDIR_DIRS_FIRST`
-- @treturn table names, without "." and ".."
-- @treturn table their types as in `stat`, or "unknown"
-- @treturn table their inode numbers

--- Changes times.
-- @function utimens
-- @tparam string path
-- @tparam[opt] table times `atime` and `mtime`, each {sec, nsec}, a number of seconds or "now"; an absent one stays.
-- Without
-- the table both become now.
-- @tparam[opt=0] number flags `AT_SYMLINK_NOFOLLOW`

--- Reads into several buffers.
-- @function readv
-- @param fd descriptor or Lua file
-- @tparam table buffers
-- @tparam number offset in the file
-- @treturn number bytes

--- Writes several strings and buffers.
-- @function writev
-- @param fd descriptor or Lua file
-- @tparam table data
-- @tparam number offset in the file
-- @treturn number bytes

--- A whole file, also one of /proc that says it is empty.
-- @function load
-- @tparam string path
-- @tparam[opt=0] number limit longer ones are refused (EFBIG); 0: none
-- @treturn string

--- Gives a file a new content in one step: whoever reads has the old or the new one, also after a crash.
-- @function replace
-- @tparam string path
-- @tparam string|buffer data
-- @tparam[opt=0] number mode 0: the old file's
-- @treturn number bytes

--- One directory, directories first.
-- @function scandir
-- @tparam string path
-- @treturn table names
-- @treturn table their types as in `stat`
-- @treturn number how many of them are directories

--- Copies what is at a path, with all that is in it. So do `move` and `remove_tree` what they say; they have no
-- symbolic
-- link followed.
-- @function copy_tree
-- @tparam string path
-- @tparam string path2 must not exist, without `COPY_OVERWRITE`
-- @tparam[opt=0] number flags a sum of `COPY_` constants
-- @treturn number of items; or nil, message, errno of the first error
-- @treturn table a report: `items`, `bytes`, `errors`, and `error`, `errno`, `path` of the first error

--- How far such a request is: a report.
-- @function progress
-- @tparam number id
-- @treturn table

--- Completions.
-- @section completions

--- Delivers what has completed: calls back, resumes coroutines. Ignores its arguments.
-- @function poll
-- @treturn number of requests

--- Waits until results wait, a signal came, or nothing is outstanding.
-- @function wait
-- @tparam[opt] number seconds at most
-- @treturn boolean whether results wait

--- The descriptor that is readable while results wait. Do not read or close it.
-- @function fileno
-- @treturn number

--- How many requests are outstanding.
-- @function nreqs
-- @treturn number

--- Requests.
-- @section requests

--- Cancels a request. `nil, message, errno` if it runs already (EALREADY) or was delivered (ENOENT).
-- @function cancel
-- @tparam number id
-- @return true: it will complete with ECANCELED

--- Submits a list of operations, with all that their functions cannot say.
-- Each is a table: its operation's name first, and the fields `fd`, `dirfd` (where a relative path begins), `path`,
-- `fd2`,
-- `dirfd2`, `path2`, `flags`, `mode`, `length`, `buffer` (to fill or use), `data` (to write), `vectors`, `times`,
-- `offset`,
-- `offset2`, `argument`, `uid`, `gid`, as its system call has them; `priority` (-4 to 4, the first), `timeout`
-- (seconds, then
-- it completes with ETIMEDOUT), `group` (of `group`), `link` (true: the next one starts when this one has succeeded,
-- and is
-- cancelled otherwise); `callback`.
-- @function submit
-- @tparam table list
-- @treturn table the ids, with false for what could not be queued. In a coroutine, if the first one has no callback:
-- waits
-- for all, and gives the list of their results, each a list itself

--- No more members.
-- @function group_close
-- @tparam number group

--- Keeps a group supplied: calls the feeder while the group has fewer than `limit` members outstanding, now and, in
-- `poll`, as they complete. The feeder adds members (`submit`, with the field `group`) and must not wait.
--
--     local group = aio.group(function(succeeded) print(succeeded) end)
--     local next_path = io.lines("paths")
--     aio.group_feed(group, 64, function(group)
--         local path = next_path()
--         if not path then return false end -- that was all: the group is closed
--         aio.submit { { "stat", path = path, group = group, callback = got } }
--         return true
--     end)
--
-- A feeder that returns true without having added any is called again when a member has completed, or by the next
-- `group_feed`. One that raises an error ends the group with ECANCELED; the error is raised by `poll`, or here.
-- @function group_feed
-- @tparam number group
-- @tparam number limit members at a time; 0 pauses
-- @tparam[opt] function feeder gets the group, and returns whether there are more; none: the one that the group has
-- @return true, or nil, message, errno

--- `outstanding`, `succeeded`, `failed`, `first_error` (an errno or 0), `closed`.
-- @function group_info
-- @tparam number group
-- @treturn table

--- What is submitted from now on starts with the matching `release`, together.
-- @function hold

--- See `hold`.
-- @function release

--- Memory.
-- @section memory

--- Memory that reads fill and writes take. Its methods: `string([first [, last]])`, the bytes; `set(string [,
-- position])`;
-- `view(first [, last])`, a buffer that is a part of it; `release()`, for those of the pool. Positions as in
-- `string.sub`.
-- From a page in size on it begins at a page, as O_DIRECT wants it.
-- @function buffer
-- @tparam[opt] number size in bytes; none: one of the pool
-- @return the buffer

--- Gives the context a pool of buffers that the kernel knows, once. `buffer_info` tells about it.
-- @function buffer_create
-- @tparam number size of each in bytes
-- @tparam number count

--- The context.
-- @section context

--- Sets options, before the first other call: `engine` ("auto", "inline", "ring", "workers"), `spawner` ("auto",
-- "clone",
-- "pthread"), `min_workers`, `max_workers`, `idle_timeout` (seconds), `max_outstanding`, `device_workers`, and as
-- booleans `single_threaded`, `one_core`, `no_ring`, `local_paths`, `in_order`. See aioc_create(3).
-- @function configure
-- @tparam table options

--- At least so many workers.
-- @function min_parallel
-- @tparam number count

--- At most so many workers; waits until the others have ended. 0: waits until all have.
-- @function max_parallel
-- @tparam number count

--- Starts new workers that inherit everything: after seccomp, unshare and the like.
-- @function rebind

--- Makes io_uring know a file, which is faster. `file_unregister` it before it is closed.
-- @function file_register
-- @param fd descriptor or Lua file

--- See `file_register`.
-- @function file_unregister
-- @param fd descriptor or Lua file

--- The pool: `count`, `taken`, `buffer_size`, `registered`.
-- @function buffer_info
-- @treturn table

--- Counters since the beginning, see aioc_stats(3).
-- @function stats
-- @treturn table

--- How many requests of an operation an engine has run.
-- @function count
-- @tparam[opt] string operation all, if absent
-- @tparam[opt] string engine all, if absent
-- @treturn number

--- What the context knows of an engine: `works`, `errno`, `reason`, `spawner`.
-- @function engine_info
-- @tparam string engine
-- @treturn table

--- Whether an engine can be used in this process.
-- @function probe
-- @tparam string engine
-- @return true, or nil, message, errno

--- Whether this kernel has what an operation needs.
-- @function probe_operation
-- @tparam string operation
-- @return true, or nil, message, errno

--- The names of all operations, by their codes.
-- @function operations
-- @treturn table

--- The version of the library in use.
-- @function version
-- @treturn string

return aio
