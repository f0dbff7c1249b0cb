// SPDX-License-Identifier: MIT
// The router's one table: what each operation costs, and which engine waits for it under which circumstances.
#include <iterator>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" { // its header does not say so, and its macros spoil the names of the standard library
#include <cmocka.h>
}

#include "core/operation_table.hpp"
#include "engine/router.hpp"

#include <linux/fs.h>
#include <string.h>
#include <vector>

using namespace aioc;

namespace {

// Every code of the table.
const std::vector<uint16_t> operations = [] {
    std::vector<uint16_t> codes;
    for (uint16_t code = 1; find_operation(code); ++code) {
        codes.push_back(code);
    }
    return codes;
}();

Request make(uint16_t operation, uint64_t length = 0) {
    Request r;
    memset(static_cast<void *>(&r), 0, sizeof r);
    r.operation = operation;
    r.length = length;
    return r;
}

struct Routed {
    uint32_t engine;
    uint32_t pace;
};
Routed route(const EngineChoice &choice, Request r, const Circumstances &is) {
    Router(choice).route(&r, is);
    return {r.engine, r.pace};
}
uint32_t engine_of(const Request &r, const Circumstances &is = {}, const EngineChoice &choice = {}) {
    return route(choice, r, is).engine;
}

const Circumstances direct{true, false, false};
const Circumstances missed{false, true, false};
const Circumstances crowded{false, true, true};

void every_operation_has_a_rule(void **) {
    assert_true(operations.size() >= AIOC_OP_BUSY);
    for (const uint16_t code : operations) {
        const Request r = make(code);
        assert_true(Router::cost_of(r) > 0);
        const uint32_t engine = engine_of(r);
        assert_true(engine == AIOC_ENGINE_WORKERS || engine == AIOC_ENGINE_RING);
    }
}

void cost_rises_with_length_for_transfers_only(void **) {
    for (const uint16_t operation : operations) {
        uint32_t before = Router::cost_of(make(operation));
        const uint32_t least = before;
        for (uint64_t length = 1; length != 0; length <<= 1) {
            const uint32_t cost = Router::cost_of(make(operation, length));
            assert_true(cost >= before);
            before = cost;
        }
        const bool transfers = operation == AIOC_OP_READ || operation == AIOC_OP_WRITE;
        assert_int_equal(before > least, transfers);
        assert_true(Router::cost_of(make(operation, UINT64_MAX)) >= least); // no wrap
    }
}

struct Expected {
    uint16_t operation;
    Circumstances is;
    uint32_t engine;
};

// Where nothing is forced and the ring works.
void table_of_circumstances(void **) {
    const Expected table[] = {
        {AIOC_OP_NOP, {}, AIOC_ENGINE_WORKERS},          {AIOC_OP_NOP, crowded, AIOC_ENGINE_WORKERS},
        {AIOC_OP_OPEN, missed, AIOC_ENGINE_WORKERS},     {AIOC_OP_OPEN, crowded, AIOC_ENGINE_RING},
        {AIOC_OP_CLOSE, {}, AIOC_ENGINE_WORKERS},        {AIOC_OP_CLOSE, crowded, AIOC_ENGINE_WORKERS},
        {AIOC_OP_READ, {}, AIOC_ENGINE_WORKERS},         {AIOC_OP_READ, direct, AIOC_ENGINE_RING},
        {AIOC_OP_READ, missed, AIOC_ENGINE_RING},        {AIOC_OP_WRITE, {}, AIOC_ENGINE_WORKERS},
        {AIOC_OP_WRITE, direct, AIOC_ENGINE_RING},       {AIOC_OP_WRITE, missed, AIOC_ENGINE_WORKERS},
        {AIOC_OP_READAHEAD, {}, AIOC_ENGINE_WORKERS},    {AIOC_OP_READAHEAD, crowded, AIOC_ENGINE_WORKERS},
        {AIOC_OP_STAT, missed, AIOC_ENGINE_WORKERS},     {AIOC_OP_STAT, crowded, AIOC_ENGINE_RING},
        {AIOC_OP_LSTAT, missed, AIOC_ENGINE_WORKERS},    {AIOC_OP_LSTAT, crowded, AIOC_ENGINE_RING},
        {AIOC_OP_FSTAT, crowded, AIOC_ENGINE_WORKERS},   {AIOC_OP_UNLINK, {}, AIOC_ENGINE_WORKERS},
        {AIOC_OP_UNLINK, crowded, AIOC_ENGINE_RING},     {AIOC_OP_FSYNC, {}, AIOC_ENGINE_WORKERS},
        {AIOC_OP_FSYNC, crowded, AIOC_ENGINE_RING},      {AIOC_OP_FDATASYNC, {}, AIOC_ENGINE_WORKERS},
        {AIOC_OP_FDATASYNC, crowded, AIOC_ENGINE_RING},  {AIOC_OP_MKDIR, {}, AIOC_ENGINE_WORKERS},
        {AIOC_OP_RENAME, crowded, AIOC_ENGINE_RING},     {AIOC_OP_STATX, crowded, AIOC_ENGINE_RING},
        {AIOC_OP_READDIR, crowded, AIOC_ENGINE_WORKERS}, {AIOC_OP_READV, direct, AIOC_ENGINE_RING},
        {AIOC_OP_WRITEV, {}, AIOC_ENGINE_WORKERS},       {AIOC_OP_FALLOCATE, {}, AIOC_ENGINE_WORKERS},
        {AIOC_OP_FALLOCATE, crowded, AIOC_ENGINE_RING},  {AIOC_OP_SPLICE, crowded, AIOC_ENGINE_WORKERS},
        {AIOC_OP_BUSY, crowded, AIOC_ENGINE_WORKERS},
    };
    for (const Expected &e : table) {
        const uint32_t engine = engine_of(make(e.operation), e.is);
        if (engine != e.engine) {
            fail_msg("operation %u (direct %d, missed %d, crowded %d): engine %u, not %u", e.operation, e.is.direct,
                     e.is.missed, e.is.crowded, engine, e.engine);
        }
    }
}

void durable_write_is_slow_and_goes_to_the_ring_when_no_worker_is_left(void **) {
    for (const uint32_t flags : {uint32_t{RWF_DSYNC}, uint32_t{RWF_SYNC}}) {
        Request write = make(AIOC_OP_WRITE, 4096);
        write.operation_flags = flags;
        const Routed routed = route({}, write, {});
        assert_int_equal(routed.engine, AIOC_ENGINE_WORKERS);
        assert_int_equal(routed.pace, pace_slow);
        assert_int_equal(engine_of(write, crowded), AIOC_ENGINE_RING);
    }
    assert_int_equal(engine_of(make(AIOC_OP_WRITE, 4096)), AIOC_ENGINE_WORKERS);
    Request read = make(AIOC_OP_READ, 4096);
    read.operation_flags = RWF_DSYNC;
    assert_int_equal(engine_of(read), AIOC_ENGINE_WORKERS);
}

// What waits is expected to be slow: it gets a worker of its own.
void pace_follows_what_is_known(void **) {
    assert_int_equal(route({}, make(AIOC_OP_READ, 4096), {}).pace, pace_quick);
    assert_int_equal(route({}, make(AIOC_OP_READ, 4096), missed).pace, pace_slow);
    assert_int_equal(route({}, make(AIOC_OP_READ, 4096), direct).pace, pace_slow);
    for (const uint16_t operation : {AIOC_OP_FSYNC, AIOC_OP_FDATASYNC, AIOC_OP_READAHEAD, AIOC_OP_FLOCK, AIOC_OP_BUSY,
                                     AIOC_OP_COPY_FILE_RANGE, AIOC_OP_FCNTL}) {
        assert_int_equal(route({}, make(operation), {}).pace, pace_slow);
    }
}

// Which of them it can serve is for the engine to say.
// The ring's threads are few, and a server that hangs would take them all.
void what_asks_a_server_goes_to_workers(void **) {
    for (const uint16_t operation : operations) {
        for (Circumstances is : {Circumstances{}, direct, missed, crowded}) {
            is.remote = true;
            const Routed routed = route({}, make(operation), is);
            assert_int_equal(routed.engine, AIOC_ENGINE_WORKERS);
            assert_int_equal(routed.pace, pace_slow);
        }
    }
}

void forced_ring_takes_what_has_an_opcode(void **) {
    EngineChoice ring;
    ring.inline_engine = false;
    ring.ring_for_all = true;
    for (const uint16_t operation : {AIOC_OP_NOP, AIOC_OP_OPEN, AIOC_OP_READ, AIOC_OP_WRITE, AIOC_OP_READAHEAD,
                                     AIOC_OP_STAT, AIOC_OP_UNLINK, AIOC_OP_FSYNC, AIOC_OP_MKDIR, AIOC_OP_TEE,
                                     AIOC_OP_FADVISE, AIOC_OP_MADVISE, AIOC_OP_GETXATTR, AIOC_OP_FTRUNCATE}) {
        for (const Circumstances &is : {Circumstances{}, direct, missed, crowded}) {
            const uint32_t expected = operation == AIOC_OP_READAHEAD ? AIOC_ENGINE_WORKERS : AIOC_ENGINE_RING;
            assert_int_equal(engine_of(make(operation), is, ring), expected);
        }
    }
}

void without_a_ring_workers_take_all(void **) {
    EngineChoice none;
    none.ring = false;
    for (const uint16_t operation : operations) {
        for (const Circumstances &is : {Circumstances{}, direct, missed, crowded}) {
            assert_int_equal(engine_of(make(operation), is, none), AIOC_ENGINE_WORKERS);
        }
    }
}

// Two cores for a batch of what moves data or names; not for what waits for a device, or costs nothing.
void only_quick_work_is_shared(void **) {
    for (const uint16_t operation : {AIOC_OP_READ, AIOC_OP_WRITE, AIOC_OP_STAT, AIOC_OP_OPEN}) {
        assert_true(Router::shares(make(operation)));
    }
    for (const uint16_t operation : {AIOC_OP_NOP, AIOC_OP_FSYNC, AIOC_OP_FDATASYNC, AIOC_OP_READAHEAD}) {
        assert_false(Router::shares(make(operation)));
    }
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_has_a_rule),
        cmocka_unit_test(cost_rises_with_length_for_transfers_only),
        cmocka_unit_test(table_of_circumstances),
        cmocka_unit_test(durable_write_is_slow_and_goes_to_the_ring_when_no_worker_is_left),
        cmocka_unit_test(pace_follows_what_is_known),
        cmocka_unit_test(what_asks_a_server_goes_to_workers),
        cmocka_unit_test(forced_ring_takes_what_has_an_opcode),
        cmocka_unit_test(without_a_ring_workers_take_all),
        cmocka_unit_test(only_quick_work_is_shared),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
