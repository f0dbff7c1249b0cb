// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"runtime"
	"sync"
	"syscall"
	"unsafe"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// Memory is C's, and belongs to a request until the library has done with it.
type memory struct {
	address uintptr
	bytes   []byte
	pool    *sync.Pool
}

// A transfer is made in pieces of at most this size.
const transferMax = 1 << 20

// A struct statx has 256 bytes.
var memoryClasses = [...]int{256, 4 << 10, 16 << 10, 64 << 10, 256 << 10, transferMax}
var memoryPools [len(memoryClasses)]sync.Pool

// At least so many bytes; nil for none. Larger than the largest class is not pooled.
func takeMemory(bytes int) (*memory, error) {
	if bytes == 0 {
		return nil, nil
	}
	for i, size := range memoryClasses {
		if bytes > size {
			continue
		}
		if m, ok := memoryPools[i].Get().(*memory); ok {
			return m, nil
		}
		return newMemory(size, &memoryPools[i])
	}
	return newMemory(bytes, nil)
}

func newMemory(size int, pool *sync.Pool) (*memory, error) {
	address := capi.Allocate(uintptr(size))
	if address == 0 {
		return nil, syscall.ENOMEM
	}
	m := &memory{address: address, bytes: capi.Bytes(address, size), pool: pool}
	runtime.SetFinalizer(m, func(m *memory) { capi.Deallocate(m.address) })
	return m, nil
}

func (m *memory) give() {
	if m != nil && m.pool != nil {
		m.pool.Put(m)
	}
}

func (m *memory) statx() *statx { return (*statx)(unsafe.Pointer(&m.bytes[0])) }
