// SPDX-License-Identifier: MIT
#pragma once
// A tree and those who work on it. The unit of work is a directory: open, read, do what is to be done with each entry,
// close. Directories that are found go on a stack, from which the workers of a crew take them; the last one out
// completes the request.
//
// The crew is as large as it needs to be. The request's own worker begins. When it has found more than one directory
// it enlists others: a *ticket* is a request of the library's own, put on the same job queue, so that whoever takes it
// is a worker with the same credentials. When nothing is left to take a worker goes away; it comes back by another
// ticket. So nobody ever waits inside of a crew. When the file system is slow (a server, a cold disk), more
// tickets are written than there are processors, the entries of one directory are split up too, and the poller is asked
// to start more workers, which only it can.
#include "composite/copy_file.hpp"
#include "composite/entries.hpp"
#include "composite/temporary.hpp"
#include "worker/job_queue.hpp"

namespace aioc {

enum Verb : uint8_t { verb_walk, verb_copy, verb_remove };

enum WorkKind : uint8_t { work_begin, work_directory, work_names };
struct Work {
    Work* next;
    WorkKind kind;
};

// Has (dev, inode) still the name it had?
struct Identity {
    uint64_t inode;
    uint32_t dev_major;
    uint32_t dev_minor;
};

// A directory that is not finished.
struct Dir {
    Work work;
    Dir* parent;        // null: the root
    Dir* opened_before; // of those that are open
    Dir* opened_after;
    int32_t fd;        // -1: not open
    int32_t to_fd;     // copies: of the new directory
    Identity identity; // since it was closed to save a descriptor
    Identity to_identity;
    uint32_t users;       // who uses the descriptors now
    uint32_t pending;     // parts that are not finished: itself while it is read, names, directories in it
    uint32_t depth;       // the root's: 0
    uint32_t path_length; // from the root, which has 0
    uint8_t passes;       // remove: how often it was read
    bool started;
    bool listed;   // among those that are open, known to others
    bool counted;  // as open
    bool failed;   // something in it could not be removed
    uint16_t mode; // copy: to be set at the end, if it is not 0
    uint16_t name_length;
    char name[1]; // and more; the root's name is the crew's
};

// A part of the entries of a directory, for another worker.
struct Names {
    static constexpr uint64_t block_bytes = 4096;
    static constexpr uint64_t room = block_bytes - 64;
    Work work;
    Dir* dir;
    uint64_t bytes;
    char dirents[room];
};
static_assert(sizeof(Names) <= Names::block_bytes);

// Memory for these, with the crew's mutex held. Freed as a whole.
struct TreePool {
    static constexpr uint64_t step = 64;
    static constexpr uint32_t classes = 8; // of 64 to 512 bytes; and one for names
    static constexpr uint64_t chunk_bytes = 128 << 10;

    struct Block {
        Block* next;
    };
    struct Chunk {
        Chunk* next;
        uint64_t unused[7];
    };
    Block* free[classes + 1];
    Chunk* chunks;
    char* fresh;
    uint64_t fresh_bytes;
};

// For getdents64.
struct Buffer {
    Buffer* next;
};
constexpr uint64_t dirents_bytes = 64 << 10;

// Where hard links are found again: by the file's identity, in the order of nothing. (links.hpp)
struct LinkTable {
    struct Row {
        uint64_t inode; // 0: none
        uint64_t dev;
        const char* path; // from the destination's root
    };
    Row* rows;
    uint64_t size; // a power of two
    uint64_t used;
};

struct Walk;

struct Crew {
    sys::Mutex mutex;
    Verb verb;
    bool heeds_stop; // not when what is begun must be ended
    bool finished;
    bool slow;       // system calls wait: more workers than processors are of use
    bool no_reflink; // hints that spare calls which fail
    bool no_copy_range;
    uint8_t phase;    // move
    Request* request; // to be completed; null: a walk
    Composite* composite;
    Walk* walk;
    ReadyList* ready;
    const uint32_t* stop;

    Work* top;
    uint64_t queued; // on the stack
    uint32_t active; // who work now
    uint32_t hands;  // who may still touch this: the request's own worker and tickets that are out
    uint32_t wanted; // how many may work at once
    uint32_t places; // how many may wait for one device
    int32_t pace_score;
    uint32_t tickets;
    Request* free_ticket;
    Request* ticket; // all of them

    uint32_t flags;  // AIOC_COPY_*, AIOC_WALK_*
    int32_t base_fd; // where the root is; closed at the end
    int32_t to_base_fd;
    const char* root_name;
    const char* to_root_name;
    bool root_must_be_directory; // there was a slash behind it
    Identity to_root;            // a copy into itself ends there
    Dir* opened_first;
    Dir* opened_last;
    uint32_t open_dirs;
    uint32_t open_dirs_max;
    uint64_t items;
    uint64_t bytes;
    uint64_t errors;
    long error; // the first one
    TreePool pool;
    Buffer* buffers;        // of workers that are not here now
    sys::Mutex links_mutex; // taken before the other one
    LinkTable links;
    Dir* root;
    zone::TemporaryName temporary; // move: what is copied, before it gets its name
    const char* final_name;
    uint64_t items_copied;
    Work begin;
    uint64_t mapped_bytes; // of this and the tickets

    static constexpr uint64_t failure_max = 4096;
    char failure[failure_max]; // where the first error was, from the root
};

// Finished lists of entries on their way to those who ask for them. Mapped memory, so that the last worker can free it.
struct Walk {
    Crew crew;  // first
    Walk* next; // of the context's
    Walk* prev;
    uint32_t forks; // of the context when it was made
    bool closed;    // by its user: the last one out frees it
    bool ended;     // nothing comes any more
    EntryList* first;
    EntryList* last;
    uint32_t lists;
    uint32_t delivered;
    RequestList waiting; // for a list
    uint64_t list_bytes;
    Home* home; // of the lists
    uint32_t stop;
    uint64_t mapped_bytes;
    char path[4096];

    static constexpr uint32_t lists_max = 8; // read ahead
};

// One worker, as long as it works for a crew.
struct Hand {
    Crew* crew;
    JobQueue* queue; // null: the submitting thread itself
    char* buffer;    // for getdents64
    Copier copier;
    EntryList* list;
    int64_t list_began; // nanoseconds
    Dir* found;         // directories, newest first, that are not on the stack yet
    Dir* oldest_found;
    uint32_t found_count;
    uint32_t looks; // entries until the clock is looked at
    int64_t began;  // the present visit, nanoseconds
    uint64_t items; // of it
    uint64_t bytes;
    uint64_t entries_since_clock;
    uint64_t bytes_since_clock;
    uint64_t waits; // voluntary context switches up to the last slow visit
    bool waits_are_recent;
    uint32_t visits_since_clock;
    uint32_t visits_per_look;
    Worker* wake;
    Dir* pinned;                               // the parent of the one that is visited, for the first time
    const Dir* place;                          // whose path is the newest one in the list
    TreePool::Block* spare[TreePool::classes]; // memory for directories, taken by the dozen
    uint32_t closing_count;
    static constexpr uint32_t closing_max = 8;
    int32_t closing[closing_max]; // descriptors to be closed without the mutex
};

AIOC_INLINE bool is_stopped(const Crew* crew) noexcept {
    return crew->heeds_stop && sys::load_relaxed(*crew->stop) != 0;
}
AIOC_INLINE bool is_slow(const Crew* crew) noexcept { return sys::load_relaxed(crew->slow); }
AIOC_INLINE void set_failed(Dir* d) noexcept { sys::store_relaxed(d->failed, true); }
AIOC_INLINE bool has_failed(const Dir* d) noexcept { return sys::load_relaxed(d->failed); }
AIOC_INLINE const char* name_of(const Crew* crew, const Dir* d) noexcept {
    return d->parent ? d->name : crew->root_name;
}
AIOC_INLINE const char* to_name_of(const Crew* crew, const Dir* d) noexcept {
    return d->parent ? d->name : crew->to_root_name;
}
AIOC_INLINE long parent_fd(const Crew* crew, const Dir* d) noexcept {
    return d->parent ? d->parent->fd : crew->base_fd;
}
AIOC_INLINE long parent_to_fd(const Crew* crew, const Dir* d) noexcept {
    return d->parent ? d->parent->to_fd : crew->to_base_fd;
}

#pragma GCC visibility push(hidden)
// pool.cpp, with the mutex held
void* take_block(TreePool* pool, uint64_t bytes) noexcept;
void give_back_block(TreePool* pool, void* block, uint64_t bytes) noexcept;
// Without the mutex; from those that the worker has in store.
void* take_block_of_hand(Hand* h, uint64_t bytes) noexcept;
void give_back_spare_blocks(Hand* h) noexcept; // with the mutex
void free_memory(Crew* crew) noexcept;         // at the end

// What enter says of what is not a directory, and is done.
constexpr long was_no_directory = -4095;

// crew.cpp
Crew* new_crew(Request* r) noexcept;
// The first error is kept with its place: an entry of d, or d itself if name is null.
void record_error(Crew* crew, const Dir* d, const char* name, long error) noexcept;
// With the mutex held.
void push_work(Crew* crew, Work* w) noexcept;
Dir* new_root(Crew* crew) noexcept;
Dir* new_dir(Hand* h, Dir* parent, const char* name) noexcept; // without
void write_path(const Dir* d, char* end) noexcept;             // backwards from end, without a NUL
// Takes a ticket that is free, for a queue; null: none is.
Request* take_ticket(Crew* crew) noexcept;
// One more worker, if there is a ticket and something for it to do.
void enlist(Hand* h) noexcept;
// Without the mutex: who is to come for it.
void wake_enlisted(Hand* h) noexcept;
void prepare_walk_tickets(Walk* walk, uint32_t count) noexcept;

// descriptors.cpp, with the mutex held: d is open, and others may come to know it.
void list_open(Crew* crew, Dir* d) noexcept;
void unlist(Crew* crew, Dir* d) noexcept;
void count_open(Crew* crew, Dir* d) noexcept;
void count_closed(Crew* crew, Dir* d) noexcept;
// Its descriptors stay until unpin.
long pin(Crew* crew, Dir* d) noexcept;
void unpin(Crew* crew, Dir* d) noexcept;

// tree.cpp
void visit(Hand* h, Work* w) noexcept; // begins without the mutex and ends with it
Work* take_work(Crew* crew) noexcept;  // mutex held
void flush_progress(Hand* h) noexcept;
void close_what_is_left(Hand* h) noexcept;

// pace.cpp
void look_at_place(Hand* h, const Dir* root) noexcept;
void look_at_clock(Hand* h) noexcept;
void look_at_clock_at_times(Hand* h) noexcept;

// begin.cpp: what comes before the tree, between its parts and after it.
void begin_tree(Hand* h) noexcept;
// Nothing is left to do: is there a next phase? With the mutex held.
bool next_phase(Crew* crew) noexcept;
void end_tree(Crew* crew) noexcept; // closes what begin opened

// One entry that is no directory, and a directory's begin and end: remove.cpp, copy_tree.cpp
long enter_removed(Crew* crew, Dir* d) noexcept;
bool leave_removed(Crew* crew, Dir* d) noexcept; // false: it must be read again
long remove_entry(Hand* h, Dir* d, const char* name) noexcept;
long enter_copied(Hand* h, Dir* d) noexcept;
void leave_copied(Hand* h, Dir* d) noexcept;
void copy_entry(Hand* h, Dir* d, const char* name, uint8_t type) noexcept;

// walk.cpp
long enter_walked(Crew* crew, Dir* d) noexcept;
bool emit_entry(Hand* h, Dir* d, const Dirent* e, uint8_t type, int32_t error) noexcept;
void flush_entries(Hand* h, bool all) noexcept;
void end_walk(Walk* walk) noexcept;
void free_walk(Walk* walk) noexcept;
bool is_full(const Walk* walk) noexcept;
// By the main side, for a walk that nobody works for: its directories are closed.
void abandon_walk(Walk* walk) noexcept;

// links.cpp, with links_mutex held. The path under which the file was copied, or null.
const char* find_link(Crew* crew, const struct statx& file) noexcept;
void remember_link(Crew* crew, const struct statx& file, const Dir* d, const char* name) noexcept;
void free_links(Crew* crew) noexcept;
#pragma GCC visibility pop

} // namespace aioc
