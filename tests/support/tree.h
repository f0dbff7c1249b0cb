/* SPDX-License-Identifier: MIT */
/* Trees of files for the tests of composites, below a directory that is removed at exit: in AIOC_TEST_DIRECTORY, else
 * in memory. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H
#include "support.h"

/* "DIRECTORY/name", in one of 16 buffers that are used in turn; DIRECTORY is this process's own. */
const char *in_tree(const char *name);
void make_dir(const char *name);
/* With this content. */
void put_file(const char *name, const char *content);
/* Of this many bytes, not all the same. */
void put_bytes(const char *name, size_t bytes);
/* The whole content, NUL-terminated, static; "" if there is no such file. */
const char *content_of(const char *name);
int exists(const char *name); /* also a dangling link */
/* Directories of this many files each, below name: dir_N/file_M. */
void make_many(const char *name, int directories, int files);
/* A command of the shell, which must succeed. For what tests compare with: cp, diff, find. */
void shell(const char *format, ...);
long shell_number(const char *format, ...); /* what it prints */
#endif
