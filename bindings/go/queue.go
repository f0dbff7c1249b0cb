// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"fmt"
	"io/fs"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// Options of a Queue. The zero value of a field means its default.
type Options struct {
	// Engine forces one where it is possible; the environment's AIOC_ENGINE overrides it.
	Engine Engine
	// Spawner is how workers are started; the environment's AIOC_SPAWNER overrides it.
	Spawner Spawner
	// MinWorkers are kept when idle; MaxWorkers is the limit, of the whole Queue: it is divided among its contexts, and
	// each has at least one. Default: 1 and, for each context, 4, and 32 divided by the contexts (but at
	// least 4) for requests that wait for a device.
	MinWorkers, MaxWorkers int
	// DeviceWorkers is how many workers of the Queue may wait at once for one remote file system (NFS, CIFS, FUSE),
	// divided like MaxWorkers. Default: all but an eighth.
	DeviceWorkers int
	// IdleTimeout is how long an idle worker above the minimum stays, rounded to milliseconds. Default: 10 s.
	IdleTimeout time.Duration
	// MaxOutstanding requests are accepted by the Queue, divided like MaxWorkers; more fail with EAGAIN.
	// Default: no limit.
	MaxOutstanding int
	// Contexts of the library, at most 16. Default: GOMAXPROCS.
	Contexts int
	// LocalPaths says that every path is on a local disk, so that no directory need be looked at to know it: the
	// goroutine itself then asks for the status of a file and opens it for reading, as package os does. At most 4 for
	// each context do so at a time; others leave it to the library.
	LocalPaths bool
	// OneCore says never to keep a second core awake to be faster.
	OneCore bool
	// NoRing leaves io_uring alone.
	NoRing bool
}

const contextsMax = 16

// Queue runs operations. Its methods may be called by any goroutine.
type Queue struct {
	shards []*shard
	next   uint32 // the shard of the next lane
	lanes  sync.Pool
	closed uint32

	answersDirectly bool // direct.go
	local           bool
	seats           sync.Pool // seat.go
	seatsMade       int32
	seatsMax        int32
}

// New makes a Queue. It starts no worker; the first request does.
func New(options Options) (*Queue, error) {
	raw, count, err := options.encode()
	if err != nil {
		return nil, err
	}
	q := &Queue{answersDirectly: mayAnswerDirectly(options.Engine), seatsMax: seatsEach * int32(count)}
	q.local = options.LocalPaths && q.answersDirectly
	q.lanes.New = q.newLane
	q.seats.New = q.newSeat
	if q.answersDirectly {
		mounts.open()
	}
	for i := 0; i < count; i++ {
		s, err := newShard(raw)
		if err != nil {
			q.Close()
			return nil, fmt.Errorf("aioclone: a context cannot be made: %w", err)
		}
		q.shards = append(q.shards, s)
	}
	return q, nil
}

// For each of so many contexts.
func (o Options) encode() (capi.Options, int, error) {
	raw := capi.Options{}
	count := o.Contexts
	if count == 0 {
		count = runtime.GOMAXPROCS(0)
		if count > contextsMax {
			count = contextsMax
		}
	}
	if count < 0 || count > contextsMax {
		return raw, 0, fmt.Errorf("aioclone: Options.Contexts is %d, not 0 to %d", o.Contexts, contextsMax)
	}
	for _, n := range []struct {
		name  string
		value int
		to    *uint32
	}{
		{"MinWorkers", o.MinWorkers, &raw.MinWorkers},
		{"MaxWorkers", o.MaxWorkers, &raw.MaxWorkers},
		{"DeviceWorkers", o.DeviceWorkers, &raw.DeviceWorkers},
		{"MaxOutstanding", o.MaxOutstanding, &raw.MaxOutstanding},
	} {
		if n.value < 0 || n.value > math.MaxInt32 {
			return raw, 0, fmt.Errorf("aioclone: Options.%s is %d, which is out of range", n.name, n.value)
		}
		*n.to = uint32((n.value + count - 1) / count)
	}
	if count > 1 && o.MaxWorkers == 0 {
		const slow, least = 32, 4
		raw.MaxWorkers = uint32(slow / count)
		if raw.MaxWorkers < least {
			raw.MaxWorkers = least
		}
		if raw.MaxWorkers < raw.MinWorkers {
			raw.MaxWorkers = raw.MinWorkers
		}
	}
	ms := o.IdleTimeout.Milliseconds()
	if o.IdleTimeout < 0 || ms > math.MaxUint32 {
		return raw, 0, fmt.Errorf("aioclone: Options.IdleTimeout is %v, which is out of range", o.IdleTimeout)
	}
	if o.IdleTimeout > 0 && ms == 0 {
		ms = 1
	}
	raw.IdleTimeoutMS = uint32(ms)
	raw.Engine, raw.Spawner = uint32(o.Engine), uint32(o.Spawner)
	for flag, set := range map[uint]bool{
		capi.AIOC_ONE_CORE: o.OneCore,
		capi.AIOC_NO_RING:  o.NoRing,
	} {
		if set {
			raw.Flags |= uint32(flag)
		}
	}
	return raw, count, nil
}

// Close cancels what is queued, waits for what runs (as long as that takes) and frees the Queue. Calls that wait return
// with fs.ErrClosed or their result; so do later ones. Files of the Queue must be closed before; those that are not
// are closed by Close of the File without the Queue.
func (q *Queue) Close() error {
	if !atomic.CompareAndSwapUint32(&q.closed, 0, 1) {
		return fs.ErrClosed
	}
	for _, s := range q.shards {
		s.refuse()
	}
	for _, s := range q.shards {
		s.close()
	}
	return nil
}

// A lane is what a goroutine uses for the time of one call into C. It keeps requests for the next ones: the same
// again, as long as they are answered at once.
type lane struct {
	queue   *Queue
	shard   *shard
	address uintptr
	block   *capi.Block
	spares  []*request
}

func (q *Queue) newLane() any {
	l := newBlock()
	if l == nil {
		return (*lane)(nil)
	}
	l.queue = q
	l.shard = q.shards[int(atomic.AddUint32(&q.next, 1))%len(q.shards)]
	return l
}

func newBlock() *lane {
	address := capi.BlockTake()
	if address == 0 {
		return nil
	}
	l := &lane{address: address, block: (*capi.Block)(capi.Pointer(address))}
	runtime.SetFinalizer(l, func(l *lane) {
		capi.BlockGive(l.address)
		for _, r := range l.spares {
			r.rest()
		}
	})
	return l
}

// For the next goroutine; that of a walk is its own.
func (l *lane) back() {
	if l.queue != nil {
		l.queue.lanes.Put(l)
	}
}

// Enters the queue: the lane's shard counts the caller until it leaves.
func (q *Queue) enter() (*lane, error) {
	l := q.lanes.Get().(*lane)
	if l == nil {
		return nil, syscall.ENOMEM
	}
	if !l.shard.enter() {
		q.lanes.Put(l)
		return nil, fs.ErrClosed
	}
	return l, nil
}

var defaultQueue struct {
	once  sync.Once
	queue *Queue
	err   error
}

// Default is the Queue of the package's functions, made at its first use. It panics if the library cannot make one
// (no memory, no descriptors).
func Default() *Queue {
	defaultQueue.once.Do(func() { defaultQueue.queue, defaultQueue.err = New(Options{}) })
	if defaultQueue.err != nil {
		panic(defaultQueue.err)
	}
	return defaultQueue.queue
}
