/* SPDX-License-Identifier: MIT */
%module "Linux::AIO"
%{
#include "linux_aio.h"

/* The wrappers call without an interpreter. (A macro is not expanded inside itself.) */
#define linux_aio_read(...) linux_aio_read(aTHX_ __VA_ARGS__)
#define linux_aio_write(...) linux_aio_write(aTHX_ __VA_ARGS__)
#define linux_aio_stat(...) linux_aio_stat(aTHX_ __VA_ARGS__)
#define linux_aio_lstat(...) linux_aio_lstat(aTHX_ __VA_ARGS__)
#define linux_aio_min_parallel(count) linux_aio_min_parallel(aTHX_ count)
#define linux_aio_max_parallel(count) linux_aio_max_parallel(aTHX_ count)
#define linux_aio_poll_fileno(ignored) ((void)(ignored), linux_aio_poll_fileno(aTHX))
#define linux_aio_poll_cb(ignored) ((void)(ignored), linux_aio_poll_cb(aTHX))
#define linux_aio_poll_wait(ignored) ((void)(ignored), linux_aio_poll_wait(aTHX))
#define linux_aio_nreqs(ignored) ((void)(ignored), linux_aio_nreqs(aTHX))
#define linux_aio_clone(ignored) ((void)(ignored), linux_aio_clone(aTHX))
%}
%init %{
    linux_aio_load(aTHX);
%}
%include "perl.swg"

/* With offsets into a scalar, or for a handle or a path: written by hand. */
%ignore aioc_read;
%ignore aioc_write;
%ignore aioc_stat;
%ignore aioc_lstat;
%rename("%(regex:/^(aioc|linux_aio)_(.*)/aio_\\2/)s") "";
%include "aioclone.i"

/* SWIG passes an SV * through untouched. */
void linux_aio_read(SV *fh, SV *offset, SV *length, SV *data, SV *dataoffset, SV *callback);
void linux_aio_write(SV *fh, SV *offset, SV *length, SV *data, SV *dataoffset, SV *callback);
void linux_aio_stat(SV *fh_or_path, SV *callback);
void linux_aio_lstat(SV *fh_or_path, SV *callback);

%rename("%(regex:/^linux_aio_(.*)/\\1/)s") "";
%rename(CLONE) linux_aio_clone;
void linux_aio_min_parallel(int count);
void linux_aio_max_parallel(int count);
/* Event loops call with arguments of their own: SWIG hands over what "..." stands for as one null pointer. */
int linux_aio_poll_fileno(...);
int linux_aio_poll_cb(...);
void linux_aio_poll_wait(...);
int linux_aio_nreqs(...);
void linux_aio_clone(...);
