/* SPDX-License-Identifier: MIT */
/* AIOClone::Native: one method for each operation, for classes to include. */
%module "AIOClone::Native"
%{
#include "aioclone_ruby.h"
#include "submit_declared.inc"
#include "routes.inc"

#define aioc_group(...) (_global_call.plan ? aioclone_submit_group : aioc_group)(__VA_ARGS__)
#define aioclone_answer_group AIOCLONE_GROUP
%}
%include "aioclone_ruby.swg"
%rename("%(regex:/^aioc_(.*)/\\1/)s") "";
%include "aioclone.i"
aioc_request aioc_group(aioc_context *ctx, aioc_callback callback, void *user_data);
