/* SPDX-License-Identifier: MIT */
/* Numbers for the operations' arguments that Ruby has no names for. */
#include "aioclone_ruby.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#define NUMBER(name) {#name, name}

void aioclone_define_constants(void) {
    static const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"READDIR_STAT_ORDER", AIOC_READDIR_STAT_ORDER},
        {"READDIR_DIRS_FIRST", AIOC_READDIR_DIRS_FIRST},
        {"MTOUCH_MODIFY", AIOC_MTOUCH_MODIFY},
        NUMBER(AT_EMPTY_PATH),
        NUMBER(AT_SYMLINK_FOLLOW),
        NUMBER(AT_SYMLINK_NOFOLLOW),
        NUMBER(FALLOC_FL_COLLAPSE_RANGE),
        NUMBER(FALLOC_FL_INSERT_RANGE),
        NUMBER(FALLOC_FL_KEEP_SIZE),
        NUMBER(FALLOC_FL_PUNCH_HOLE),
        NUMBER(FALLOC_FL_UNSHARE_RANGE),
        NUMBER(FALLOC_FL_ZERO_RANGE),
        NUMBER(F_OFD_SETLK),
        NUMBER(F_OFD_SETLKW),
        NUMBER(F_RDLCK),
        NUMBER(F_UNLCK),
        NUMBER(F_WRLCK),
        NUMBER(MADV_DONTNEED),
        NUMBER(MADV_WILLNEED),
        NUMBER(MCL_CURRENT),
        NUMBER(MCL_FUTURE),
        NUMBER(MCL_ONFAULT),
        NUMBER(MLOCK_ONFAULT),
        NUMBER(MS_ASYNC),
        NUMBER(MS_INVALIDATE),
        NUMBER(MS_SYNC),
        NUMBER(POSIX_FADV_DONTNEED),
        NUMBER(POSIX_FADV_NOREUSE),
        NUMBER(POSIX_FADV_NORMAL),
        NUMBER(POSIX_FADV_RANDOM),
        NUMBER(POSIX_FADV_SEQUENTIAL),
        NUMBER(POSIX_FADV_WILLNEED),
        NUMBER(RENAME_EXCHANGE),
        NUMBER(RENAME_NOREPLACE),
        NUMBER(RENAME_WHITEOUT),
        NUMBER(RESOLVE_BENEATH),
        NUMBER(RESOLVE_CACHED),
        NUMBER(RESOLVE_IN_ROOT),
        NUMBER(RESOLVE_NO_MAGICLINKS),
        NUMBER(RESOLVE_NO_SYMLINKS),
        NUMBER(RESOLVE_NO_XDEV),
        NUMBER(STATX_BASIC_STATS),
        NUMBER(STATX_BTIME),
        NUMBER(SYNC_FILE_RANGE_WAIT_AFTER),
        NUMBER(SYNC_FILE_RANGE_WAIT_BEFORE),
        NUMBER(SYNC_FILE_RANGE_WRITE),
        NUMBER(XATTR_CREATE),
        NUMBER(XATTR_REPLACE),
    };
    const VALUE constants = rb_define_module_under(aioclone_module, "Constants");
    size_t i;
    for (i = 0; i < sizeof numbers / sizeof *numbers; ++i) {
        rb_define_const(constants, numbers[i].name, ULL2NUM(numbers[i].value));
    }
}
