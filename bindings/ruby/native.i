/* SPDX-License-Identifier: MIT */
/* AIOClone::Native: one method for each operation, for classes to include. */
%module "AIOClone::Native"
%{
#include "aioclone_ruby.h"

#define aioclone_open aioc_open
#define aioclone_close aioc_close
%}
%include "aioclone_ruby.swg"

/* They make and end Ruby objects: told by the names of their parameters. */
%ignore aioc_open;
%ignore aioc_close;
%rename("%(regex:/^(aioc|aioclone)_(.*)/\\2/)s") "";
%include "aioclone.i"
aioc_request aioclone_open(aioc_context *ctx, const char *opening, int flags, uint32_t mode, aioc_callback callback,
                           void *user_data);
aioc_request aioclone_close(aioc_context *ctx, int closing, aioc_callback callback, void *user_data);
