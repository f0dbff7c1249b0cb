/* SPDX-License-Identifier: MIT */
%module capi
%include "golang.swg" /* SWIG has a go.swg of its own */
%insert(cgo_comment_typedefs) %{
#cgo pkg-config: aioclone
%}
%{
#include "capi.h"
%}
%ignore aioc_exchange; /* through a block, see capi.h */
#define AIOC_SWIG_CONTEXTS
%include "aioclone.i"
%include "aioclone/composites.h"
%include "capi.h"
