// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"fmt"
	"io/fs"
	"syscall"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// Engine is what runs requests.
type Engine uint32

// The engines. EngineSync: no worker could be started, so the submitting call ran it.
const (
	EngineAuto Engine = iota
	EngineInline
	EngineRing
	EngineWorkers
	EngineSync
)

// String is the name in the library's documentation; "" if this library has no such engine.
func (e Engine) String() string { return capi.EngineName(uint32(e)) }

// Probe tells whether the library can use the engine in this process; else the reason is a syscall.Errno.
func Probe(e Engine) error { return errorOf(capi.Probe(uint32(e))) }

// Spawner is how a worker is started.
type Spawner uint32

// The spawners. SpawnerAuto: clone in an unprivileged process, pthread in a privileged one.
const (
	SpawnerAuto Spawner = iota
	SpawnerClone
	SpawnerPthread
)

// Version of the library in use.
func Version() string {
	v := capi.Version()
	return fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff)
}

func errorOf(code int32) error {
	if code < 0 {
		return syscall.Errno(-code)
	}
	return nil
}

// Statistics of a Queue, summed over its contexts.
type Statistics struct {
	Workers        int    // alive now, without those that are ending
	Submitted      uint64 // accepted since creation
	Completed      uint64 // delivered since creation
	Outstanding    uint64 // accepted and not yet delivered
	Queued         uint64 // waiting for a worker now
	WorkerWakeups  uint64 // futex wakes sent to workers
	PollWakeups    uint64 // writes to a poll descriptor
	WorkersStarted uint64 // since creation
	InlineHits     uint64 // answered without waiting in the submitting call
	InlineMisses   uint64 // tried inline, would have waited
	Waiting        uint64 // now, for another request or for room on their device
	TimedOut       uint64 // since creation
}

// Each context, unless the Queue is closed.
func (q *Queue) each(visit func(capi.Context) int32) error {
	for _, s := range q.shards {
		if !s.enter() {
			return fs.ErrClosed
		}
		code := visit(s.context)
		s.leave()
		if code < 0 {
			return syscall.Errno(-code)
		}
	}
	return nil
}

// Statistics are what happened so far. The error is fs.ErrClosed.
func (q *Queue) Statistics() (Statistics, error) {
	var sum Statistics
	err := q.each(func(context capi.Context) int32 {
		one := []capi.Statistics{{Size: capi.StatisticsSize}}
		code := capi.Stats(context, one)
		s := &one[0]
		sum.Workers += int(s.Workers)
		sum.Submitted += s.Submitted
		sum.Completed += s.Completed
		sum.Outstanding += s.Outstanding
		sum.Queued += s.Queued
		sum.WorkerWakeups += s.WorkerWakeups
		sum.PollWakeups += s.PollWakeups
		sum.WorkersStarted += s.WorkersStarted
		sum.InlineHits += s.InlineHits
		sum.InlineMisses += s.InlineMisses
		sum.Waiting += s.Waiting
		sum.TimedOut += s.TimedOut
		return code
	})
	return sum, err
}

// Count is the number of completions of one operation by one engine; 0 for either means all.
func (q *Queue) Count(operation Code, engine Engine) (int64, error) {
	sum := int64(0)
	err := q.each(func(context capi.Context) int32 {
		n := capi.Count(context, uint32(operation), uint32(engine))
		if n < 0 {
			return int32(n)
		}
		sum += n
		return 0
	})
	return sum, err
}

// EngineReport says whether a Queue can use an engine.
type EngineReport struct {
	Works   bool
	Err     error   // else why not
	Reason  string  // in words
	Spawner Spawner // of EngineWorkers
}

// EngineInfo reports on an engine. The error is fs.ErrClosed, or EINVAL for one that does not exist.
func (q *Queue) EngineInfo(engine Engine) (EngineReport, error) {
	var report EngineReport
	err := q.each(func(context capi.Context) int32 {
		one := []capi.EngineReport{{Size: capi.EngineReportSize}}
		code := capi.EngineInfo(context, uint32(engine), one)
		if code == 0 {
			e := &one[0]
			report = EngineReport{e.Status == 0, errorOf(e.Status), e.Reason(), Spawner(e.Spawner)}
		}
		return code
	})
	return report, err
}

// SetWorkers sets the limits of workers for each context of the Queue. It waits until surplus workers have ended, each
// after the request that it runs.
func (q *Queue) SetWorkers(least, most int) error {
	if least < 0 || most < 1 || least > most {
		return syscall.EINVAL
	}
	return q.each(func(context capi.Context) int32 {
		if code := capi.MaxParallel(context, uint32(most)); code < 0 {
			return code
		}
		return capi.MinParallel(context, uint32(least))
	})
}

// Rebind retires all workers: what is submitted later is served by new ones. Call it after what the library cannot see:
// seccomp, landlock, unshare, setns or a label change. (Changed ids, groups and capabilities it sees by itself.)
func (q *Queue) Rebind() error { return q.each(capi.Rebind) }
