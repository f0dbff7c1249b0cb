// SPDX-License-Identifier: MIT
// Worker zone: read_full and write_full, pread(2) and pwrite(2) until everything is there.
#include "composite/zone.hpp"

namespace aioc {
namespace {

// One call moves at most 2,147,479,552 bytes (read(2)); here less, so that a cancel is seen.
AIOC_INLINE long transfer_all(Request& r, long number) noexcept {
    uint64_t done = 0;
    while (done < r.length) {
        if (must_stop(r)) {
            return -ECANCELED;
        }
        const uint64_t left = r.length - done;
        const long n = sys::call(number, r.fd, static_cast<char*>(r.buffer) + done,
                                 left < zone::piece ? left : zone::piece, static_cast<uint64_t>(r.offset) + done);
        if (n == -EINTR) {
            continue;
        }
        if (n < 0) {
            return n;
        }
        if (n == 0) {
            break;
        }
        done += static_cast<uint64_t>(n);
        sys::add(r.composite->bytes, static_cast<uint64_t>(n));
    }
    return static_cast<long>(done);
}

} // namespace

long execute_read_full(Request& r) noexcept { return transfer_all(r, SYS_pread64); }

long execute_write_full(Request& r) noexcept {
    const long result = transfer_all(r, SYS_pwrite64);
    // pwrite(2) that writes nothing says no error, and would for ever.
    return result >= 0 && static_cast<uint64_t>(result) < r.length ? -EIO : result;
}

} // namespace aioc
