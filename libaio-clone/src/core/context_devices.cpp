// SPDX-License-Identifier: MIT
// Limits per device: a remote file system that hangs takes only its own places.
#include "core/context.hpp"

#include <new>

namespace aioc {

Device* DeviceTable::find(uint64_t key) noexcept {
    // Those without requests may be another's next time: mounts come and go.
    Device* unused = nullptr;
    for (Device* d = first_.get(); d; d = d->next.get()) {
        if (d->key == key) {
            return d;
        }
        if (d->given == 0 && !d->waiting.head) {
            unused = d;
        }
    }
    if (unused) {
        unused->key = key;
        return unused;
    }
    std::unique_ptr<Device> device(count_ < devices_max ? new (std::nothrow) Device : nullptr);
    if (!device) {
        return nullptr;
    }
    device->key = key;
    device->next = std::move(first_);
    first_ = std::move(device);
    ++count_;
    return first_.get();
}

// How many requests of one remote device the workers may have at once.
uint32_t Context::places() const noexcept {
    constexpr uint32_t reserve_share = 8; // one worker of so many is for the others, and at least one
    const uint32_t workers = workers_.max();
    if (device_workers_ > 0) {
        return device_workers_;
    }
    const uint32_t reserve = workers >= reserve_share ? workers / reserve_share : 1;
    return workers > reserve ? workers - reserve : workers;
}

// With the lock held. False: it waits until another one of its device is delivered.
bool Context::take_place(Request* r, uint64_t key) noexcept {
    if (in_order_ || places() >= workers_.max()) {
        return true;
    }
    if (has_plan(*r) && plans_.of(*r)->device) {
        return true; // it was kept for this one
    }
    Device* const device = devices_.find(key);
    Plan* const plan = !device ? nullptr : has_plan(*r) ? plans_.of(*r) : plans_.make(r);
    if (!plan) {
        return true;
    }
    plan->device = device;
    if (device->given < places()) {
        ++device->given;
        return true;
    }
    plan->parked = true;
    wait(r);
    device->waiting.append(r);
    return false;
}

// With the lock held: of a request that is delivered.
void Context::leave_place(Plan* plan) noexcept {
    Device* const device = plan->device;
    if (!device) {
        return;
    }
    plan->device = nullptr;
    --device->given;
    while (device->waiting.head && device->given < places()) {
        Request* const next = device->waiting.take_first();
        Plan* const own = plans_.of(*next);
        own->parked = false;
        own->starting = true;
        ++device->given;
        starting_.append(next);
    }
}

// With the lock held: one that waits for a place does not want it any more.
void Context::leave_parking(Plan* plan) noexcept {
    plan->device->waiting.remove(plan->request);
    plan->parked = false;
    plan->device = nullptr;
}

} // namespace aioc
