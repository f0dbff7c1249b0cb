// SPDX-License-Identifier: MIT
// Worker zone: who works for a tree. See crew.hpp.
#include "composite/crew.hpp"

namespace aioc {
namespace {

constexpr uint32_t tickets_max = 255;

AIOC_INLINE Crew* crew_of_ticket(const Request* r) noexcept { return static_cast<Crew*>(r->buffer); }

// With the mutex held: a ticket that nobody has taken needs nobody any more.
AIOC_INLINE void withdraw_tickets(Crew* crew) noexcept {
    for (uint32_t i = 0; i < crew->tickets; ++i) {
        Request* const t = &crew->ticket[i];
        if (sys::load_acquire(t->state) != state_queued) {
            continue;
        }
        t->queue->mutex.lock();
        if (sys::load_relaxed(t->state) == state_queued) {
            t->queue->remove(t);
            sys::store_relaxed(t->state, uint32_t{state_free});
            t->next = crew->free_ticket;
            crew->free_ticket = t;
            --crew->hands;
        }
        t->queue->mutex.unlock();
    }
}

AIOC_INLINE void clear_hand(Hand* h, Crew* crew) noexcept {
    h->crew = crew;
    h->queue = nullptr;
    h->buffer = nullptr;
    h->copier.buffer = nullptr;
    h->list = nullptr;
    h->found = h->oldest_found = nullptr;
    h->found_count = 0;
    h->items = h->bytes = h->entries_since_clock = h->bytes_since_clock = h->waits = 0;
    h->waits_are_recent = false;
    h->visits_since_clock = 0;
    h->visits_per_look = 1;
    h->looks = 0;
    h->wake = nullptr;
    h->began = 0;
    h->pinned = nullptr;
    h->place = nullptr;
    h->closing_count = 0;
    for (TreePool::Block*& spare : h->spare) {
        spare = nullptr;
        __asm__ volatile("" ::: "memory"); // no call of memset
    }
}

AIOC_INLINE bool start_hand(Hand* h, Crew* crew, const Request* r) noexcept {
    clear_hand(h, crew);
    h->queue = r->queue;
    h->copier.flags = crew->flags;
    h->copier.stop = crew->stop;
    h->copier.progress = nullptr;
    h->copier.bytes = 0;
    h->copier.no_reflink = crew->no_reflink;
    h->copier.no_copy_range = crew->no_copy_range;
    crew->mutex.lock();
    Buffer* buffer = crew->buffers;
    crew->buffers = buffer ? buffer->next : nullptr;
    crew->mutex.unlock();
    h->buffer = buffer ? reinterpret_cast<char*>(buffer) : static_cast<char*>(zone::map(dirents_bytes));
    return h->buffer != nullptr;
}

// With the mutex held.
AIOC_INLINE void end_hand(Hand* h) noexcept {
    Crew* const crew = h->crew;
    give_back_spare_blocks(h);
    if (h->buffer) {
        auto* const buffer = reinterpret_cast<Buffer*>(h->buffer);
        buffer->next = crew->buffers;
        crew->buffers = buffer;
    }
}

// A moment's look for work that others are about to put there: coming back costs more.
AIOC_INLINE bool work_appears(const Crew* crew, const Hand* h) noexcept {
    if (!h->queue) {
        return false;
    }
    for (uint32_t looks = h->queue->spin_looks / 4; looks > 0; --looks) {
        sys::relax();
        if (sys::load_relaxed(crew->top) != nullptr) {
            return true;
        }
    }
    return false;
}

AIOC_INLINE void make_report(Crew* crew) noexcept {
    uint64_t path_bytes = zone::length_of(crew->failure) + 1;
    Object* const object = zone::new_object(sizeof(aioc_report) + path_bytes);
    if (!object) {
        return;
    }
    auto* const report = reinterpret_cast<aioc_report*>(zone::payload_of(object));
    char* const path = reinterpret_cast<char*>(report + 1);
    zone::copy_bytes(path, crew->failure, path_bytes);
    report->size = sizeof *report;
    report->error = static_cast<int32_t>(crew->error);
    report->items = crew->items;
    report->bytes = crew->bytes;
    report->errors = crew->errors;
    report->path = crew->error != 0 ? path : nullptr;
    crew->composite->object = report;
}

AIOC_INLINE Request* complete_tree(Crew* crew) noexcept {
    Request* const r = crew->request;
    end_tree(crew);
    const bool cancelled = crew->error == 0 && is_stopped(crew);
    if (cancelled) {
        crew->error = -ECANCELED;
    }
    make_report(crew);
    r->result = crew->error < 0 ? crew->error : static_cast<int64_t>(crew->items);
    r->composite->crew = nullptr;
    free_links(crew);
    free_memory(crew);
    zone::unmap(crew, crew->mapped_bytes);
    return r;
}

// With the mutex held, which it lets go: this worker is done with the crew.
AIOC_INLINE Request* leave(Hand* h, Request* self) noexcept {
    Crew* const crew = h->crew;
    if (self->operation == operation_ticket) {
        sys::store_relaxed(self->state, uint32_t{state_free});
        self->next = crew->free_ticket;
        crew->free_ticket = self;
    }
    const bool last = --crew->hands == 0;
    Walk* const walk = crew->walk;
    const bool over = crew->finished && last;
    const bool unwanted = walk && walk->closed && last;
    crew->mutex.unlock();
    if (walk) {
        if (unwanted) {
            abandon_walk(walk); // it may have left for want of room, with directories open
        }
        return nullptr;
    }
    return over ? complete_tree(crew) : nullptr;
}

AIOC_INLINE bool holds_something(const Hand* h) noexcept {
    return h->closing_count > 0 || h->list != nullptr || h->copier.buffer != nullptr;
}
AIOC_INLINE void put_down(Hand* h) noexcept {
    close_what_is_left(h);
    flush_entries(h, true);
    end_copier(&h->copier);
}

// With the mutex held before and after. It returns because there is nothing to do or no room; whoever makes room
// afterwards finds that this worker has left, as long as its caller keeps the mutex until it has.
AIOC_INLINE void work(Hand* h) noexcept {
    Crew* const crew = h->crew;
    bool looked = false;
    for (;;) {
        while (Work* const w = take_work(crew)) {
            enlist(h);
            crew->mutex.unlock();
            wake_enlisted(h);
            visit(h, w);
            flush_progress(h);
            looked = false;
        }
        // Not where most wait: they would take the processor from those that do not.
        const bool looks = !looked && crew->active > 1 && !is_slow(crew) && !(crew->walk && is_full(crew->walk));
        if (looks || holds_something(h)) {
            crew->mutex.unlock();
            if (!looks || !work_appears(crew, h)) {
                put_down(h);
            }
            looked = true;
            crew->mutex.lock();
            continue;
        }
        if (crew->active > 1 || crew->top || !next_phase(crew)) {
            return;
        }
    }
}

} // namespace

void enlist(Hand* h) noexcept {
    Crew* const crew = h->crew;
    if (!h->queue || h->wake || crew->hands >= crew->wanted || crew->queued == 0) {
        return;
    }
    Request* const ticket = take_ticket(crew);
    if (!ticket) {
        return;
    }
    ticket->queue = h->queue;
    RequestList one;
    one.append(ticket);
    h->queue->mutex.lock();
    h->queue->append(one);
    h->wake = h->queue->choose_wake();
    h->queue->mutex.unlock();
}

void wake_enlisted(Hand* h) noexcept {
    JobQueue::wake(h->wake);
    h->wake = nullptr;
}

Request* take_ticket(Crew* crew) noexcept {
    Request* const t = crew->free_ticket;
    if (t) {
        crew->free_ticket = t->next;
        ++crew->hands;
        sys::store_relaxed(t->state, uint32_t{state_queued});
    }
    return t;
}

// Fresh memory is zero.
static void prepare_tickets(Crew* crew, Request* tickets, uint32_t count) noexcept {
    crew->ticket = tickets;
    crew->tickets = count;
    for (uint32_t i = 0; i < count; ++i) {
        Request* const t = &tickets[i];
        t->operation = operation_ticket;
        t->buffer = crew;
        t->engine = AIOC_ENGINE_WORKERS;
        t->pace = pace_slow;
        t->attempt = attempt_none;
        t->held_fd = -1;
        t->next = crew->free_ticket;
        crew->free_ticket = t;
    }
}

Crew* new_crew(Request* r) noexcept {
    const uint32_t workers = r->queue ? sys::load_relaxed(r->queue->max) : 1;
    const uint32_t tickets = workers > tickets_max ? tickets_max : (workers > 0 ? workers - 1 : 0);
    const uint64_t bytes = zone::round_up(sizeof(Crew), 64) + tickets * sizeof(Request);
    auto* const crew = static_cast<Crew*>(zone::map(bytes));
    if (!crew) {
        return nullptr;
    }
    crew->mapped_bytes = bytes;
    crew->request = r;
    crew->composite = r->composite;
    crew->stop = &r->composite->stop;
    crew->heeds_stop = true;
    crew->ready = r->queue ? r->queue->ready : nullptr;
    crew->hands = 1;
    crew->places = r->composite->places;
    crew->wanted = r->queue ? r->queue->hot_max + 1 : 1; // as many as there are processors
    crew->base_fd = crew->to_base_fd = zone::no_file;
    crew->flags = r->operation_flags;
    crew->begin.kind = work_begin;
    push_work(crew, &crew->begin);
    prepare_tickets(crew, reinterpret_cast<Request*>(reinterpret_cast<char*>(crew) + zone::round_up(sizeof(Crew), 64)),
                    tickets);
    return crew;
}

// The walk's are behind it. Called once, by the main side.
void prepare_walk_tickets(Walk* walk, uint32_t count) noexcept {
    prepare_tickets(&walk->crew,
                    reinterpret_cast<Request*>(reinterpret_cast<char*>(walk) + zone::round_up(sizeof(Walk), 64)),
                    count);
}

Request* work_on_tree(Request* r) noexcept {
    Crew* crew = nullptr;
    if (r->operation == operation_ticket) {
        crew = crew_of_ticket(r);
    } else {
        crew = new_crew(r);
        if (!crew) {
            r->result = -ENOMEM;
            return r;
        }
        sys::store_release(r->composite->crew, crew);
    }
    Hand hand;
    const bool able = start_hand(&hand, crew, r);
    crew->mutex.lock();
    if (!able && !crew->finished && (r->operation != operation_ticket || (crew->walk && crew->hands == 1))) {
        crew->error = -ENOMEM;
        crew->finished = true;
        if (crew->walk) {
            end_walk(crew->walk);
        }
    }
    if (able && !crew->finished) {
        ++crew->active;
        work(&hand);
        --crew->active;
    }
    if (crew->active == 0 && !crew->top && !crew->finished) {
        crew->finished = true;
        withdraw_tickets(crew);
        if (crew->walk) {
            end_walk(crew->walk);
        }
    }
    end_hand(&hand);
    return leave(&hand, r);
}

void abandon_walk(Walk* walk) noexcept {
    Crew* const crew = &walk->crew;
    Hand hand;
    clear_hand(&hand, crew);
    crew->mutex.lock();
    while (Work* const w = take_work(crew)) {
        crew->mutex.unlock();
        visit(&hand, w);
    }
    close_what_is_left(&hand);
    end_tree(crew);
    crew->mutex.unlock();
    free_walk(walk);
}

void push_work(Crew* crew, Work* w) noexcept {
    w->next = crew->top;
    sys::store_relaxed(crew->top, w);
    sys::store_relaxed(crew->queued, crew->queued + 1);
}

static Dir* clear_dir(Dir* d, Dir* parent) noexcept {
    d->work.kind = work_directory;
    d->parent = parent;
    d->fd = d->to_fd = zone::no_file;
    d->identity.inode = 0;
    d->users = 0;
    d->pending = 1;
    d->depth = parent ? parent->depth + 1 : 0;
    d->path_length = 0;
    d->passes = 0;
    d->started = d->listed = d->counted = d->failed = false;
    d->mode = 0;
    d->name_length = 0;
    return d;
}

Dir* new_root(Crew* crew) noexcept {
    auto* const d = static_cast<Dir*>(take_block(&crew->pool, sizeof(Dir)));
    return d ? clear_dir(d, nullptr) : nullptr;
}

Dir* new_dir(Hand* h, Dir* parent, const char* name) noexcept {
    const uint64_t length = zone::length_of(name);
    auto* const d = static_cast<Dir*>(take_block_of_hand(h, sizeof(Dir) + length));
    if (!d) {
        return nullptr;
    }
    clear_dir(d, parent);
    d->path_length = static_cast<uint32_t>(parent->path_length + (parent->path_length > 0 ? 1 : 0) + length);
    d->name_length = static_cast<uint16_t>(length);
    zone::copy_bytes(d->name, name, length + 1);
    return d;
}

void write_path(const Dir* d, char* end) noexcept {
    for (; d->parent; d = d->parent) {
        end -= d->name_length;
        zone::copy_bytes(end, d->name, d->name_length);
        if (d->parent->parent) {
            *--end = '/';
        }
    }
}

void record_error(Crew* crew, const Dir* d, const char* name, long error) noexcept {
    crew->mutex.lock();
    ++crew->errors;
    if (crew->composite) {
        sys::add(crew->composite->errors, uint64_t{1});
    }
    if (crew->error == 0) {
        crew->error = error;
        const uint64_t length = name ? zone::length_of(name) : 0;
        const uint64_t before = d ? d->path_length : 0;
        const uint64_t slash = before > 0 && length > 0 ? 1 : 0;
        if (before + slash + length < Crew::failure_max) { // else the place has no path that could be used
            if (d) {
                write_path(d, crew->failure + before);
            }
            if (slash) {
                crew->failure[before] = '/';
            }
            zone::copy_bytes(crew->failure + before + slash, name ? name : "", length);
            crew->failure[before + slash + length] = '\0';
        }
    }
    crew->mutex.unlock();
}

} // namespace aioc
