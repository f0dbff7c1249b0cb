/* SPDX-License-Identifier: MIT */
/* Arguments from Perl. */
#include "linux_aio.h"

static int fd_of_number(pTHX_ SV *number) {
    const int64_t fd = linux_aio_int64(aTHX_ number);
    return fd >= 0 && fd <= INT_MAX ? (int)fd : -1; /* the kernel says EBADF */
}

/* A handle in one of Perl's forms: glob, reference to one, IO object. */
static SV *handle_in(SV *argument) {
    SV *const target = SvROK(argument) ? SvRV(argument) : argument;
    return isGV_with_GP(target) || (SvROK(argument) && SvTYPE(target) == SVt_PVIO) ? target : NULL;
}

/* Number, handle, or a handle's name. A closed handle has the descriptor -1, and the callback gets EBADF. */
int linux_aio_fd(pTHX_ linux_aio_call *call, SV *argument) {
    PerlIO *stream;
    SvGETMAGIC(argument);
    call->handle = handle_in(argument);
    if (!call->handle) {
        if (SvROK(argument)) {
            Perl_croak(aTHX_ "Bad filehandle: %" SVf, SVfARG(argument));
        }
        if (!SvOK(argument)) {
            return -1;
        }
        if (looks_like_number(argument)) {
            return fd_of_number(aTHX_ argument);
        }
    }
    stream = IoIFP(sv_2io(call->handle ? call->handle : argument));
    return stream ? PerlIO_fileno(stream) : -1;
}

/* As perl's stat decides, and a pure number is a descriptor. */
int linux_aio_is_handle(pTHX_ SV *argument) {
    SvGETMAGIC(argument);
    return handle_in(argument) || (SvNIOK(argument) && !SvPOK(argument));
}

/* A path with a NUL inside names no file: as perl's own functions do, a warning and ENOENT, which is what the kernel
 * answers for an empty path. */
const char *linux_aio_path(pTHX_ SV *argument) {
    STRLEN length;
    const char *const path = SvPVbyte(argument, length);
    if (UNLIKELY(memchr(path, '\0', length) != NULL)) {
        Perl_ck_warner(aTHX_ packWARN(WARN_SYSCALLS), "Invalid \\0 character in pathname for Linux::AIO: %s\\0%s", path,
                       path + strlen(path) + 1);
        return "";
    }
    return path;
}

int64_t linux_aio_int64(pTHX_ SV *number) {
#if IVSIZE >= 8
    return SvIV(number);
#else
    return SvIOK(number) ? SvIV(number) : (int64_t)SvNV(number);
#endif
}

CV *linux_aio_callback(pTHX_ SV *argument) {
    HV *stash;
    GV *glob;
    CV *code;
    SvGETMAGIC(argument);
    if (LIKELY(SvROK(argument) && SvTYPE(SvRV(argument)) == SVt_PVCV)) {
        return (CV *)SvRV(argument);
    }
    code = SvOK(argument) ? sv_2cv(argument, &stash, &glob, 0) : NULL;
    if (!code) {
        Perl_croak(aTHX_ "Linux::AIO: the callback must be a code reference");
    }
    return code;
}
