// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// A shard is a context of the library and the goroutine that takes its completions from the runtime's poller. A goroutine
// that submits takes what is complete then too: its own request if it was answered at once.
type shard struct {
	context capi.Context
	users   int64 // requests and calls; far below zero when it is closed
	idle    chan struct{}
	last    sync.Once
	wake    *os.File
	ended   chan struct{} // by the poller
}

const closedBias = math.MinInt64 / 2

func newShard(raw capi.Options) (*shard, error) {
	raw.Size = capi.OptionsSize
	context := []capi.Context{0}
	if code := capi.Create(context, []capi.Options{raw}); code < 0 {
		return nil, syscall.Errno(-code)
	}
	s := &shard{context: context[0], idle: make(chan struct{}), ended: make(chan struct{})}
	if err := s.watch(); err != nil {
		capi.Destroy(s.context)
		return nil, err
	}
	return s, nil
}

// The descriptor is the library's: the runtime gets a duplicate, to register and to close.
func (s *shard) watch() error {
	const dupCloexec = syscall.F_DUPFD_CLOEXEC
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(capi.PollFileno(s.context)), dupCloexec, 0)
	if errno != 0 {
		return errno
	}
	s.wake = os.NewFile(fd, "aioclone") // non-blocking, so the runtime polls it
	raw, err := s.wake.SyscallConn()
	l := newBlock()
	if err == nil && l == nil {
		err = syscall.ENOMEM
	}
	if err != nil {
		s.wake.Close()
		return err
	}
	go func() {
		defer close(s.ended)
		raw.Read(func(uintptr) bool {
			s.drain(l)
			return false
		})
	}()
	return nil
}

// The runtime polls edge-triggered: all must be taken. Another goroutine may be taking some at this moment; it may leave
// a rest without a new edge.
func (s *shard) drain(l *lane) {
	const spins = 100
	for busy := 0; ; {
		n := capi.Reap(s.context, l.address)
		switch {
		case n > 0:
			for i := range l.block.Completions[:n] {
				deliver(&l.block.Completions[i])
			}
			busy = 0
		case n == -int32(syscall.EBUSY) && busy < spins:
			busy++
			runtime.Gosched()
		case n == -int32(syscall.EBUSY):
			time.Sleep(50 * time.Microsecond)
		default:
			return
		}
	}
}

// False: it is closed.
func (s *shard) enter() bool {
	if atomic.AddInt64(&s.users, 1) > 0 {
		return true
	}
	s.leave()
	return false
}

func (s *shard) leave() {
	if atomic.AddInt64(&s.users, -1) == closedBias {
		s.last.Do(func() { close(s.idle) })
	}
}

func (s *shard) refuse() {
	atomic.AddInt64(&s.users, 1)
	atomic.AddInt64(&s.users, closedBias)
	s.leave()
}

// Until nobody uses it. A call that is about to wait when it is cancelled here has no id yet: so again and again.
func (s *shard) close() {
	for waiting := true; waiting; {
		requests.each(func(r *request) {
			if r.shard.Load() == s {
				r.cancel(s)
			}
		})
		select {
		case <-s.idle:
			waiting = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.wake.Close()
	<-s.ended
	capi.Destroy(s.context)
}
