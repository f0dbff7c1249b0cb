/* SPDX-License-Identifier: MIT */
/* For the tests of chains, groups and deadlines: a context, a fifo whose open keeps a worker, and what was delivered in
 * which order. */
#ifndef TESTS_SCHEDULE_H
#define TESTS_SCHEDULE_H
#include "support.h"

#include <sys/types.h>

enum { log_max = 40000 };
extern aioc_completion delivered[log_max];
extern int deliveries;
/* Appends to delivered. */
void log_callback(const aioc_completion *done, void *user_data);
/* The one completion with this user_data; fails the test if there is none or more than one. */
const aioc_completion *delivery_of(uintptr_t name);
int was_delivered(uintptr_t name);

extern aioc_context *ctx;
int schedule_setup(void **state);         /* with one worker */
int schedule_setup_workers(void **state); /* with one worker and no other engine */
int schedule_teardown(void **state);

/* An operation whose completion goes to the log under this name. */
aioc_operation operation(uint32_t code, uintptr_t name);
aioc_request submit_operation(const aioc_operation *op);
/* Of a regular file in the tests' own directory; it may be there or not. */
const char *scratch_path(void);

/* The worker sits in open(2) until unblock. Its completion is logged under the name 0. */
aioc_request block(void);
void unblock(void);
const char *fifo_path(void);
/* Until so many were delivered; fails the test after 20 s. */
void wait_for_deliveries(int count);
int64_t now_ns(void);

#define SCHEDULE(name) cmocka_unit_test_setup_teardown(name, schedule_setup, schedule_teardown)
#define SCHEDULE_WORKERS(name) cmocka_unit_test_setup_teardown(name, schedule_setup_workers, schedule_teardown)
#endif
