/* SPDX-License-Identifier: MIT */
/*
 * Checksums a directory tree (default /usr) through the library and with plain system calls, and compares: for
 * every regular file lstat, open, read to the end, close; through the library with a bounded number in flight.
 * Three passes, so that the two are compared with the same cache: one as the cache was found, then each warm.
 * Exit status 1 if a checksum differs though the file did not change, 2 for a wrong argument or no output.
 */
#define _GNU_SOURCE
#include <aioclone.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { in_flight_max = 64, chunk_bytes = 65536, errno_max = 256, passes_count = 3 };

struct outcome {
    uint64_t sum, size;
    int64_t changed; /* ctime, ns */
    int error;
};

struct file {
    char *path;
    struct outcome outcomes[passes_count];
};

struct pass {
    const char *name;
    int by_library, index;
    uint64_t files, bytes, requests, errors[errno_max];
    size_t next, finished;
    double seconds;
};

struct slot {
    struct file *file;
    int fd;
    int64_t offset;
    struct statx status;
    unsigned char *buffer;
};

static struct file *files;
static size_t file_count, file_space, unreadable_directories;
static struct pass *pass; /* the one that runs */
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

static int remember(const char *path) {
    if (file_count == file_space) {
        file_space = file_space ? file_space * 2 : 4096;
        struct file *const larger = realloc(files, file_space * sizeof *files);
        if (!larger) return -1;
        files = larger;
    }
    memset(&files[file_count], 0, sizeof *files);
    files[file_count].path = strdup(path);
    return files[file_count++].path ? 0 : -1;
}

static int walk(const char *root) {
    char *const roots[] = {(char *)root, NULL};
    FTS *const tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    int result = tree ? 0 : -1;
    for (FTSENT *e; tree && result == 0 && (e = fts_read(tree));) {
        if (e->fts_info == FTS_DNR) ++unreadable_directories;
        if (e->fts_info == FTS_NS && e->fts_level == 0) {
            errno = e->fts_errno;
            result = -1;
        } else if (e->fts_info != FTS_D && e->fts_info != FTS_DP && e->fts_info != FTS_DNR && e->fts_info != FTS_DC) {
            result = remember(e->fts_path);
        }
    }
    if (tree) fts_close(tree);
    return result;
}

/* "-": paths from the standard input, one a line. */
static int read_list(void) {
    char *line = NULL;
    size_t space = 0;
    int result = 0;
    for (ssize_t length; result == 0 && (length = getline(&line, &space, stdin)) > 0;) {
        if (line[length - 1] == '\n') line[length - 1] = 0;
        if (line[0]) result = remember(line);
    }
    free(line);
    return result;
}

static void progress(void) {
    static double last;
    const double t = now();
    if (!isatty(2) || (t - last < 0.1 && pass->finished != file_count)) return;
    last = t;
    const int width = 40, full = file_count ? (int)(pass->finished * width / file_count) : width;
    fprintf(stderr, "\r%d/%d [%.*s%*s] %zu/%zu", pass->index + 1, passes_count, full,
            "########################################", width - full, "", pass->finished, file_count);
    if (pass->finished == file_count) fputc('\n', stderr);
}

static void count_end(struct file *file, int error) {
    file->outcomes[pass->index].error = error;
    pass->errors[error < errno_max ? error : 0] += error != 0;
    ++pass->finished;
    progress();
}

/* --- Through the library ----------------------------------------------------------- */

static void start_next(struct slot *slot);

static void end_file(struct slot *slot, int error) {
    count_end(slot->file, error);
    start_next(slot);
}

static void submitted(struct slot *slot, aioc_request request) {
    ++pass->requests;
    if (request < 0) end_file(slot, (int)-request);
}

static void closed(const aioc_completion *done, void *user) {
    struct slot *slot = user;
    const int error = slot->file->outcomes[pass->index].error;
    end_file(slot, error ? error : done->result < 0 ? (int)-done->result : 0);
}

static void was_read(const aioc_completion *done, void *user) {
    struct slot *slot = user;
    struct outcome *const outcome = &slot->file->outcomes[pass->index];
    if (done->result > 0) {
        outcome->sum = checksum(outcome->sum, slot->buffer, done->result);
        slot->offset += done->result;
        pass->bytes += (uint64_t)done->result;
        submitted(slot, aioc_read(ctx, slot->fd, slot->buffer, chunk_bytes, slot->offset, was_read, slot));
        return;
    }
    outcome->error = (int)-done->result;
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
    ++pass->files;
    struct outcome *const outcome = &slot->file->outcomes[pass->index];
    outcome->size = slot->status.stx_size;
    outcome->changed = slot->status.stx_ctime.tv_sec * INT64_C(1000000000) + slot->status.stx_ctime.tv_nsec;
    /* A file replaced by a fifo meanwhile must not block. */
    submitted(slot, aioc_open(ctx, slot->file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0, opened, slot));
}

static void start_next(struct slot *slot) {
    if (pass->next == file_count) return;
    slot->file = &files[pass->next++];
    submitted(slot, aioc_lstat(ctx, slot->file->path, &slot->status, was_stated, slot));
}

static int run_library(void) {
    static struct slot slots[in_flight_max];
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
    return 0;
}

/* --- Plainly ------------------------------------------------------------------------ */

static int sum_plainly(struct file *file, unsigned char *buffer) {
    struct stat status;
    struct outcome *const outcome = &file->outcomes[pass->index];
    ++pass->requests;
    if (lstat(file->path, &status) < 0) return errno;
    if (!S_ISREG(status.st_mode)) return 0;
    ++pass->files;
    outcome->size = (uint64_t)status.st_size;
    outcome->changed = status.st_ctim.tv_sec * INT64_C(1000000000) + status.st_ctim.tv_nsec;
    ++pass->requests;
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0) return errno;
    ssize_t count;
    int64_t offset = 0;
    while (++pass->requests, (count = pread(fd, buffer, chunk_bytes, offset)) > 0) {
        outcome->sum = checksum(outcome->sum, buffer, count);
        offset += count;
        pass->bytes += (uint64_t)count;
    }
    const int error = count < 0 ? errno : 0;
    ++pass->requests;
    close(fd);
    return error;
}

static int run_plainly(void) {
    unsigned char *const buffer = malloc(chunk_bytes);
    if (!buffer) return -1;
    for (size_t i = 0; i < file_count; ++i) count_end(&files[i], sum_plainly(&files[i], buffer));
    free(buffer);
    return 0;
}

/* --- The comparison ------------------------------------------------------------------ */

static int is_unchanged(const struct outcome *a, const struct outcome *b) {
    return a->size == b->size && a->changed == b->changed && a->error == b->error;
}

static size_t compare(void) {
    size_t differing = 0, changed = 0;
    for (size_t i = 0; i < file_count; ++i) {
        const struct outcome *const o = files[i].outcomes;
        if (!is_unchanged(&o[0], &o[1]) || !is_unchanged(&o[1], &o[2])) {
            ++changed; /* vanished, appeared or written meanwhile */
        } else if (o[0].error == 0 && (o[0].sum != o[1].sum || o[1].sum != o[2].sum)) {
            printf("differs: %s\n", files[i].path);
            ++differing;
        }
        free(files[i].path);
    }
    free(files);
    if (changed) printf("changed meanwhile and not compared: %zu\n", changed);
    printf("checksums: %s\n", differing ? "DIFFER" : "equal");
    return differing;
}

static void print_pass(const struct pass *p) {
    printf("%-18s %8s cache: %8.3f s, %10.0f requests/s\n", p->name, p->index ? "warm" : "as found", p->seconds,
           p->seconds > 0 ? (double)p->requests / p->seconds : 0.0);
}

int main(int argc, char **argv) {
    const int plain_first = argc > 1 && strcmp(argv[1], "--plain-first") == 0;
    const char *const root = argc > 1 + plain_first ? argv[1 + plain_first] : "/usr";
    errno = 0;
    if (argc > 2 + plain_first || (strcmp(root, "-") == 0 ? read_list() : walk(root)) != 0 || file_count == 0) {
        fprintf(stderr, "usage: %s [--plain-first] [DIRECTORY|FILE|-]\n%s: %s\n", argv[0], root,
                errno ? strerror(errno) : "no files");
        return 2;
    }
    struct pass passes[passes_count] = {0};
    for (int i = 0; i < passes_count; ++i) {
        pass = &passes[i];
        pass->index = i;
        pass->by_library = i % 2 == plain_first;
        pass->name = pass->by_library ? "library" : "plain system calls";
        const double start = now();
        if ((pass->by_library ? run_library() : run_plainly()) < 0) return 2;
        pass->seconds = now() - start;
    }
    const struct pass *const library = &passes[plain_first];
    printf("files %llu, bytes %llu, requests %llu\n", (unsigned long long)library->files,
           (unsigned long long)library->bytes, (unsigned long long)library->requests);
    for (int e = 1; e < errno_max; ++e)
        if (library->errors[e]) printf("errors %llu: %s\n", (unsigned long long)library->errors[e], strerror(e));
    if (unreadable_directories) printf("unreadable directories %zu\n", unreadable_directories);
    for (int i = 0; i < passes_count; ++i) print_pass(&passes[i]);
    const size_t differing = compare();
    if (fclose(stdout) != 0) {
        perror("standard output");
        return 2;
    }
    return differing ? 1 : 0;
}
