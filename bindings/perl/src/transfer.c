/* SPDX-License-Identifier: MIT */
/* Reads and writes: between the kernel and a scalar that the program may change, or lose, at any moment.
 *
 * A read goes into a buffer of the request. On completion it becomes the scalar's own, in exchange for the scalar's
 * old one, which serves the next read: nothing is copied. Only a read to behind existing data copies.
 * A write holds a copy of the string, which Perl shares with the original until that is changed. */
#include "linux_aio.h"

#define TRANSFER_MAX 0x7ffff000 /* the most that one system call of Linux transfers */
#define LARGE (64 << 20)

/* What the arguments ask for. May die, owns nothing. */
typedef struct {
    linux_aio_call call;
    int fd;
    int64_t offset, length;
    STRLEN data_offset;
} transfer;

static void begin(pTHX_ transfer *t, SV *fh, SV *offset, SV *length, SV *callback) {
    linux_aio_begin(aTHX_ &t->call);
    linux_aio_context(aTHX_ &t->call);
    t->call.callback = linux_aio_callback(aTHX_ callback);
    t->fd = linux_aio_fd(aTHX_ &t->call, fh);
    t->offset = linux_aio_int64(aTHX_ offset);
    t->length = linux_aio_int64(aTHX_ length);
    if (t->length < 0) {
        Perl_croak(aTHX_ "length must not be negative");
    }
    if (t->length > TRANSFER_MAX) {
        t->length = TRANSFER_MAX;
    }
}

static STRLEN place(pTHX_ int64_t data_offset, STRLEN size) {
    if (data_offset < 0) {
        data_offset += (int64_t)size;
    }
    if (data_offset < 0 || data_offset > (int64_t)size) {
        Perl_croak(aTHX_ "data offset outside of string");
    }
    return (STRLEN)data_offset;
}

static void make_room(pTHX_ linux_aio_request *request, STRLEN size) {
    if (request->buffer_size < size) {
        Safefree(request->buffer);
        Newx(request->buffer, size, char);
        request->buffer_size = size;
    }
}

/* Perl's allocator ends the program when there is no memory; a large request only dies. */
static void check_memory(pTHX_ STRLEN size) {
    void *const probe = size >= LARGE ? malloc(size) : NULL;
    if (size >= LARGE && !probe) {
        Perl_croak(aTHX_ "aio_read: %s", Strerror(ENOMEM));
    }
    free(probe);
}

void linux_aio_read(pTHX_ SV *fh, SV *offset, SV *length, SV *data, SV *dataoffset, SV *callback) {
    transfer t;
    linux_aio_request *request;
    int64_t data_offset;
    begin(aTHX_ &t, fh, offset, length, callback);
    data_offset = linux_aio_int64(aTHX_ dataoffset);
    if (SvREADONLY(data)) {
        Perl_croak_no_modify();
    }
    t.data_offset = 0;
    if (data_offset != 0) {
        STRLEN size = 0;
        SvGETMAGIC(data);
        if (SvOK(data)) {
            (void)SvPVbyte_nomg(data, size);
        }
        t.data_offset = place(aTHX_ data_offset, size);
    }
    check_memory(aTHX_ (STRLEN)t.length + 1);
    request = linux_aio_take(aTHX_ &t.call);
    request->kind = LINUX_AIO_READ;
    request->data = SvREFCNT_inc_simple_NN(data);
    request->data_offset = t.data_offset;
    make_room(aTHX_ request, (STRLEN)t.length + 1);
    linux_aio_submitted(aTHX_ &t.call, aioc_read(t.call.module->context, t.fd, request->buffer, (size_t)t.length,
                                                 t.offset, linux_aio_done, request));
}

/* The bytes of a scalar, which change no more. Mortal. */
static SV *snapshot(pTHX_ SV *data) {
    SV *copy;
    SvGETMAGIC(data);
    if (!SvOK(data)) {
        return newSVpvs_flags("", SVs_TEMP);
    }
    copy = sv_newmortal();
    sv_setsv_nomg(copy, data);
    if (!SvPOK(copy)) { /* a number, a reference, an object that has a string */
        (void)SvPV_force_nolen(copy);
    }
    if (SvUTF8(copy) && !sv_utf8_downgrade(copy, TRUE)) {
        Perl_croak(aTHX_ "Wide character in aio_write");
    }
    return copy;
}

void linux_aio_write(pTHX_ SV *fh, SV *offset, SV *length, SV *data, SV *dataoffset, SV *callback) {
    transfer t;
    linux_aio_request *request;
    SV *written;
    STRLEN rest;
    begin(aTHX_ &t, fh, offset, length, callback);
    written = snapshot(aTHX_ data);
    t.data_offset = place(aTHX_ linux_aio_int64(aTHX_ dataoffset), SvCUR(written));
    rest = SvCUR(written) - t.data_offset;
    if ((STRLEN)t.length > rest) {
        t.length = (int64_t)rest;
    }
    request = linux_aio_take(aTHX_ &t.call);
    request->data = SvREFCNT_inc_simple_NN(data);
    request->written = SvREFCNT_inc_simple_NN(written);
    linux_aio_submitted(aTHX_ &t.call, aioc_write(t.call.module->context, t.fd, SvPVX_const(written) + t.data_offset,
                                                  (size_t)t.length, t.offset, linux_aio_done, request));
}

/* A plain string that nobody shares: its buffer may be exchanged. */
static int has_own_buffer(SV *data) {
    return SvTYPE(data) >= SVt_PV && SvTYPE(data) <= SVt_PVMG && !SvTHINKFIRST(data) && !SvOOK(data) && SvLEN(data) > 0;
}

static void exchange(pTHX_ linux_aio_request *request, SV *data, STRLEN bytes) {
    char *const buffer = request->buffer;
    const STRLEN size = request->buffer_size;
    buffer[bytes] = '\0';
    if (has_own_buffer(data)) {
        request->buffer = SvPVX(data);
        request->buffer_size = SvLEN(data);
        SvPV_set(data, buffer);
        SvCUR_set(data, bytes);
    } else {
        request->buffer = NULL;
        request->buffer_size = 0;
        sv_usepvn_flags(data, buffer, bytes, SV_HAS_TRAILING_NUL);
    }
    SvLEN_set(data, size);
    (void)SvPOK_only(data); /* bytes */
}

static void append(pTHX_ linux_aio_request *request, SV *data, STRLEN bytes) {
    const STRLEN at = request->data_offset;
    STRLEN size;
    if (!SvOK(data) || SvROK(data)) { /* an object's string would run Perl code */
        sv_setpvs(data, "");
    }
    (void)SvPV_force_nomg(data, size);
    if (SvUTF8(data) && !sv_utf8_downgrade(data, TRUE)) { /* became wide meanwhile: as its bytes */
        sv_utf8_encode(data);
    }
    size = SvCUR(data);
    SvGROW(data, at + bytes + 1);
    if (size < at) { /* became shorter meanwhile */
        Zero(SvPVX(data) + size, at - size, char);
    }
    Copy(request->buffer, SvPVX(data) + at, bytes, char);
    SvPVX(data)[at + bytes] = '\0';
    SvCUR_set(data, at + bytes);
    (void)SvPOK_only(data);
}

/* Without set magic. */
int linux_aio_fill(pTHX_ linux_aio_request *request, STRLEN bytes) {
    SV *const data = request->data;
    if (SvREADONLY(data)) {
        return EFAULT; /* became so meanwhile */
    }
    if (request->data_offset > 0) {
        append(aTHX_ request, data, bytes);
    } else if (bytes >= request->buffer_size / 2) {
        exchange(aTHX_ request, data, bytes);
    } else {
        sv_setpvn(data, request->buffer, bytes); /* not a large buffer for a short string */
        SvUTF8_off(data);
    }
    return 0;
}
