/* SPDX-License-Identifier: MIT */
/*
 * The common interface of all language bindings. A language's own file sets %module, includes its typemaps
 * (perl.swg ...), and then this file.
 *
 * What is wrapped are the operations, all of them, from the operation table: an operation that the core gains reaches
 * every language by itself, as long as its parameters are of kinds that the typemaps know. The kinds are listed at the
 * head of libaio-clone/src/core/operations.def, with the parameters' names. What is not there:
 *
 *   aioc_context *ctx                        the context; a language may have one and hide it
 *   const char *path, path2, name            one with a NUL inside must not be cut there
 *   struct statx *ret, struct statvfs *ret, aioc_directory **ret
 *                                            results that live in the binding's request and become the language's own;
 *                                            a directory is read with aioc_directory_* and freed
 *   aioc_callback callback, void *user_data  the language's function: user_data names it. The C callback is NULL and
 *                                            results come from aioc_reap, or it notes the completion and breaks the
 *                                            poll: no C frame may be on the stack while script code raises
 *   aioc_request (the result)                > 0 accepted, < 0 refused: -errno
 *
 * A binding of the seed's operations alone defines AIOC_SEED_OPERATIONS for the preprocessor (operations.h).
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
%ignore aioc_operation::path2;
%immutable aioc_engine_report::reason;
%include "aioclone.h"
%include "aioclone/operations.h"
#endif
%include "operations.i"
