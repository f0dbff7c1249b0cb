/* SPDX-License-Identifier: MIT */
/*
 * Checksums a directory tree (default /usr) twice, through the library and with plain system calls, and
 * compares: for every regular file lstat, open, read to the end, close, with a bounded number in
 * flight. Exit status 1 if a checksum differs, 2 for a wrong argument.
 */
#define _GNU_SOURCE
#include <aioclone.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { in_flight_max = 64, chunk_bytes = 65536, errno_max = 256 };

struct totals {
    uint64_t files, bytes, requests, errors[errno_max];
    double seconds;
};

struct file {
    char *path;
    uint64_t sum, sync_sum;
    int error, sync_error;
};

struct slot {
    struct file *file;
    int fd;
    int64_t offset;
    struct statx status;
    unsigned char *buffer;
};

static struct file *files;
static size_t file_count, file_space, next_file, finished_files;
static struct totals library, plain;
static aioc_context *ctx;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t checksum(uint64_t sum, const unsigned char *data, int64_t count) { /* FNV-1a by 8 bytes */
    uint64_t word;
    for (; count >= 8; count -= 8, data += 8) {
        memcpy(&word, data, 8);
        sum = (sum ^ word) * 0x100000001b3u;
    }
    while (count-- > 0) sum = (sum ^ *data++) * 0x100000001b3u;
    return sum;
}

static int remember(const char *path, const struct stat *status, int type, struct FTW *ftw) {
    (void)status;
    (void)ftw;
    if (type == FTW_D || type == FTW_DNR) return 0;
    if (file_count == file_space) {
        file_space = file_space ? file_space * 2 : 4096;
        files = realloc(files, file_space * sizeof *files);
        if (!files) return -1;
    }
    files[file_count] = (struct file){strdup(path), 0, 0, 0, 0};
    return files[file_count++].path ? 0 : -1;
}

static void progress(void) {
    static double last;
    const double t = now();
    if (!isatty(2) || (t - last < 0.1 && finished_files != file_count)) return;
    last = t;
    const int width = 40, full = file_count ? (int)(finished_files * width / file_count) : width;
    fprintf(stderr, "\r[%.*s%*s] %zu/%zu", full, "########################################", width - full, "",
            finished_files, file_count);
    if (finished_files == file_count) fputc('\n', stderr);
}

static void start_next(struct slot *slot);

static void end_file(struct slot *slot, int error) {
    slot->file->error = error;
    library.errors[error < errno_max ? error : 0] += error != 0;
    ++finished_files;
    progress();
    start_next(slot);
}

static void submitted(struct slot *slot, aioc_request request) {
    ++library.requests;
    if (request < 0) end_file(slot, (int)-request);
}

static void closed(const aioc_completion *done, void *user) {
    struct slot *slot = user;
    end_file(slot, slot->file->error ? slot->file->error : done->result < 0 ? (int)-done->result : 0);
}

static void was_read(const aioc_completion *done, void *user) {
    struct slot *slot = user;
    if (done->result > 0) {
        slot->file->sum = checksum(slot->file->sum, slot->buffer, done->result);
        slot->offset += done->result;
        library.bytes += (uint64_t)done->result;
        submitted(slot, aioc_read(ctx, slot->fd, slot->buffer, chunk_bytes, slot->offset, was_read, slot));
        return;
    }
    slot->file->error = (int)-done->result;
    submitted(slot, aioc_close(ctx, slot->fd, closed, slot));
}

static void opened(const aioc_completion *done, void *user) {
    struct slot *slot = user;
    if (done->result < 0) {
        end_file(slot, (int)-done->result);
        return;
    }
    slot->fd = (int)done->result;
    slot->offset = 0;
    submitted(slot, aioc_read(ctx, slot->fd, slot->buffer, chunk_bytes, 0, was_read, slot));
}

static void was_stated(const aioc_completion *done, void *user) {
    struct slot *slot = user;
    if (done->result < 0 || !S_ISREG(slot->status.stx_mode)) {
        end_file(slot, (int)-done->result);
        return;
    }
    ++library.files;
    /* A file replaced by a fifo meanwhile must not block. */
    submitted(slot, aioc_open(ctx, slot->file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0, opened, slot));
}

static void start_next(struct slot *slot) {
    if (next_file == file_count) return;
    slot->file = &files[next_file++];
    submitted(slot, aioc_lstat(ctx, slot->file->path, &slot->status, was_stated, slot));
}

static int run_library(void) {
    static struct slot slots[in_flight_max];
    const double start = now();
    int result = aioc_create(&ctx, NULL);
    if (result < 0) {
        fprintf(stderr, "aioc_create: %s\n", aioc_strerror(result));
        return -1;
    }
    aioc_hold(ctx);
    for (int i = 0; i < in_flight_max; ++i) {
        slots[i].buffer = malloc(chunk_bytes);
        if (!slots[i].buffer) return -1;
        start_next(&slots[i]);
    }
    aioc_release(ctx);
    while ((result = aioc_poll_wait(ctx, -1)) > 0 || result == -EINTR) aioc_poll_cb(ctx);
    aioc_destroy(ctx);
    for (int i = 0; i < in_flight_max; ++i) free(slots[i].buffer);
    library.seconds = now() - start;
    return 0;
}

static void sum_plainly(struct file *file, unsigned char *buffer) {
    struct stat status;
    if (lstat(file->path, &status) < 0) {
        file->sync_error = errno;
        return;
    }
    if (!S_ISREG(status.st_mode)) return;
    ++plain.files;
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) {
        file->sync_error = errno;
        return;
    }
    ssize_t count;
    int64_t offset = 0;
    while ((count = pread(fd, buffer, chunk_bytes, offset)) > 0) {
        file->sync_sum = checksum(file->sync_sum, buffer, count);
        offset += count;
    }
    if (count < 0) file->sync_error = errno;
    plain.bytes += (uint64_t)offset;
    close(fd);
}

static int compare(void) {
    int differing = 0;
    for (size_t i = 0; i < file_count; ++i) {
        if (files[i].sum != files[i].sync_sum || files[i].error != files[i].sync_error) {
            printf("differs: %s\n", files[i].path);
            ++differing;
        }
        free(files[i].path);
    }
    free(files);
    return differing;
}

int main(int argc, char **argv) {
    const char *root = argc > 1 ? argv[1] : "/usr";
    if (argc > 2 || nftw(root, remember, 32, FTW_PHYS) != 0 || file_count == 0) {
        fprintf(stderr, "usage: %s [DIRECTORY]\n%s: %s\n", argv[0], root, errno ? strerror(errno) : "no files");
        return 2;
    }
    if (run_library() < 0) return 2;
    unsigned char *buffer = malloc(chunk_bytes);
    if (!buffer) return 2;
    const double start = now();
    for (size_t i = 0; i < file_count; ++i) sum_plainly(&files[i], buffer);
    plain.seconds = now() - start;
    free(buffer);
    const int differing = compare();
    printf("files %llu, bytes %llu, requests %llu\n", (unsigned long long)library.files,
           (unsigned long long)library.bytes, (unsigned long long)library.requests);
    for (int e = 1; e < errno_max; ++e)
        if (library.errors[e]) printf("errors %llu: %s\n", (unsigned long long)library.errors[e], strerror(e));
    printf("library %.3f s (%.0f requests/s), plain system calls afterwards %.3f s\n", library.seconds,
           (double)library.requests / library.seconds, plain.seconds);
    printf("checksums: %s\n", differing ? "DIFFER" : "equal");
    return differing ? 1 : 0;
}
