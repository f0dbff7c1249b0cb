// SPDX-License-Identifier: MIT

package capi

import (
	"testing"
	"unsafe"
)

// The structures of types.go have the layout that the C compiler gives to those of the header, and lack none of
// their fields: a structure that has grown there fails here.
func TestLayout(t *testing.T) {
	var o Operation
	var c Completion
	var b Block
	var options Options
	var statistics Statistics
	var engine EngineReport
	var buffers BufferReport
	var group GroupReport
	var report Report
	var entry Entry
	expected := []struct {
		what   string
		number uintptr
	}{
		{"CAPI_BATCH", Batch},
		{"aioc_operation", unsafe.Sizeof(o)},
		{"aioc_operation.code", unsafe.Offsetof(o.Code)},
		{"aioc_operation.flags", unsafe.Offsetof(o.Flags)},
		{"aioc_operation.fd", unsafe.Offsetof(o.FD)},
		{"aioc_operation.operation_flags", unsafe.Offsetof(o.OperationFlags)},
		{"aioc_operation.mode", unsafe.Offsetof(o.Mode)},
		{"aioc_operation.path", unsafe.Offsetof(o.Path)},
		{"aioc_operation.buffer", unsafe.Offsetof(o.Buffer)},
		{"aioc_operation.length", unsafe.Offsetof(o.Length)},
		{"aioc_operation.offset", unsafe.Offsetof(o.Offset)},
		{"aioc_operation.callback", unsafe.Offsetof(o.Callback)},
		{"aioc_operation.user_data", unsafe.Offsetof(o.UserData)},
		{"aioc_operation.path2", unsafe.Offsetof(o.Path2)},
		{"aioc_operation.offset2", unsafe.Offsetof(o.Offset2)},
		{"aioc_operation.argument", unsafe.Offsetof(o.Argument)},
		{"aioc_operation.fd2", unsafe.Offsetof(o.FD2)},
		{"aioc_operation.uid", unsafe.Offsetof(o.UID)},
		{"aioc_operation.gid", unsafe.Offsetof(o.GID)},
		{"aioc_operation.priority", unsafe.Offsetof(o.Priority)},
		{"aioc_operation.group", unsafe.Offsetof(o.Group)},
		{"aioc_operation.timeout_ns", unsafe.Offsetof(o.TimeoutNS)},
		{"aioc_completion", unsafe.Sizeof(c)},
		{"aioc_completion.operation", unsafe.Offsetof(c.Operation)},
		{"aioc_completion.engine", unsafe.Offsetof(c.Engine)},
		{"aioc_completion.request", unsafe.Offsetof(c.Request)},
		{"aioc_completion.result", unsafe.Offsetof(c.Result)},
		{"aioc_completion.user_data", unsafe.Offsetof(c.UserData)},
		{"capi_block", unsafe.Sizeof(b)},
		{"capi_block.requests", unsafe.Offsetof(b.Requests)},
		{"capi_block.completions", unsafe.Offsetof(b.Completions)},
		{"capi_block.taken", unsafe.Offsetof(b.Taken)},
		{"capi_block.index", unsafe.Offsetof(b.index)},
		{"capi_block.paths", unsafe.Offsetof(b.Paths)},
		{"aioc_options", unsafe.Sizeof(options)},
		{"aioc_options.device_workers", unsafe.Offsetof(options.DeviceWorkers)},
		{"aioc_statistics", unsafe.Sizeof(statistics)},
		{"aioc_statistics.timed_out", unsafe.Offsetof(statistics.TimedOut)},
		{"aioc_engine_report", unsafe.Sizeof(engine)},
		{"aioc_engine_report.reason", unsafe.Offsetof(engine.reason)},
		{"aioc_group_report", unsafe.Sizeof(group)},
		{"aioc_group_report.first_failed", unsafe.Offsetof(group.FirstFailed)},
		{"aioc_report", unsafe.Sizeof(report)},
		{"aioc_report.path", unsafe.Offsetof(report.path)},
		{"aioc_entry", unsafe.Sizeof(entry)},
		{"aioc_entry.error", unsafe.Offsetof(entry.Error)},
		{"aioc_buffer_report", unsafe.Sizeof(buffers)},
		{"aioc_buffer_report.buffer_size", unsafe.Offsetof(buffers.BufferSize)},
	}
	for i, e := range expected {
		if got := Layout(uint32(i)); uintptr(got) != e.number {
			t.Errorf("%s: %d in C, %d in Go", e.what, got, e.number)
		}
	}
	if Layout(uint32(len(expected))) != -1 {
		t.Error("C has more numbers than this test knows")
	}
}

func TestBlocks(t *testing.T) {
	seen := map[uintptr]bool{}
	for i := 0; i < 200; i++ { // more than there are in the program's data
		block := BlockTake()
		if block == 0 || seen[block] {
			t.Fatalf("block %d: %#x", i, block)
		}
		seen[block] = true
	}
	for block := range seen {
		BlockGive(block)
	}
}

func TestText(t *testing.T) {
	if got := OperationName(1); got != "nop" {
		t.Error(got)
	}
	if got := OperationName(1 << 20); got != "" { // null
		t.Error(got)
	}
	if got := Strerror(-2); got != "No such file or directory" {
		t.Error(got)
	}
}
