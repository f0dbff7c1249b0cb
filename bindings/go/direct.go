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

// What the library would answer in the submitting thread, a goroutine can ask for itself: without cgo, and with the
// caller's own memory. That is so for reads that are in memory (RWF_NOWAIT, which does not wait); and for the status of
// files and opens for reading where only a local disk can be waited for, by those who have a seat (seat.go). Whatever is
// not answered so is submitted.

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

// Opens for reading. O_NONBLOCK: neither a FIFO nor a lease keeps it waiting; it is off again afterwards. held, if not
// negative, is the end of a FIFO, to be closed when the library has opened its own: so its writer sees no difference.
func (q *Queue) openDirectly(ctx context.Context, name string, flag int) (fd, held int, err error, answered bool) {
	const others = syscall.O_ACCMODE | os.O_CREATE | os.O_TRUNC | syscall.O_DIRECT | oPath
	held = -1
	if flag&others != os.O_RDONLY {
		return
	}
	s := q.takeSeat(ctx, name)
	if s == nil {
		return
	}
	defer q.giveSeat(s)
	if q.local {
		if ctx.Done() != nil { // a plain open of a FIFO cannot be cancelled
			return
		}
		fd, err, answered = s.open(uint64(flag), 0)
		return
	}
	if d := s.directoryOf(name); d == nil || !d.whole {
		return
	}
	nonblock := uint64(flag | syscall.O_NONBLOCK)
	if fd, err, answered = s.open(nonblock, resolveCached|resolveNoSymlinks); err != nil || !answered || flag&syscall.O_NONBLOCK != 0 {
		return
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_LSEEK, uintptr(fd), 0, 1 /* SEEK_CUR */)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_SETFL, uintptr(flag))
	}
	if errno != 0 { // not a file or a directory
		answered = false
		if s.stat.mode = 0; errno == syscall.ESPIPE && s.describe(fd) == 0 && s.stat.mode&syscall.S_IFMT == syscall.S_IFIFO {
			held = fd
		} else {
			syscall.Close(fd)
		}
	}
	return
}

// Its path. Not answered: the library is to do it.
func (s *seat) open(flags, resolve uint64) (fd int, err error, answered bool) {
	s.how = openHow{flags: flags | syscall.O_CLOEXEC, resolve: resolve}
	at := atFdcwd
	n, _, errno := syscall.Syscall6(sysOpenat2, uintptr(at), uintptr(unsafe.Pointer(&s.path[0])),
		uintptr(unsafe.Pointer(&s.how)), unsafe.Sizeof(s.how), 0, 0)
	switch errno {
	case 0:
		return int(n), nil, true
	case syscall.ENOENT, syscall.EACCES, syscall.ENOTDIR:
		return 0, errno, true
	}
	return 0, nil, false
}

// An open file that does not ask a server.
func (s *seat) describe(fd int) syscall.Errno {
	empty := [1]byte{}
	_, _, errno := syscall.Syscall6(sysStatx, uintptr(fd), uintptr(unsafe.Pointer(&empty[0])), atEmptyPath, statxBasicBtime,
		uintptr(unsafe.Pointer(&s.stat)), 0)
	return errno
}

// False: it was not asked.
func (q *Queue) statDirectly(ctx context.Context, code Code, name string, ret *statx) (error, bool) {
	s := q.takeSeat(ctx, name)
	if s == nil {
		return nil, false
	}
	err, answered := s.status(q.local, code, name, ret)
	q.giveSeat(s)
	return err, answered
}

// In a local directory: of what is there itself, and not of what a link leads to. If it is on another mount after all,
// AT_STATX_DONT_SYNC has kept the kernel from asking there.
func (s *seat) status(trusted bool, code Code, name string, ret *statx) (error, bool) {
	var d *directory
	flags := uintptr(atNoAutomount)
	mask := uintptr(statxBasicBtime)
	if !trusted {
		if d = s.directoryOf(name); d == nil {
			return nil, false
		}
		flags |= atSymlinkNofollow | atStatxDontSync
		mask |= statxMountID
	} else if code == OpLstat {
		flags |= atSymlinkNofollow
	}
	at := atFdcwd
	_, _, errno := syscall.Syscall6(sysStatx, uintptr(at), uintptr(unsafe.Pointer(&s.path[0])), flags, mask,
		uintptr(unsafe.Pointer(&s.stat)), 0)
	if errno == syscall.ENOSYS || errno == syscall.EINTR {
		return nil, false
	}
	if errno != 0 {
		return errno, true
	}
	if d != nil && (s.stat.mountID != d.mountID || code == OpStat && s.stat.mode&syscall.S_IFMT == syscall.S_IFLNK) {
		return nil, false
	}
	*ret = s.stat.statx
	return nil, true
}

// Compile-time: a path that fits here fits there.
var _ [capi.PathMax - shortPath]struct{}
