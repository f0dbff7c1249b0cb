// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// Code is an operation of the library, AIOC_OP_*.
type Code uint32

// The operations of the library, in the order of its table.
const (
	OpNop Code = iota + 1
	OpOpen
	OpClose
	OpRead
	OpWrite
	OpReadahead
	OpStat
	OpLstat
	OpFstat
	OpUnlink
	OpFsync
	OpFdatasync
	OpMkdir
	OpRmdir
	OpRename
	OpLink
	OpSymlink
	OpMknod
	OpReadlink
	OpRealpath
	OpReaddir
	OpOpenat2
	OpFlink
	OpStatx
	OpStatvfs
	OpFstatvfs
	OpChmod
	OpFchmod
	OpChown
	OpLchown
	OpFchown
	OpUtimens
	OpFutimens
	OpTruncate
	OpFtruncate
	OpGetxattr
	OpLgetxattr
	OpFgetxattr
	OpSetxattr
	OpLsetxattr
	OpFsetxattr
	OpListxattr
	OpLlistxattr
	OpFlistxattr
	OpRemovexattr
	OpLremovexattr
	OpFremovexattr
	OpReadv
	OpWritev
	OpSeek
	OpFallocate
	OpFadvise
	OpSync
	OpSyncfs
	OpSyncFileRange
	OpSendfile
	OpCopyFileRange
	OpSplice
	OpTee
	OpFiclone
	OpFiclonerange
	OpFiemap
	OpDup
	OpDup3
	OpFcntl
	OpIoctl
	OpFlock
	OpOfdLock
	OpNameToHandle
	OpOpenByHandle
	OpFsverityEnable
	OpFsverityMeasure
	OpMsync
	OpMadvise
	OpMtouch
	OpMlock
	OpMunlock
	OpMlockall
	OpMunlockall
	OpBusy
	OpReadFull
	OpWriteFull
	OpLoad
	OpScandir
	OpReplace
	OpPathsync
	OpCopy
	OpCopyTree
	OpMove
	OpRemoveTree
	OpWalkNext
)

// String is the name in the library's documentation; "" if this library has no such operation.
func (c Code) String() string { return capi.OperationName(uint32(c)) }

// Operations are all that the library in use has, newer ones than this package too: Do runs any of them.
func Operations() []Code {
	var all []Code
	for c := Code(1); c.String() != ""; c++ {
		all = append(all, c)
	}
	return all
}

// Operation is any operation of the library, for Do: the fields of the C structure aioc_operation. Those that it does not
// use are ignored.
type Operation struct {
	Code Code
	// FD is the descriptor (the source, if there are two), or with UseDirFD the directory where a relative Path starts.
	FD       int
	UseDirFD bool
	Path     string
	// Flags are the call's own: open's O_* (O_CLOEXEC is not implied), RWF_* of read and write, advice, whence, cmd ...
	Flags uint32
	Mode  uint32
	// Buffer is what is written, and receives what is read; for others the struct to fill, as the 256 bytes of a
	// struct statx. The library works on a copy of it, made before and copied back after a success.
	Buffer []byte
	// Buffers are those of readv and writev.
	Buffers [][]byte
	// Memory is that of msync, madvise, mtouch, mlock and munlock: not Go's own, but mapped by syscall.Mmap. It must stay
	// mapped until the request has ended, also if the context ends first.
	Memory []byte
	// Length in bytes; 0 means that of Buffer or Memory.
	Length uint64
	Offset int64
	// Path2 is the new name of rename, link, symlink and flink, and an extended attribute's name. FD2 is the
	// destination, or with UseDirFD2 the directory where Path2 starts.
	Path2     string
	FD2       int
	UseDirFD2 bool
	Offset2   int64
	// Argument is openat2's resolve, mknod's device, and that of fcntl and ioctl. If that is to be an address, let it
	// be of memory that is not Go's. For name_to_handle it is ignored: the mount's id goes to MountID.
	Argument uint64
	UID, GID uint32
	MountID  int32
	// Priority from -4 (last) to 4 (first) decides which request starts first when workers are busy.
	Priority int
	// Timeout makes the request complete with ETIMEDOUT if it has not ended by then: at once if it waits, else when the
	// kernel lets go of it. A context that ends abandons the wait.
	Timeout time.Duration
	// Entries are what readdir and scandir found.
	Entries []DirectoryEntry
	// Loaded is the file of load.
	Loaded []byte
	// Report is that of copy_tree, move and remove_tree, also after an error.
	Report Report
}

// DirectoryEntry is one of Operation.Entries. Its Type is a DT_* of readdir(3). Directory and Err are those of a walk.
type DirectoryEntry struct {
	Name      string
	Type      uint32
	Ino       uint64
	Directory string // from the root of the walk
	Err       error  // why this directory could not be read
}

// Report says how far an operation on a tree came.
type Report struct {
	Items, Bytes, Errors uint64
	Err                  error  // the first one
	Path                 string // where that was, from the root of the tree
}

// What a call has no field for. The operation's buffer is set.
func (o *Operation) encode(op *capi.Operation) {
	op.FD2, op.Offset2, op.Argument = int32(o.FD2), o.Offset2, o.Argument
	op.UID, op.GID, op.Priority = o.UID, o.GID, int32(o.Priority)
	op.TimeoutNS = uint64(o.Timeout)
	if o.Code == OpNameToHandle {
		op.Argument = uint64(op.Buffer) + uint64(mountIDAt(len(o.Buffer)))
	}
}

// Behind the handle, aligned.
func mountIDAt(bytes int) int { return (bytes + 3) &^ 3 }

func (o *Operation) opens() bool {
	switch o.Code {
	case OpOpen, OpOpenat2, OpDup, OpOpenByHandle:
		return true
	case OpFcntl:
		return o.Flags == syscall.F_DUPFD || o.Flags == syscall.F_DUPFD_CLOEXEC
	}
	return false
}

func (o *Operation) call() (call, error) {
	c := call{
		code:   o.Code,
		fd:     o.FD,
		path:   o.Path,
		path2:  o.Path2,
		opens:  o.opens(),
		gives:  o.gives(),
		more:   o.Flags,
		mode:   o.Mode,
		in:     o.Buffer,
		vector: o.Buffers,
		length: o.Length,
		offset: o.Offset,
		rest:   o,
	}
	if o.UseDirFD {
		c.flags = uint32(capi.AIOC_USE_DIRFD)
	}
	if o.UseDirFD2 {
		c.flags |= uint32(capi.AIOC_USE_DIRFD2)
	}
	if o.Timeout < 0 {
		return c, syscall.EINVAL
	}
	if c.gives != givesNothing {
		c.bytes, c.in = 8, nil
	}
	switch o.Code {
	case OpNameToHandle:
		c.bytes = mountIDAt(len(o.Buffer)) + 4
	case OpReadv, OpWritev:
		if c.vector == nil {
			c.vector = [][]byte{}
		}
	}
	if len(o.Memory) > 0 {
		c.fixed = uintptr(unsafe.Pointer(&o.Memory[0]))
	}
	known := uint64(len(o.Buffer) + len(o.Memory))
	if c.length == 0 {
		c.length = known
	} else if known > 0 && c.length > known {
		return c, syscall.EINVAL // it would end outside of the memory
	}
	return c, nil
}

// Do runs one operation and returns the kernel's result: a number of bytes, a descriptor or 0. Errors are
// syscall.Errno, and those of the context. If the context ends first the descriptor of an open is closed.
func (q *Queue) Do(ctx context.Context, op *Operation) (int64, error) {
	if op == nil {
		return 0, syscall.EFAULT
	}
	c, err := op.call()
	if err != nil {
		return 0, err
	}
	c.failed = op.takeReport
	r, err := q.run(ctx, &c)
	runtime.KeepAlive(op.Memory)
	if err != nil {
		return 0, err
	}
	op.take(r)
	result := r.result
	r.end()
	return result, nil
}

// What the library has filled.
func (o *Operation) take(r *request) {
	switch {
	case r.gives == givesDirectory:
		o.Entries = takeDirectory(r.object())
	case r.gives == givesEntries:
		o.Entries = takeEntries(r.object())
	case r.gives == givesMemory:
		o.Loaded = takeLoaded(r)
	case r.gives == givesReport:
		o.takeReport(r)
	case r.memory == nil:
	case o.Buffers != nil:
		if o.Code == OpReadv {
			takeVector(r.memory, o.Buffers, int(r.result))
		}
	default:
		copy(o.Buffer, r.memory.bytes)
		if o.Code == OpNameToHandle {
			o.MountID = *(*int32)(unsafe.Pointer(&r.memory.bytes[mountIDAt(len(o.Buffer))]))
		}
	}
}

func (o *Operation) gives() gift {
	switch o.Code {
	case OpReaddir:
		return givesDirectory
	case OpScandir:
		return givesEntries
	case OpLoad:
		return givesMemory
	case OpCopyTree, OpMove, OpRemoveTree:
		return givesReport
	}
	return givesNothing
}

// Objects that the library gives. What takes one frees it.
type gift uint8

const (
	givesNothing gift = iota
	givesDirectory
	givesEntries
	givesMemory
	givesReport
)

func (g gift) free(object uintptr) {
	if g == givesDirectory {
		capi.DirectoryFree(object)
	} else {
		capi.Free(object)
	}
}

func takeLoaded(r *request) []byte {
	data := append([]byte{}, capi.Bytes(r.object(), int(r.result))...)
	capi.Free(r.object())
	return data
}

func (o *Operation) takeReport(r *request) {
	if r.gives != givesReport {
		return
	}
	if object := r.object(); object != 0 {
		from := (*capi.Report)(capi.Pointer(object))
		o.Report = Report{from.Items, from.Bytes, from.Errors, errorOf(from.Error), from.Path()}
		capi.Free(object)
	}
}

func takeEntries(object uintptr) []DirectoryEntry {
	entries := make([]DirectoryEntry, capi.EntriesCount(object))
	for i := range entries {
		e := (*capi.Entry)(capi.Pointer(capi.EntriesAt(object, uint64(i))))
		entries[i] = DirectoryEntry{e.Name(), e.Type, e.Inode, e.Directory(), errorOf(e.Error)}
	}
	capi.Free(object)
	return entries
}

func takeDirectory(directory uintptr) []DirectoryEntry {
	entries := make([]DirectoryEntry, capi.DirectoryCount(directory))
	for i := range entries {
		at := int64(i)
		entries[i] = DirectoryEntry{
			Name: capi.DirectoryName(directory, at), Type: capi.DirectoryType(directory, at), Ino: capi.DirectoryInode(directory, at),
		}
	}
	capi.DirectoryFree(directory)
	return entries
}

// A vector in C's memory: first its elements, then their bytes.
const vectorElement = int(unsafe.Sizeof(syscall.Iovec{}))

func vectorBytes(buffers [][]byte) int {
	bytes := vectorElement * len(buffers)
	for _, b := range buffers {
		bytes += len(b)
	}
	return bytes
}

func fillVector(m *memory, buffers [][]byte) {
	if len(buffers) == 0 {
		return
	}
	// As integers: these pointers are C's, which Go's garbage collector must not look at.
	elements := unsafe.Slice((*[2]uint64)(unsafe.Pointer(&m.bytes[0])), len(buffers))
	at := vectorElement * len(buffers)
	for i, b := range buffers {
		elements[i] = [2]uint64{uint64(m.address) + uint64(at), uint64(len(b))}
		at += copy(m.bytes[at:], b)
	}
}

func takeVector(m *memory, buffers [][]byte, bytes int) {
	at := vectorElement * len(buffers)
	end := at + bytes
	for _, b := range buffers {
		if at+len(b) > end {
			b = b[:end-at]
		}
		at += copy(b, m.bytes[at:])
	}
}
