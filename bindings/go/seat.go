// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"hash/maphash"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A goroutine that makes a call on a disk itself holds its thread until the disk has answered. It needs a seat for that,
// of which a Queue has few: whoever finds none submits. So however slow a disk is, the Queue's goroutines hold as many
// threads as there are seats. Whoever has a seat has its memory, too: of the call, and of directories.
type seat struct {
	path  [shortPath]byte
	stat  statxSpace
	how   openHow
	known [directoriesKnown]directory
}

type statxSpace struct {
	statx
	mountID uint64
	_       [statxBytes - unsafe.Sizeof(statx{}) - 8]byte
}

// struct open_how, openat2(2).
type openHow struct{ flags, mode, resolve uint64 }

const (
	// For each context of the library.
	seatsEach = 4
	// So long a directory is thought to be what it was. What is mounted, moved or linked there meanwhile can meet a call.
	directoryValid   = 10 * time.Millisecond
	directoriesKnown = 256

	atFdcwd           = -100
	atSymlinkNofollow = 0x100
	atNoAutomount     = 0x800
	atEmptyPath       = 0x1000
	atStatxDontSync   = 0x4000
	oPath             = 0x200000
	resolveNoSymlinks = 0x04
	resolveCached     = 0x20
	statxBasicBtime   = 0xfff
	statxMountID      = 0x1000
	sysOpenat2        = 437 // on every architecture
	shortPath         = 256
)

// A directory by the hash of the path to it.
type directory struct {
	hash    uint64
	seen    time.Duration // since epoch
	asked   bool          // what follows is known
	local   bool
	whole   bool // nothing that is not local is mounted in it
	mountID uint64
}

var (
	epoch    = time.Now()
	hashSeed = maphash.MakeSeed()
)

// Nil: there is none, or a call must not be made so.
func (q *Queue) takeSeat(ctx context.Context, name string) *seat {
	if !q.answersDirectly || ctx == nil || ctx.Err() != nil || len(name) >= shortPath || strings.IndexByte(name, 0) >= 0 {
		return nil
	}
	s := q.anySeat()
	if s != nil {
		s.path[copy(s.path[:], name)] = 0
	}
	return s
}

func (q *Queue) anySeat() *seat {
	if atomic.LoadUint32(&q.closed) != 0 {
		return nil
	}
	s, _ := q.seats.Get().(*seat)
	return s
}

func (q *Queue) giveSeat(s *seat) { q.seats.Put(s) }

// The pool keeps each for the processor that had it. What it drops is made again.
func (q *Queue) newSeat() any {
	if atomic.AddInt32(&q.seatsMade, 1) > q.seatsMax {
		atomic.AddInt32(&q.seatsMade, -1)
		return nil
	}
	s := new(seat)
	made := &q.seatsMade
	runtime.SetFinalizer(s, func(*seat) { atomic.AddInt32(made, -1) })
	return s
}

// What is known of the directory that a name is in; nil: not that it is local. The first visit only leaves a trace:
// to look costs more than the library's answer, and pays if others follow.
func (s *seat) directoryOf(name string) *directory {
	length := strings.LastIndexByte(name, '/')
	if length < 0 {
		length = 0
	}
	hash := maphash.String(hashSeed, name[:length])
	if length == 0 && name != "" && name[0] == '/' {
		hash++ // the root is not the working directory
	}
	d := &s.known[hash%directoriesKnown]
	now := time.Since(epoch)
	if d.hash != hash || now-d.seen > directoryValid {
		*d = directory{hash: hash, seen: now}
		return nil
	}
	if !d.asked {
		s.ask(d, name, length)
		d.seen = now
	}
	if !d.local {
		return nil
	}
	return d
}

// Does not wait: what the kernel does not remember is not local. No symbolic links and no "..", so that the path crosses
// the mounts above that of the directory, and no others.
func (s *seat) ask(d *directory, name string, length int) {
	d.asked = true
	directory := name[:length]
	if strings.Contains("/"+directory+"/", "/../") {
		return
	}
	if length == 0 {
		directory = "."
		if name != "" && name[0] == '/' {
			directory = "/"
		}
	}
	was := s.path // of the call
	s.path[copy(s.path[:], directory)] = 0
	s.how = openHow{flags: oPath | syscall.O_DIRECTORY | syscall.O_CLOEXEC, resolve: resolveCached | resolveNoSymlinks}
	at := atFdcwd
	fd, _, errno := syscall.RawSyscall6(sysOpenat2, uintptr(at), uintptr(unsafe.Pointer(&s.path[0])),
		uintptr(unsafe.Pointer(&s.how)), unsafe.Sizeof(s.how), 0, 0)
	s.path = was
	if errno != 0 {
		return
	}
	empty := [1]byte{}
	_, _, errno = syscall.RawSyscall6(sysStatx, fd, uintptr(unsafe.Pointer(&empty[0])),
		atEmptyPath|atNoAutomount|atStatxDontSync, statxBasicBtime|statxMountID, uintptr(unsafe.Pointer(&s.stat)), 0)
	syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
	if errno == 0 {
		d.local, d.whole = mounts.isLocal(directory, &s.stat)
		d.mountID = s.stat.mountID
	}
}
