/* SPDX-License-Identifier: MIT */
/* The C part of the Lua module: require "aioclone.core". */
%module aioclone_core
%{
#include "laio.h"
%}
%init %{
    laio_open(L, swig_SwigModule_methods);
%}
%include "lua_types.swg"
%rename("%(regex:/^aioc_(.*)/\\1/)s") "";
%include "aioclone.i"

/* A group is a request. */
%typemap(in, numinputs=0) aioc_context *ctx (laio_call _global_call) %{
    laio_begin(L, &_global_call);
    _global_call.kind = LAIO_GROUP;
%}
aioc_request aioc_group(aioc_context *ctx, aioc_callback callback, void *user_data);
%typemap(in, numinputs=0) aioc_context *ctx (laio_call _global_call) "laio_begin(L, &_global_call);"

/* What controls the context takes no request. */
%typemap(check) aioc_context *ctx "$1 = _global_call.module->context;"
%typemap(in) aioc_request request, aioc_request group "$1 = laio_request_id(L, &_global_call, $input, \"$1_name\");"
%typemap(in) uint32_t engine "$1 = laio_engine(L, &_global_call, $input);"
%typemap(in) uint32_t operation "$1 = laio_operation(L, &_global_call, $input);"
%typemap(out) int "return laio_status(L, $1);"
%typemap(out) int64_t "return laio_number(L, $1);"
%typemap(in, numinputs=0) aioc_statistics *ret (aioc_statistics report = AIOC_STATISTICS_INIT) "$1 = &report;"
%typemap(argout) aioc_statistics *ret "laio_push_statistics(L, $1);"
%typemap(in, numinputs=0) aioc_engine_report *ret (aioc_engine_report report = AIOC_ENGINE_REPORT_INIT) "$1 = &report;"
%typemap(argout) aioc_engine_report *ret "laio_push_engine(L, $1);"
%typemap(in, numinputs=0) aioc_group_report *ret (aioc_group_report report = AIOC_GROUP_REPORT_INIT) "$1 = &report;"
%typemap(argout) aioc_group_report *ret "laio_push_group(L, $1);"
%typemap(in, numinputs=0) aioc_report *ret (aioc_report report = AIOC_REPORT_INIT) "$1 = &report;"
%typemap(argout) aioc_report *ret "laio_push_report(L, $1);"
%typemap(in, numinputs=0) aioc_buffer_report *ret (aioc_buffer_report report = AIOC_BUFFER_REPORT_INIT) "$1 = &report;"
%typemap(argout) aioc_buffer_report *ret "laio_push_pool(L, $1);"

int aioc_cancel(aioc_context *ctx, aioc_request request);
int aioc_group_close(aioc_context *ctx, aioc_request group);
int aioc_hold(aioc_context *ctx);
int aioc_release(aioc_context *ctx);
int64_t aioc_nreqs(aioc_context *ctx);
int aioc_min_parallel(aioc_context *ctx, uint32_t count);
int aioc_max_parallel(aioc_context *ctx, uint32_t count);
int aioc_rebind(aioc_context *ctx);
int aioc_file_register(aioc_context *ctx, int fd);
int aioc_file_unregister(aioc_context *ctx, int fd);
int aioc_buffer_create(aioc_context *ctx, uint64_t size, uint32_t count);
int64_t aioc_count(aioc_context *ctx, uint32_t operation, uint32_t engine);

/* These fill a report, which is the result. */
%typemap(out) int "if ($1 < 0) return laio_status(L, $1); SWIG_arg = 1;"
int aioc_stats(aioc_context *ctx, aioc_statistics *ret);
int aioc_engine_info(aioc_context *ctx, uint32_t engine, aioc_engine_report *ret);
int aioc_group_info(aioc_context *ctx, aioc_request group, aioc_group_report *ret);
int aioc_progress(aioc_context *ctx, aioc_request request, aioc_report *ret);
int aioc_buffer_info(aioc_context *ctx, aioc_buffer_report *ret);
