// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"syscall"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// A call says what a request is to do.
type call struct {
	code   Code
	flags  uint32
	fd     int
	file   *File // whose descriptor fd is: it stays open until the request has ended
	also   *File // a second one
	path   string
	path2  string
	opens  bool
	gives  gift
	failed func(*request) // sees it before it ends after an error; may be nil
	pinned *lane          // of a walk, whose context this is for; locked
	more   uint32         // operation_flags
	mode   uint32
	in     []byte // copied into its memory
	bytes  int    // of memory, if more than in has
	length uint64
	offset int64
	rest   *Operation // what few operations have; may be nil
	vector [][]byte   // for readv and writev, instead of in
	fixed  uintptr    // the program's own memory, instead of in
}

var errNilContext = errors.New("aioclone: the context is nil")

// Without anything that C would not see: a path ends at its first NUL there.
func (c *call) check() error {
	if strings.IndexByte(c.path, 0) >= 0 || strings.IndexByte(c.path2, 0) >= 0 {
		return syscall.EINVAL
	}
	if len(c.path) >= capi.PathMax || len(c.path2) >= capi.PathMax {
		return syscall.ENAMETOOLONG
	}
	return nil
}

// Into the block, its path at `at` of the block's paths.
func (c *call) prepare(l *lane, position, at int, ready chan *request) (*request, error) {
	size := c.bytes
	if size < len(c.in) {
		size = len(c.in)
	}
	if c.vector != nil {
		size = vectorBytes(c.vector)
	}
	m, err := takeMemory(size)
	if err != nil {
		return nil, err
	}
	op := &l.block.Operations[position]
	*op = capi.Operation{
		Size:           capi.OperationSize,
		Code:           uint32(c.code),
		Flags:          c.flags,
		FD:             int32(c.fd),
		OperationFlags: c.more,
		Mode:           c.mode,
		Length:         c.length,
		Offset:         c.offset,
	}
	if c.gives != givesNothing {
		*(*uintptr)(capi.Pointer(m.address)) = 0
	}
	if m != nil {
		op.Buffer = m.address
		copy(m.bytes, c.in)
	} else if c.fixed != 0 {
		op.Buffer = c.fixed
	}
	if c.vector != nil {
		op.Length = uint64(len(c.vector))
		fillVector(m, c.vector)
	}
	op.Path = l.putPath(at, c.path)
	if c.rest != nil {
		c.rest.encode(op)
	}
	if c.path2 != "" || c.rest != nil {
		op.Path2 = l.putPath(at+len(c.path)+1, c.path2)
	}
	r := l.newRequest(c, m, ready)
	op.UserData = r.slot
	return r, nil
}

func (c *call) releaseFiles() {
	for _, f := range [...]*File{c.file, c.also} {
		if f != nil {
			f.release()
		}
	}
}

func (l *lane) putPath(at int, path string) uintptr {
	to := l.block.Paths[at:]
	to[copy(to, path)] = 0
	return l.address + capi.PathsOffset + uintptr(at)
}

// Exchanges the block; returns how many operations were accepted or -errno, and the number of completions taken.
func (l *lane) exchange(count int) (accepted, taken int) {
	accepted = int(capi.Exchange(l.shard.context, l.address, uint32(count)))
	return accepted, int(l.block.Taken)
}

// Runs one call and waits for it. The caller ends the request. An error has ended it, and released the file.
func (q *Queue) run(ctx context.Context, c *call) (*request, error) {
	l, err := q.admit(ctx, c)
	if err != nil {
		c.releaseFiles()
		return nil, err
	}
	r, err := c.prepare(l, 0, 0, nil)
	if err != nil {
		l.shard.leave()
		l.back()
		c.releaseFiles()
		return nil, err
	}
	answered := false
	accepted, taken := l.exchange(1)
	for i := range l.block.Completions[:taken] {
		done := &l.block.Completions[i]
		if done.UserData == r.slot {
			r.result = done.Result
			answered = true
		} else {
			deliver(done)
		}
	}
	if accepted < 0 {
		r.lane = l
		r.end()
		return nil, syscall.Errno(-accepted)
	}
	if answered {
		r.lane = l
	} else {
		atomic.StoreInt64(&r.id, l.block.Requests[0])
		l.back()
		if err := r.wait(ctx); err != nil {
			return nil, err
		}
	}
	if r.result < 0 {
		err := r.failure(ctx)
		if c.failed != nil {
			c.failed(r)
		}
		r.end()
		return nil, err
	}
	return r, nil
}

// Before anything is taken for it.
func (q *Queue) admit(ctx context.Context, c *call) (*lane, error) {
	if ctx == nil {
		return nil, errNilContext
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.pinned != nil {
		if !c.pinned.shard.enter() {
			return nil, fs.ErrClosed
		}
		return c.pinned, nil
	}
	return q.enter()
}

func (r *request) wait(ctx context.Context) error {
	done := ctx.Done()
	if done == nil {
		<-r.own
		return nil
	}
	select {
	case <-r.own:
	case <-done:
		if r.abandon() {
			return ctx.Err()
		}
		<-r.own
	}
	return nil
}

// Why it has failed. What was cancelled was so by the context, or by Close of the Queue.
func (r *request) failure(ctx context.Context) error {
	err := syscall.Errno(-r.result)
	if err == syscall.ECANCELED {
		if ended := ctx.Err(); ended != nil {
			return ended
		} else if atomic.LoadInt64(&r.shard.Load().users) < 0 {
			return fs.ErrClosed
		}
	}
	return err
}

// Runs a call of which only the result counts.
func (q *Queue) result(ctx context.Context, c *call) (int64, error) {
	r, err := q.run(ctx, c)
	if err != nil {
		return 0, err
	}
	result := r.result
	r.end()
	return result, nil
}
