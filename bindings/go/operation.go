// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"syscall"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// Code is an operation of the library, AIOC_OP_*.
type Code uint32

// The operations that this package has a function or method for. Operations has those of the library in use.
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
	// FD is the descriptor, or with UseDirFD the directory where a relative Path starts.
	FD       int
	UseDirFD bool
	Path     string
	// Flags are open's O_* (O_CLOEXEC is not implied), and RWF_* of read and write.
	Flags uint32
	Mode  uint32
	// Buffer is what is written, and receives what is read; for stat the 256 bytes of a struct statx. The library
	// works on a copy of it, made before and copied back after a success.
	Buffer []byte
	// Length in bytes; 0 means that of Buffer.
	Length uint64
	Offset int64
}

// Do runs one operation and returns the kernel's result: a number of bytes, a descriptor or 0. Errors are
// syscall.Errno, and those of the context. If the context ends first the descriptor of an open is closed.
func (q *Queue) Do(ctx context.Context, op *Operation) (int64, error) {
	if op == nil {
		return 0, syscall.EFAULT
	}
	c := call{
		code:   op.Code,
		fd:     op.FD,
		path:   op.Path,
		opens:  op.Code == OpOpen,
		more:   op.Flags,
		mode:   op.Mode,
		in:     op.Buffer,
		length: op.Length,
		offset: op.Offset,
	}
	if op.UseDirFD {
		c.flags = uint32(capi.AIOC_USE_DIRFD)
	}
	if c.length == 0 {
		c.length = uint64(len(op.Buffer))
	} else if len(op.Buffer) > 0 && c.length > uint64(len(op.Buffer)) {
		return 0, syscall.EINVAL // it would end outside of the memory
	}
	r, err := q.run(ctx, &c)
	if err != nil {
		return 0, err
	}
	if r.memory != nil {
		copy(op.Buffer, r.memory.bytes)
	}
	result := r.result
	r.end()
	return result, nil
}
