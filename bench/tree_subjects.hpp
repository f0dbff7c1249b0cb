// SPDX-License-Identifier: MIT
// What aioclone-bench-trees compares: this library's composites, programs, a plain loop, and IO::AIO in Perl.
#pragma once
#include <aioclone.h>

#include <stdint.h>
#include <string>
#include <vector>

[[noreturn]] void die(const std::string& what);

// Each ends the program if it fails.
void run_program(const std::vector<std::string>& words);
uint64_t read_directories(const std::string& path);
bool has_io_aio();
uint64_t walk_by_io_aio(const char* way, const std::string& path); // "scandir" or "readdirx"

// The library's, on a context of its own.
void open_context(uint32_t max_workers); // 0: the default
void close_context();
uint64_t walk(const std::string& path, int flags);
void copy_tree(const std::string& from, const std::string& to);
void remove_tree(const std::string& path);
