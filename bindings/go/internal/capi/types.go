// SPDX-License-Identifier: MIT

// Package capi is the C interface as SWIG wraps it (capi.go, capi_wrap.c: made from capi.i, not to be edited), and the C
// structures as Go sees them.
package capi

import "unsafe"

// Context is the address of an aioc_context.
type Context uintptr

// Operation is an aioc_operation. Path, Path2 and Buffer are addresses of C memory.
type Operation struct {
	Size           uint32
	Code           uint32
	Flags          uint32
	FD             int32
	OperationFlags uint32
	Mode           uint32
	Path           uintptr
	Buffer         uintptr
	Length         uint64
	Offset         int64
	Callback       uintptr
	UserData       uintptr
	Path2          uintptr
	Offset2        int64
	Argument       uint64
	FD2            int32
	UID            uint32
	GID            uint32
	Priority       int32
	Group          int64
	TimeoutNS      uint64
}

// OperationSize is what an Operation states as its size.
const OperationSize = uint32(unsafe.Sizeof(Operation{}))

// Completion is an aioc_completion.
type Completion struct {
	Size      uint32
	Operation uint32
	Engine    uint32
	Flags     uint32
	Request   int64
	Result    int64
	UserData  uintptr
}

const (
	// Batch is the number of operations and completions of a Block.
	Batch = 64
	// PathMax is the size of a path with its NUL, as the library limits it.
	PathMax = 4096
)

// Block is a capi_block: what one call hands over and takes back.
type Block struct {
	Operations  [Batch]Operation
	Requests    [Batch]int64
	Completions [Batch]Completion
	Taken       uint32
	index       uint32
	Paths       [4 * PathMax]byte
}

// PathsOffset is where Paths are in a Block.
const PathsOffset = unsafe.Offsetof(Block{}.Paths)

// OptionsSize is what Options state as their size.
const OptionsSize = uint32(unsafe.Sizeof(Options{}))

// Options is an aioc_options.
type Options struct {
	Size           uint32
	Flags          uint32
	Engine         uint32
	Spawner        uint32
	MinWorkers     uint32
	MaxWorkers     uint32
	IdleTimeoutMS  uint32
	MaxOutstanding uint32
	DeviceWorkers  uint32
	reserved       uint32
}

// Statistics is an aioc_statistics.
type Statistics struct {
	Size           uint32
	Workers        uint32
	Submitted      uint64
	Completed      uint64
	Outstanding    uint64
	Queued         uint64
	WorkerWakeups  uint64
	PollWakeups    uint64
	WorkersStarted uint64
	InlineHits     uint64
	InlineMisses   uint64
	Waiting        uint64
	TimedOut       uint64
}

// GroupReport is an aioc_group_report.
type GroupReport struct {
	Size        uint32
	Flags       uint32
	Outstanding uint64
	Succeeded   uint64
	Failed      uint64
	FirstError  int64
	FirstFailed int64
}

// Report is an aioc_report.
type Report struct {
	Size   uint32
	Error  int32
	Items  uint64
	Bytes  uint64
	Errors uint64
	path   uintptr
}

// Path is where the first error was; "" for the root.
func (r *Report) Path() string { return text(r.path) }

// Entry is an aioc_entry.
type Entry struct {
	size            uint32
	Type            uint32
	Inode           uint64
	name            uintptr
	directory       uintptr
	Status          uintptr
	nameLength      uint32
	directoryLength uint32
	Depth           uint32
	Error           int32
}

// Name is without the directory.
func (e *Entry) Name() string { return string(Bytes(e.name, int(e.nameLength))) }

// Directory is the path from the root of the walk.
func (e *Entry) Directory() string {
	if e.directory == 0 {
		return ""
	}
	return string(Bytes(e.directory, int(e.directoryLength)))
}

// EngineReport is an aioc_engine_report.
type EngineReport struct {
	Size     uint32
	Status   int32
	Spawner  uint32
	reserved uint32
	reason   uintptr
}

// Reason is the text for Status.
func (r *EngineReport) Reason() string { return text(r.reason) }

// BufferReport is an aioc_buffer_report.
type BufferReport struct {
	Size       uint32
	Count      uint32
	Taken      uint32
	Registered int32
	BufferSize uint64
}

// What these state as their sizes.
const (
	StatisticsSize   = uint32(unsafe.Sizeof(Statistics{}))
	EngineReportSize = uint32(unsafe.Sizeof(EngineReport{}))
)

// Pointer makes a pointer of an address of C memory.
func Pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// Bytes is C memory as a slice.
func Bytes(address uintptr, length int) []byte {
	return unsafe.Slice((*byte)(Pointer(address)), length)
}

// A string of C. The longest of the library's are some hundred bytes.
func text(address uintptr) string {
	if address == 0 {
		return ""
	}
	const most = 4096
	length := 0
	for length < most && *(*byte)(Pointer(address + uintptr(length))) != 0 {
		length++
	}
	return string(Bytes(address, length))
}
