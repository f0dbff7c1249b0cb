/* SPDX-License-Identifier: MIT */
/*
 * fio's reads, writes and syncs through the library: ioengine=external:.../libaioclone-fio.so
 *
 * What fio queues is collected and given to the library in one aioc_submit when fio commits; completions are
 * taken with aioc_reap, since fio wants an array and not callbacks.
 */
#include <errno.h>
#include <stdlib.h>

#include <fio.h>
#include <optgroup.h>

#include <aioclone.h>

struct engine_data {
    aioc_context* context;
    aioc_operation* queued; /* not yet given to the library */
    unsigned int queued_count;
    aioc_completion* done;
};

static int engine_init(struct thread_data* td) {
    aioc_options options = AIOC_OPTIONS_INIT;
    struct engine_data* data = calloc(1, sizeof *data);
    int error;
    if (!data) {
        return 1;
    }
    options.flags = AIOC_SINGLE_THREADED;
    data->queued = calloc(td->o.iodepth, sizeof *data->queued);
    data->done = calloc(td->o.iodepth, sizeof *data->done);
    error = data->queued && data->done ? aioc_create(&data->context, &options) : -ENOMEM;
    if (error < 0) {
        td_verror(td, -error, "aioc_create");
        free(data->queued);
        free(data->done);
        free(data);
        return 1;
    }
    td->io_ops_data = data;
    return 0;
}

static void engine_cleanup(struct thread_data* td) {
    struct engine_data* data = td->io_ops_data;
    if (data) {
        aioc_destroy(data->context);
        free(data->queued);
        free(data->done);
        free(data);
        td->io_ops_data = NULL;
    }
}

static enum fio_q_status engine_queue(struct thread_data* td, struct io_u* io_u) {
    struct engine_data* data = td->io_ops_data;
    aioc_operation* operation;
    fio_ro_check(td, io_u);
    if (data->queued_count == td->o.iodepth) {
        return FIO_Q_BUSY;
    }
    if (io_u->ddir == DDIR_TRIM || io_u->ddir == DDIR_SYNC_FILE_RANGE) {
        io_u->error = EOPNOTSUPP;
        return FIO_Q_COMPLETED;
    }
    operation = &data->queued[data->queued_count++];
    memset(operation, 0, sizeof *operation);
    operation->size = sizeof *operation;
    operation->fd = io_u->file->fd;
    operation->user_data = io_u;
    if (io_u->ddir == DDIR_READ || io_u->ddir == DDIR_WRITE) {
        operation->code = io_u->ddir == DDIR_READ ? AIOC_OP_READ : AIOC_OP_WRITE;
        operation->buffer = io_u->xfer_buf;
        operation->length = io_u->xfer_buflen;
        operation->offset = (int64_t)io_u->offset;
    } else {
        operation->code = io_u->ddir == DDIR_DATASYNC ? AIOC_OP_FDATASYNC : AIOC_OP_FSYNC;
    }
    return FIO_Q_QUEUED;
}

static int engine_commit(struct thread_data* td) {
    struct engine_data* data = td->io_ops_data;
    unsigned int given = 0;
    while (given < data->queued_count) {
        const int accepted = aioc_submit(data->context, data->queued + given, data->queued_count - given, NULL);
        if (accepted < 0) {
            td_verror(td, -accepted, "aioc_submit");
            return accepted;
        }
        io_u_mark_submit(td, (unsigned int)accepted);
        given += (unsigned int)accepted;
    }
    data->queued_count = 0;
    return 0;
}

static int engine_getevents(struct thread_data* td, unsigned int min, unsigned int max, const struct timespec* t) {
    struct engine_data* data = td->io_ops_data;
    const int timeout_ms = min == 0 ? 0 : t ? (int)(t->tv_sec * 1000 + t->tv_nsec / 1000000) : -1;
    unsigned int count = 0;
    do {
        int taken;
        const int waited = aioc_poll_wait(data->context, timeout_ms);
        if (waited < 0 && waited != -EINTR) {
            return waited;
        }
        data->done[count].size = sizeof data->done[0];
        taken = aioc_reap(data->context, data->done + count, max - count);
        if (taken < 0) {
            return taken;
        }
        count += (unsigned int)taken;
        if (waited == 0 && taken == 0) {
            break; /* time is up, or nothing is outstanding */
        }
    } while (count < min);
    return (int)count;
}

static struct io_u* engine_event(struct thread_data* td, int event) {
    struct engine_data* data = td->io_ops_data;
    const aioc_completion* done = &data->done[event];
    struct io_u* io_u = done->user_data;
    io_u->error = done->result < 0 ? (unsigned int)-done->result : 0;
    if (done->result >= 0 && !ddir_sync(io_u->ddir)) {
        io_u->resid = io_u->xfer_buflen - (unsigned long long)done->result;
    }
    return io_u;
}

/* The name by which fio finds it. */
struct ioengine_ops ioengine = {
    .name = "aioclone",
    .version = FIO_IOOPS_VERSION,
    .init = engine_init,
    .cleanup = engine_cleanup,
    .queue = engine_queue,
    .commit = engine_commit,
    .getevents = engine_getevents,
    .event = engine_event,
    .open_file = generic_open_file,
    .close_file = generic_close_file,
    .get_file_size = generic_get_file_size,
};
