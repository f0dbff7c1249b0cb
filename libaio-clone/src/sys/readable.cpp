// SPDX-License-Identifier: MIT
#include "sys/memory.hpp"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

namespace aioc::sys {
namespace {

struct Range {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    bool holds(uintptr_t at) const noexcept { return at >= begin && at < end; }
};

// The writable segment of the program itself: the first object that dl_iterate_phdr(3) names.
int find_data(dl_phdr_info* object, size_t, void* ret) noexcept {
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const ElfW(Phdr)& segment = object->dlpi_phdr[i];
        if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0) {
            const uintptr_t begin = object->dlpi_addr + segment.p_vaddr;
            *static_cast<Range*>(ret) = Range{begin, begin + segment.p_memsz};
        }
    }
    return 1;
}

// Where the heap of brk(2) begins: field 47 of proc_pid_stat(5). 0: not known.
uintptr_t find_heap_begin() noexcept {
    char text[1024];
    const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    const ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    const char* at = strrchr(text, ')'); // the name may hold blanks: field 3 follows
    constexpr int field = 47;
    for (int i = 2; at && i < field; ++i) {
        at = strchr(at + 1, ' ');
    }
    return at ? strtoull(at + 1, nullptr, 10) : 0;
}

struct Layout {
    Range data;
    uintptr_t heap_begin;
    Layout() noexcept : heap_begin(find_heap_begin()) { dl_iterate_phdr(find_data, &data); }
};

} // namespace

bool is_surely_mapped(const void* at) noexcept {
    static const Layout layout;
    const auto address = reinterpret_cast<uintptr_t>(at);
    if (layout.data.holds(address)) {
        return true;
    }
    const auto heap_end = reinterpret_cast<uintptr_t>(sbrk(0));
    return layout.heap_begin != 0 && address >= layout.heap_begin && address < heap_end;
}

} // namespace aioc::sys
