// SPDX-License-Identifier: MIT
#include "core/synchronous.hpp"

#include "worker/job_queue.hpp"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

namespace aioc {

void run_synchronously(RequestList& requests, ReadyList* ready) noexcept {
    const int saved_errno = errno;
    sigset_t raised; // by a write: SIGPIPE, and SIGXFSZ beyond RLIMIT_FSIZE
    sigset_t before;
    sigset_t pending;
    sigemptyset(&raised);
    sigaddset(&raised, SIGPIPE);
    sigaddset(&raised, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &raised, &before);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) || sigismember(&pending, SIGXFSZ);
    while (Request* const r = requests.take_first()) {
        if (Request* const complete = aioc_zone_execute(r)) {
            aioc_zone_finish(complete);
            ready->push(complete);
        }
        const timespec now{0, 0};
        while (!was_pending && sigtimedwait(&raised, nullptr, &now) > 0) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = saved_errno;
}

} // namespace aioc
