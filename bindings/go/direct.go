// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// What the library would answer in the submitting thread, a goroutine can ask for itself, with the same system call:
// without cgo, and with the caller's own memory. That is so for reads that are in memory (RWF_NOWAIT, which does not
// wait), and if the user says LocalPaths for the status of files. Whatever is not answered so is submitted.

// Is the library free to choose? Else every request is its.
func mayAnswerDirectly(engine Engine) bool {
	forced := os.Getenv("AIOC_ENGINE")
	return (engine == EngineAuto || engine == EngineInline) && (forced == "" || forced == "inline")
}

const (
	rwfNowait = 8
	// Longer ones tell the scheduler that they are in the kernel.
	shortRead = 16 << 10
	// After so many misses the next attempt comes after 1<<patienceMax reads.
	patienceMax = 6
)

// Whether reads of a File are tried. Written by many goroutines at once: it is only a guess.
type attempts struct {
	never  uint32 // its file system has no RWF_NOWAIT
	misses int32  // in a row
	skip   int32  // so many reads are not tried
}

// False: it was not answered, and b is as it was.
func (f *File) readDirectly(b []byte, offset int64) (int, bool) {
	a := &f.attempts
	if atomic.LoadUint32(&a.never) != 0 || len(b) == 0 {
		return 0, false
	}
	if atomic.LoadInt32(&a.skip) > 0 {
		atomic.AddInt32(&a.skip, -1)
		return 0, false
	}
	vector := syscall.Iovec{Base: &b[0], Len: uint64(len(b))}
	var n uintptr
	var errno syscall.Errno
	if len(b) <= shortRead {
		n, _, errno = syscall.RawSyscall6(sysPreadv2, uintptr(f.fd), uintptr(unsafe.Pointer(&vector)), 1, uintptr(offset),
			0, rwfNowait)
	} else {
		n, _, errno = syscall.Syscall6(sysPreadv2, uintptr(f.fd), uintptr(unsafe.Pointer(&vector)), 1, uintptr(offset),
			0, rwfNowait)
	}
	switch {
	case errno == 0 && (n > 0 || nowaitIsSound()):
		if atomic.LoadInt32(&a.misses) != 0 {
			atomic.StoreInt32(&a.misses, 0)
		}
		return int(n), true
	case errno == syscall.EOPNOTSUPP || errno == syscall.ENOSYS || errno == syscall.EINVAL:
		atomic.StoreUint32(&a.never, 1)
	case errno == syscall.EAGAIN:
		misses := atomic.AddInt32(&a.misses, 1)
		if misses > patienceMax {
			misses = patienceMax
		}
		atomic.StoreInt32(&a.skip, 1<<uint(misses)-1)
	}
	return 0, false
}

// preadv2(2), BUGS: Linux 5.9 and 5.10 can return 0 as if at the end.
func nowaitIsSound() bool {
	soundness.once.Do(func() {
		var name syscall.Utsname
		if syscall.Uname(&name) != nil {
			return
		}
		var release strings.Builder
		for _, c := range name.Release {
			if c == 0 {
				break
			}
			release.WriteByte(byte(c))
		}
		soundness.is = !strings.HasPrefix(release.String(), "5.9.") && !strings.HasPrefix(release.String(), "5.10.")
	})
	return soundness.is
}

var soundness struct {
	once sync.Once
	is   bool
}

const (
	// So many goroutines may hold a thread with a call of their own for each processor; others submit theirs.
	directCallsEach = 4

	atFdcwd           = -100
	atSymlinkNofollow = 0x100
	atNoAutomount     = 0x800
	statxBasicBtime   = 0xfff
	shortPath         = 256
)

// One of the goroutines that may hold a thread with a call on this path, until leaveDirectly.
func (q *Queue) enterDirectly(ctx context.Context, name string) bool {
	if !q.local || ctx == nil || ctx.Err() != nil || len(name) >= shortPath || strings.IndexByte(name, 0) >= 0 {
		return false
	}
	if atomic.AddInt32(&q.directCalls, 1) > q.directCallsMax {
		q.leaveDirectly()
		return false
	}
	return true
}

func (q *Queue) leaveDirectly() { atomic.AddInt32(&q.directCalls, -1) }

// Opens for reading. It may be a FIFO, which waits for its writer: so only if nobody can want it to be cancelled.
func (q *Queue) openDirectly(ctx context.Context, name string, flag int) (fd int, err error, answered bool) {
	const others = syscall.O_ACCMODE | os.O_CREATE | os.O_TRUNC | syscall.O_DIRECT
	if flag&others != os.O_RDONLY || !q.enterDirectly(ctx, name) {
		return 0, nil, false
	}
	if ctx.Done() == nil {
		var path [shortPath]byte
		copy(path[:], name)
		at := atFdcwd
		n, _, errno := syscall.Syscall6(syscall.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(&path[0])),
			uintptr(flag|syscall.O_CLOEXEC), 0, 0, 0)
		if fd, answered = int(n), errno != syscall.EINTR; errno != 0 {
			err = errno
		}
	}
	q.leaveDirectly()
	return fd, err, answered
}

// False: it was not asked.
func (q *Queue) statDirectly(ctx context.Context, code Code, name string, ret *statx) (error, bool) {
	if !q.enterDirectly(ctx, name) {
		return nil, false
	}
	var path [shortPath]byte
	copy(path[:], name)
	var whole [statxBytes]byte
	flags := uintptr(atNoAutomount)
	if code == OpLstat {
		flags |= atSymlinkNofollow
	}
	at := atFdcwd
	_, _, errno := syscall.Syscall6(sysStatx, uintptr(at), uintptr(unsafe.Pointer(&path[0])), flags, statxBasicBtime,
		uintptr(unsafe.Pointer(&whole[0])), 0)
	q.leaveDirectly()
	if errno == syscall.ENOSYS || errno == syscall.EINTR {
		return nil, false
	}
	if errno != 0 {
		return errno, true
	}
	*ret = *(*statx)(unsafe.Pointer(&whole[0]))
	return nil, true
}

// Compile-time: a path that fits here fits there.
var _ [capi.PathMax - shortPath]struct{}
