// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
	"math"
	"os"
	"sync"
)

func (q *Queue) status(ctx context.Context, code Code, op, name string) (fs.FileInfo, error) {
	if q.answersDirectly {
		info := &fileInfo{name: baseName(name)}
		if err, answered := q.statDirectly(ctx, code, name, &info.stat); err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		} else if answered {
			return info, nil
		}
	}
	r, err := q.run(ctx, &call{code: code, path: name, bytes: statxBytes})
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	info := newInfo(name, r.memory)
	r.end()
	return info, nil
}

// Stat describes a file. The info's Sys is a *syscall.Stat_t.
func (q *Queue) Stat(ctx context.Context, name string) (fs.FileInfo, error) {
	return q.status(ctx, OpStat, "stat", name)
}

// Lstat is Stat that does not follow a symbolic link.
func (q *Queue) Lstat(ctx context.Context, name string) (fs.FileInfo, error) {
	return q.status(ctx, OpLstat, "lstat", name)
}

// Nop makes the way through the queue and back.
func (q *Queue) Nop(ctx context.Context) error {
	_, err := q.result(ctx, &call{code: OpNop})
	return err
}

// Most files are not larger than this; they are read in one piece.
const firstPiece = 16 << 10

var firstPieces = sync.Pool{New: func() any { return new([firstPiece]byte) }}

// ReadFile reads a whole file; that it was read to its end is no error.
func (q *Queue) ReadFile(ctx context.Context, name string) ([]byte, error) {
	f, err := q.open(ctx, name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	first := firstPieces.Get().(*[firstPiece]byte)
	n, err := f.readOnce(ctx, "read", first[:], 0)
	data := make([]byte, n)
	copy(data, first[:n])
	firstPieces.Put(first)
	if err != nil || n == 0 {
		return data, err
	}
	return f.readRest(ctx, data)
}

// Until a read gives nothing: a file may grow meanwhile, and those of /proc have no size.
func (f *File) readRest(ctx context.Context, data []byte) ([]byte, error) {
	const least = 512
	if len(data) == firstPiece {
		info, err := f.StatContext(ctx)
		if err != nil {
			return data, err
		}
		if size := info.Size(); size > int64(len(data)) && size < math.MaxInt-least {
			data = append(make([]byte, 0, size+least), data...)
		}
	}
	var end [least]byte // most files have ended here, and do not need a larger slice for that
	for {
		room := data[len(data):cap(data)]
		if len(room) == 0 {
			room = end[:]
		}
		n, err := f.readOnce(ctx, "read", room, int64(len(data)))
		if err != nil || n == 0 {
			return data, err
		}
		data = append(data, room[:n]...) // what is in its place already stays there
	}
}

// WriteFile writes a whole file: made with the mode perm before the umask, or emptied first.
func (q *Queue) WriteFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	f, err := q.open(ctx, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.writeAll(ctx, data, 0)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
