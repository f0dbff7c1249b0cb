/* SPDX-License-Identifier: MIT */
/* AIOClone::Native: one method for each operation, for classes to include. */
%module "AIOClone::Native"
%{
#include "aioclone_ruby.h"

/* aioclone_uses_open and so on: what the operation table says under "uses". */
#define AIOCLONE_OPERATION(name, parameters, uses) static const char aioclone_uses_##name[] = uses;
#include "operations.inc"
%}
%include "aioclone_ruby.swg"
%rename("%(regex:/^aioc_(.*)/\\1/)s") "";
%include "aioclone.i"
