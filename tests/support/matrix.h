/* SPDX-License-Identifier: MIT */
/* The engine-by-operation matrix: each operation of the table with a success and an error, on every engine, with the
 * same answers. A program of the matrix runs its operations with RUN (or run_operation), and ends with the cases
 * MATRIX_CASES. That every row of the table has a RUN somewhere is what tests/api/coverage.sh looks for. */
#ifndef TESTS_MATRIX_H
#define TESTS_MATRIX_H
#include "support.h"

#include <stdbool.h>

extern aioc_context *ctx;
extern struct record record;

/* Waits for it; notes whether it was good or bad, and that the engine was one that this run allows. */
int64_t run(aioc_request request);
#define RUN(name, ...) run(aioc_##name(ctx, __VA_ARGS__, record_callback, &record))
#define RUN_PLAIN(name) run(aioc_##name(ctx, record_callback, &record))
/* The general form; callback and user_data are set here. */
int64_t run_operation(aioc_operation op);
aioc_operation operation(uint32_t code);

/* An error that this machine cannot bring about, or a success: says so, and counts as seen. */
void cannot_be_brought_about(uint32_t code, const char *why);

void every_operation_has_cases(void **state);
void every_operation_ran_on_the_engine_that_is_forced(void **state);
#define MATRIX_CASES CASE(every_operation_has_cases), CASE(every_operation_ran_on_the_engine_that_is_forced)

/* An empty directory, removed with everything below it at the end. TEST_DIRECTORY= names where. */
const char *test_directory(void);
/* A path in it; valid until the eighth next call. */
const char *in_directory(const char *name);
/* A file in it with this content. */
const char *file_with(const char *name, const char *content);
/* Are the answers those of root? */
bool is_root(void);
#endif
