// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// StatResult is what StatAll says of one path: an Info or an Err.
type StatResult struct {
	Info fs.FileInfo
	Err  error
}

// StatAll describes many files; the results are in the order of the paths. They cross to C together, which costs less
// than a Stat each, and use the processors that there are. At most 64 for each context of the Queue are
// outstanding.
func (q *Queue) StatAll(ctx context.Context, paths []string) []StatResult {
	return q.statAll(ctx, OpStat, "stat", paths)
}

// LstatAll is StatAll that does not follow symbolic links.
func (q *Queue) LstatAll(ctx context.Context, paths []string) []StatResult {
	return q.statAll(ctx, OpLstat, "lstat", paths)
}

func (q *Queue) statAll(ctx context.Context, code Code, op string, paths []string) []StatResult {
	results := make([]StatResult, len(paths))
	if q.answersDirectly {
		q.statDirectlyAll(ctx, code, op, paths, results)
	}
	var others []int
	for i := range results {
		if results[i].Info == nil && results[i].Err == nil {
			others = append(others, i)
		}
	}
	if len(others) == 0 {
		return results
	}
	q.many(ctx, len(others),
		func(n int) call { return call{code: code, path: paths[others[n]], bytes: statxBytes} },
		func(n int, r *request, err error) {
			if i := others[n]; err != nil {
				results[i].Err = &fs.PathError{Op: op, Path: paths[i], Err: err}
			} else {
				results[i].Info = newInfo(paths[i], r.memory)
			}
		})
	return results
}

// What can be had so. By as many goroutines as there are contexts, so only as long as that is quick: a disk that must be
// waited for gets more of them at a time from the library.
func (q *Queue) statDirectlyAll(ctx context.Context, code Code, op string, paths []string, results []StatResult) {
	const part, quick, patience = 16, 16 * 20 * time.Microsecond, 4 // a processor may be taken away, too
	var next int64
	run := func() {
		slow := 0
		for begun := time.Now(); ; {
			end := int(atomic.AddInt64(&next, part))
			at := end - part
			if end > len(paths) {
				end = len(paths)
			}
			if at >= end {
				return
			}
			for ; at < end; at++ {
				info := &fileInfo{name: baseName(paths[at])}
				if err, answered := q.statDirectly(ctx, code, paths[at], &info.stat); err != nil {
					results[at].Err = &fs.PathError{Op: op, Path: paths[at], Err: err}
				} else if answered {
					results[at].Info = info
				}
			}
			now := time.Now()
			if now.Sub(begun) <= quick {
				slow = 0
			} else if slow++; slow == patience {
				atomic.StoreInt64(&next, int64(len(paths)))
			}
			begun = now
		}
	}
	var group sync.WaitGroup
	for n := 1; n < len(q.shards) && n*capi.Batch < len(paths); n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			run()
		}()
	}
	run()
	group.Wait()
}

// Runs count calls, each described by its number, and tells of each: with its request, which is ended afterwards, or an
// error. Both functions are called by several goroutines, once for each number.
func (q *Queue) many(ctx context.Context, count int, describe func(int) call, tell func(int, *request, error)) {
	w := work{queue: q, ctx: ctx, calls: int64(count), describe: describe, tell: tell}
	var group sync.WaitGroup
	for strands := 1; strands < len(q.shards) && strands*capi.Batch < count; strands++ {
		group.Add(1)
		go func() {
			defer group.Done()
			w.run()
		}()
	}
	w.run()
	group.Wait()
}

type work struct {
	queue    *Queue
	ctx      context.Context
	calls    int64
	next     int64
	describe func(int) call
	tell     func(int, *request, error)
}

// A strand keeps up to a block of requests outstanding.
type strand struct {
	*work
	ready       chan *request
	outstanding [capi.Batch]*request
	count       int   // of these
	at, end     int64 // the part of the numbers that it has taken
}

func (w *work) run() {
	s := strand{work: w, ready: make(chan *request, capi.Batch)}
	for {
		var cancelled error
		if w.ctx == nil {
			cancelled = errNilContext
		} else {
			cancelled = w.ctx.Err()
		}
		if cancelled != nil {
			s.stop(cancelled)
			return
		}
		if !s.submit() && s.count == 0 {
			return
		}
		s.collect()
	}
}

// The next number; false: there is none.
func (s *strand) take() (int, bool) {
	if s.at == s.end {
		s.at = atomic.AddInt64(&s.work.next, capi.Batch) - capi.Batch
		s.end = s.at + capi.Batch
		if s.end > s.calls {
			s.end = s.calls
		}
		if s.at >= s.calls {
			s.at, s.end = 0, 0
			return 0, false
		}
	}
	s.at++
	return int(s.at - 1), true
}

// As many as there is room for. False: there were no more.
func (s *strand) submit() bool {
	room := capi.Batch - s.count
	if room == 0 {
		return true
	}
	var l *lane
	var batch [capi.Batch]*request
	count, paths, any := 0, 0, false
	for count < room && paths+capi.PathMax <= len(capi.Block{}.Paths) {
		i, ok := s.take()
		if !ok {
			break
		}
		any = true
		c := s.describe(i)
		err := c.check()
		if err == nil && l == nil {
			l, err = s.queue.enter()
		} else if err == nil && !l.shard.enter() {
			err = fs.ErrClosed
		}
		if err != nil {
			s.tell(i, nil, err)
			continue
		}
		r, err := c.prepare(l, count, paths, s.ready)
		if err != nil {
			l.shard.leave()
			s.tell(i, nil, err)
			continue
		}
		r.index = i
		batch[count] = r
		paths += len(c.path) + 1
		count++
	}
	if l == nil {
		return any
	}
	if count > 0 {
		s.exchange(l, batch[:count])
	}
	s.queue.lanes.Put(l)
	return any
}

// The first refused one ends a submission: it fails, and what follows is submitted again.
func (s *strand) exchange(l *lane, batch []*request) {
	for len(batch) > 0 {
		accepted, taken := l.exchange(len(batch))
		refused := error(nil)
		if accepted < 0 {
			refused, accepted = syscall.Errno(-accepted), 0
		}
		for i, r := range batch[:accepted] {
			atomic.StoreInt64(&r.id, l.block.Requests[i])
			s.add(r)
		}
		for i := range l.block.Completions[:taken] {
			s.answered(l, &l.block.Completions[i])
		}
		if refused == nil && accepted == len(batch) {
			return
		}
		if refused != nil {
			s.tell(batch[0].index, nil, refused)
			batch[0].endWith(l)
			accepted = 1
		}
		batch = batch[accepted:]
		copy(l.block.Operations[:], l.block.Operations[accepted:accepted+len(batch)])
	}
}

// One of its own takes no channel.
func (s *strand) answered(l *lane, c *capi.Completion) {
	if r := requests.get(c.UserData); r.ready == s.ready {
		r.result = c.Result
		s.complete(r, l)
	} else {
		deliver(c)
	}
}

func (s *strand) add(r *request) {
	r.place = s.count
	s.outstanding[s.count] = r
	s.count++
}

func (s *strand) remove(r *request) {
	s.count--
	last := s.outstanding[s.count]
	s.outstanding[r.place], last.place = last, r.place
	s.outstanding[s.count] = nil
}

// Waits for one, if there is nothing else to do, and takes what else is ready.
func (s *strand) collect() {
	if s.count == 0 {
		return
	}
	if s.count == capi.Batch || s.at == s.end {
		select {
		case r := <-s.ready:
			s.complete(r, nil)
		case <-s.ctx.Done():
			return
		}
	}
	for len(s.ready) > 0 {
		s.complete(<-s.ready, nil)
	}
}

// The lane may keep it.
func (s *strand) complete(r *request, l *lane) {
	s.remove(r)
	if r.result < 0 {
		s.tell(r.index, nil, r.failure(s.ctx))
	} else {
		s.tell(r.index, r, nil)
	}
	r.endWith(l)
}

// The context has ended: so does everything.
func (s *strand) stop(err error) {
	for n := s.count - 1; n >= 0; n-- {
		r := s.outstanding[n]
		i := r.index
		s.remove(r) // it is not ours once it is abandoned
		if r.abandon() {
			s.tell(i, nil, err)
		} else {
			s.add(r)
		}
	}
	for s.count > 0 {
		s.complete(<-s.ready, nil)
	}
	for {
		i, ok := s.take()
		if !ok {
			return
		}
		s.tell(i, nil, err)
	}
}
