// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	name := makeFile(t, "content")
	_, err := Open(ctx, name)
	expectError(t, err, context.Canceled, "open", name)
	_, err = Stat(ctx, name)
	expectError(t, err, context.Canceled, "stat", name)
	expectError(t, Remove(ctx, name), context.Canceled, "remove", name)
	f, err := Open(background, name)
	must(t, err)
	defer f.Close()
	_, err = f.ReadAtContext(ctx, make([]byte, 1), 0)
	expectError(t, err, context.Canceled, "read", name)
	for _, r := range StatAll(ctx, []string{name, name}) {
		expectError(t, r.Err, context.Canceled, "stat", name)
	}
	_, err = os.Stat(name)
	must(t, err)
}

// The wait ends at once; the request later, and leaves nothing.
func TestCancel(t *testing.T) {
	eachWay(t, func(t *testing.T, q *Queue) {
		cancelOpens(t, q)
		for _, s := range q.shards {
			s := s // its last request may be on its way to its end
			eventually(t, "no users", func() bool { return atomic.LoadInt64(&s.users) == 0 })
		}
	})
}

func cancelOpens(t *testing.T, q *Queue) {
	const many = 200
	fifo := makeFifo(t)
	ctx, cancel := context.WithCancel(background)
	errs := make(chan error)
	for i := 0; i < many; i++ {
		go func() {
			f, err := q.Open(ctx, fifo)
			closeIf(f)
			errs <- err
		}()
	}
	eventually(t, "all wait", func() bool { return outstanding(t, q) == many })
	cancel()
	for i := 0; i < many; i++ {
		expectError(t, <-errs, context.Canceled, "open", fifo)
	}
	both := bothEnds(t, fifo) // lets those end that are in the kernel
	eventually(t, "nothing outstanding", func() bool { return outstanding(t, q) == 0 })
	both.Close()
	eventually(t, "no descriptor", func() bool { return countOpen(t, fifo) == 0 })
	_, err := q.Stat(background, fifo) // it still works
	must(t, err)
}

func TestDeadline(t *testing.T) {
	fifo := makeFifo(t)
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	_, err := Open(ctx, fifo)
	expectError(t, err, context.DeadlineExceeded, "open", fifo)
}

// A request's own deadline: the poller hears of it. What waits for a worker ends at once.
func TestTimeout(t *testing.T) {
	t.Setenv("AIOC_ENGINE", "workers")
	q := newQueue(t, Options{MaxWorkers: 1, Contexts: 1})
	fifo := makeFifo(t)
	opened := make(chan error)
	go func() {
		f, err := q.Open(background, fifo)
		closeIf(f)
		opened <- err
	}()
	eventually(t, "the only worker waits", func() bool { return outstanding(t, q) == 1 })
	_, err := q.Do(background, &Operation{Code: OpNop, Timeout: 20 * time.Millisecond})
	expectError(t, err, syscall.ETIMEDOUT, "", "")
	s, err := q.Statistics()
	must(t, err)
	expect(t, "timed out", s.TimedOut, uint64(1))
	both := bothEnds(t, fifo)
	must(t, <-opened)
	both.Close()
}

// Some complete while their context ends. Each comes to one end, and no memory is given back while it is used.
func TestCancelRaces(t *testing.T) {
	name := makeFile(t, "content")
	q := newQueue(t, Options{Engine: EngineWorkers})
	var group sync.WaitGroup
	for n := 0; n < 8; n++ {
		n := n
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 300; i++ {
				ctx, cancel := context.WithCancel(background)
				after := time.Duration((i*n)%50) * time.Microsecond
				go func() {
					time.Sleep(after)
					cancel()
				}()
				f, err := q.Open(ctx, name)
				if err != nil {
					expectError(t, err, context.Canceled, "open", name)
					continue
				}
				b := make([]byte, 7)
				if _, err := f.ReadAtContext(ctx, b, 0); err != nil {
					expectError(t, err, context.Canceled, "read", name)
				} else if string(b) != "content" {
					t.Errorf("%q", b)
				}
				f.Close()
				cancel()
			}
		}()
	}
	group.Wait()
	eventually(t, "nothing outstanding", func() bool { return outstanding(t, q) == 0 })
	eventually(t, "no descriptor", func() bool { return countOpen(t, name) == 0 })
}

func TestCancelBatch(t *testing.T) {
	t.Setenv("AIOC_ENGINE", "workers") // whatever this run forces
	q := newQueue(t, Options{MaxWorkers: 1, Contexts: 1})
	fifo := makeFifo(t)
	opened := make(chan error)
	go func() {
		f, err := q.Open(background, fifo)
		closeIf(f)
		opened <- err
	}()
	eventually(t, "the only worker waits", func() bool { return outstanding(t, q) == 1 })
	paths := make([]string, 200)
	for i := range paths {
		paths[i] = "/etc"
	}
	ctx, cancel := context.WithCancel(background)
	go func() {
		for n, end := uint64(0), time.Now().Add(20*time.Second); n < 65 && time.Now().Before(end); {
			if s, err := q.Statistics(); err == nil {
				n = s.Outstanding
			}
		}
		cancel()
	}()
	for i, r := range q.StatAll(ctx, paths) {
		if r.Err == nil {
			t.Fatalf("%d: %v", i, r.Info)
		}
		expectError(t, r.Err, context.Canceled, "stat", "/etc")
	}
	both := bothEnds(t, fifo)
	must(t, <-opened)
	both.Close()
	eventually(t, "nothing outstanding", func() bool { return outstanding(t, q) == 0 })
}

func TestCloseQueue(t *testing.T) {
	t.Setenv("AIOC_ENGINE", "workers")
	before, threads := countDescriptors(t), countThreads(t)
	fifo := makeFifo(t)
	q, err := New(Options{MaxWorkers: 1, Contexts: 1})
	must(t, err)
	name := makeFile(t, "content")
	f, err := q.Open(background, name)
	must(t, err)
	errs := make(chan error)
	const waiting = 20
	for i := 0; i < waiting; i++ {
		go func() {
			f, err := q.Open(background, fifo)
			closeIf(f)
			errs <- err
		}()
	}
	eventually(t, "all wait", func() bool { return outstanding(t, q) == waiting })
	closed := make(chan error)
	go func() { closed <- q.Close() }()
	for i := 0; i < waiting-1; i++ { // what is queued is cancelled
		expectError(t, <-errs, fs.ErrClosed, "open", fifo)
	}
	both := bothEnds(t, fifo)
	<-errs // what runs may have either end
	must(t, <-closed)
	both.Close()
	expectError(t, q.Close(), fs.ErrClosed, "", "")
	_, err = q.Stat(background, "/etc")
	expectError(t, err, fs.ErrClosed, "stat", "/etc")
	expectError(t, q.StatAll(background, []string{"/etc"})[0].Err, fs.ErrClosed, "stat", "/etc")
	expectError(t, q.Rebind(), fs.ErrClosed, "", "")
	must(t, f.Close())
	expect(t, "descriptors", countDescriptors(t), before)
	eventually(t, "no worker", func() bool { return countThreads(t) <= threads+8 })
}

func TestNewFails(t *testing.T) {
	var limit syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 0
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	_, err := New(Options{})
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	expectError(t, err, syscall.EMFILE, "", "")
}

func TestStatistics(t *testing.T) {
	q := newQueue(t, Options{Engine: EngineWorkers, MaxWorkers: 2, Contexts: 1})
	for i := 0; i < 10; i++ {
		_, err := q.Stat(background, filepath.Dir("/etc/passwd"))
		must(t, err)
	}
	s, err := q.Statistics()
	must(t, err)
	expect(t, "submitted", s.Submitted, uint64(10))
	expect(t, "completed", s.Completed, uint64(10))
	for _, engine := range []Engine{EngineInline, EngineRing, EngineWorkers, EngineSync} {
		if engine.String() == "" {
			t.Errorf("engine %d has no name", engine)
		}
		report, err := q.EngineInfo(engine)
		must(t, err)
		if report.Reason == "" || report.Works != (report.Err == nil) {
			t.Errorf("%v: %+v", engine, report)
		}
	}
	_, err = q.EngineInfo(99)
	expectError(t, err, syscall.EINVAL, "", "")
	must(t, Probe(EngineWorkers))
	expectError(t, Probe(99), syscall.EINVAL, "", "")
	must(t, q.SetWorkers(0, 3))
	must(t, q.Rebind())
	_, err = q.Stat(background, "/etc")
	must(t, err)
	if Version() < "1.0.0" {
		t.Error(Version())
	}
}
