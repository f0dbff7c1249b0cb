/* SPDX-License-Identifier: MIT */
/*
 * The common interface of all language bindings. A language's own file sets %module, includes its typemaps
 * (perl.swg ...), and then this file.
 *
 * What is wrapped are the operations, all of them, from the operation table: an operation that the core gains reaches
 * every language by itself, as long as its parameters are of kinds that the typemaps know:
 *
 *   aioc_context *ctx                        the context; a language may have one and hide it
 *   int fd                                   a descriptor, or what the language calls a file
 *   const char *path                         a path; one with a NUL inside must not be cut there
 *   int flags, uint32_t mode                 small integers
 *   int64_t offset, size_t count             64 bits, exact
 *   void *buf, const void *buf               data to fill, data to write
 *   struct statx *ret                        a result that lives in the binding's request and becomes the language's own
 *   aioc_callback callback, void *user_data  the language's function: user_data names it. The C callback is NULL and
 *                                            results come from aioc_reap, or it notes the completion and breaks the
 *                                            poll: no C frame may be on the stack while script code raises
 *   aioc_request (the result)                > 0 accepted, < 0 refused: -errno
 *
 * A language that wants an operation in another shape says %ignore aioc_<name> before it includes this file.
 * A language that shows contexts defines AIOC_SWIG_CONTEXTS and gets the rest of aioclone.h as well.
 */
%{
#include <aioclone.h>
%}

#ifdef AIOC_SWIG_CONTEXTS
%ignore aioc_submit; /* arrays of structs cross in each language's own way */
%ignore aioc_reap;
%ignore aioc_poll_cb; /* would call C functions */
%ignore aioc_poll_break;
%ignore aioc_operation::path; /* a structure that is filled by hand, see aioc_submit */
%immutable aioc_engine_report::reason;
%include "aioclone.h"
#endif
%include "operations.i"
