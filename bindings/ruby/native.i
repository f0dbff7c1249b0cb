/* SPDX-License-Identifier: MIT */
/* AIOClone::Native: one method for each operation, for classes to include. */
%module "AIOClone::Native"
%{
#include "aioclone_ruby.h"
#include "submit_declared.inc"
#include "routes.inc"

/* aioclone_uses_open and so on: what the operation table says under "uses". */
#define AIOCLONE_OPERATION(name, parameters, uses) static const char aioclone_uses_##name[] = uses;
#include "operations.inc"
static const char aioclone_uses_group[] = "";
%}
%include "aioclone_ruby.swg"
%rename("%(regex:/^aioc_(.*)/\\1/)s") "";
%include "aioclone.i"
aioc_request aioc_group(aioc_context *ctx, aioc_callback callback, void *user_data);
