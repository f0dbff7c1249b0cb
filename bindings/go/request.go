// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// States of a request. The one who takes it from pending decides who ends it: deliver hands it to its waiter, or the
// waiter abandons it and deliver ends it.
const (
	pending uint32 = iota // also while it is not used
	complete
	abandoned
)

// A request is one operation from its submission to the end of its use. The C side knows it by its slot.
type request struct {
	slot   uintptr
	state  uint32
	id     int64                 // the library's; 0 until it is known
	shard  atomic.Pointer[shard] // looked at by Close of the Queue meanwhile
	ready  chan *request         // where it goes when it is complete
	own    chan *request         // of its own, for a single call
	memory *memory               // what the library reads or fills; may be nil
	file   *File                 // whose descriptor it uses; may be nil
	also   *File                 // a second one
	opens  bool                  // its result is a descriptor
	gives  gift                  // what it fills its memory with
	result int64
	lane   *lane // to which it returns, if it was answered at once
	index  int   // of a batch's calls
	place  int   // in a strand's list
}

// Those that no lane has. They are not in the table, so that the garbage collector can free them.
var requestPool = sync.Pool{New: func() any {
	r := &request{own: make(chan *request, 1)}
	r.slot = requests.take()
	runtime.SetFinalizer(r, func(r *request) { requests.give(r.slot) })
	return r
}}

// It takes over the memory and the reference to the file. ready nil: its own channel.
func (l *lane) newRequest(c *call, m *memory, ready chan *request) *request {
	var r *request
	if n := len(l.spares); n > 0 {
		r = l.spares[n-1]
		l.spares = l.spares[:n-1]
	} else {
		r = requestPool.Get().(*request)
		r.shard.Store(l.shard)
		requests.set(r.slot, r)
	}
	r.memory, r.file, r.opens, r.gives = m, c.file, c.opens, c.gives
	if c.also != nil {
		r.also = c.also
	}
	if ready == nil {
		ready = r.own
	}
	if r.ready != ready {
		r.ready = ready
	}
	return r
}

// Nobody uses it any more.
func (r *request) end() {
	l := r.lane
	r.lane = nil
	r.endWith(l)
	if l != nil {
		l.back()
	}
}

// The lane keeps it, if it was answered at once: the library has forgotten it, and nobody else has seen it.
func (r *request) endWith(l *lane) {
	s, file, also, m := r.shard.Load(), r.file, r.also, r.memory
	if also != nil {
		r.also = nil
	}
	if l != nil && len(l.spares) < capi.Batch {
		if m != nil {
			r.memory = nil
		}
		if file != nil {
			r.file = nil
		}
		l.spares = append(l.spares, r)
	} else {
		r.rest()
	}
	m.give()
	if file != nil {
		file.release()
	}
	if also != nil {
		also.release()
	}
	s.leave()
}

// Until a lane needs it.
func (r *request) rest() {
	requests.set(r.slot, nil)
	r.shard.Store(nil)
	r.file, r.memory, r.ready, r.lane = nil, nil, nil, nil
	atomic.StoreInt64(&r.id, 0)
	atomic.StoreUint32(&r.state, pending)
	requestPool.Put(r)
}

// The library has completed it.
func deliver(c *capi.Completion) {
	r := requests.get(c.UserData)
	r.result = c.Result
	if atomic.CompareAndSwapUint32(&r.state, pending, complete) {
		r.ready <- r // has room for all
		return
	}
	if r.opens && c.Result >= 0 {
		go syscall.Close(int(c.Result)) // which may wait, as this goroutine must not
	}
	if r.gives != givesNothing {
		if object := r.object(); object != 0 {
			r.gives.free(object)
		}
	}
	r.end()
}

// The object that the library gave; 0: none.
func (r *request) object() uintptr { return *(*uintptr)(capi.Pointer(r.memory.address)) }

// Asks the library to stop it. The caller holds the shard.
func (r *request) cancel(s *shard) {
	if id := atomic.LoadInt64(&r.id); id != 0 {
		capi.Cancel(s.context, id)
	}
}

// Cancels it and leaves it to deliver. False: it is complete, and in its channel or about to be.
func (r *request) abandon() bool {
	r.cancel(r.shard.Load())
	return atomic.CompareAndSwapUint32(&r.state, pending, abandoned)
}

// The requests by slot. Slots are used again, so the table is as large as most requests at one time.
type requestTable struct {
	lock   sync.Mutex
	unused []uintptr
	count  uintptr
	chunks [1 << 14]atomic.Pointer[requestChunk]
}

const requestChunkSize = 1024

type requestChunk [requestChunkSize]atomic.Pointer[request]

var requests requestTable

func (t *requestTable) take() uintptr {
	t.lock.Lock()
	defer t.lock.Unlock()
	if n := len(t.unused); n > 0 {
		slot := t.unused[n-1]
		t.unused = t.unused[:n-1]
		return slot
	}
	slot := t.count
	t.count++
	if slot%requestChunkSize == 0 {
		t.chunks[slot/requestChunkSize].Store(new(requestChunk))
	}
	return slot
}

func (t *requestTable) give(slot uintptr) {
	t.lock.Lock()
	t.unused = append(t.unused, slot)
	t.lock.Unlock()
}

func (t *requestTable) set(slot uintptr, r *request) {
	t.chunks[slot/requestChunkSize].Load()[slot%requestChunkSize].Store(r)
}

func (t *requestTable) get(slot uintptr) *request {
	return t.chunks[slot/requestChunkSize].Load()[slot%requestChunkSize].Load()
}

func (t *requestTable) each(visit func(*request)) {
	t.lock.Lock()
	count := t.count
	t.lock.Unlock()
	for slot := uintptr(0); slot < count; slot++ {
		if r := t.get(slot); r != nil {
			visit(r)
		}
	}
}
