/* SPDX-License-Identifier: MIT */
/* Runs a program that io_uring_setup(2) refuses, as containers and sandboxes do.
 * Usage: deny_ring eperm|enosys|eopnotsupp|enomem PROGRAM [ARGUMENT]... */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    const char *name;
    int error;
} errors[] = {{"eperm", EPERM}, {"enosys", ENOSYS}, {"eopnotsupp", EOPNOTSUPP}, {"enomem", ENOMEM}};

static int number_of(const char *name) {
    for (size_t i = 0; i < sizeof errors / sizeof *errors; ++i) {
        if (strcmp(errors[i].name, name) == 0) {
            return errors[i].error;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    const int error = argc < 3 ? 0 : number_of(argv[1]);
    if (error == 0) {
        return 2;
    }
    struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
                                   BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    char text[16];
    snprintf(text, sizeof text, "%d", error); /* the test is to know what it must see */
    if (setenv("AIOC_TEST_RING_REFUSED", text, 1) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
        perror("deny_ring");
        return 1;
    }
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 1;
}
