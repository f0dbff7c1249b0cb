// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io"
	"io/fs"
	"sort"
	"strings"
	"syscall"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// An entry of a directory. It knows its type, if the file system tells it; Info asks for the rest.
type dirEntry struct {
	queue     *Queue
	directory string
	name      string
	mode      fs.FileMode
}

func (e *dirEntry) Name() string      { return e.name }
func (e *dirEntry) IsDir() bool       { return e.mode.IsDir() }
func (e *dirEntry) Type() fs.FileMode { return e.mode }

func (e *dirEntry) Info() (fs.FileInfo, error) {
	return e.queue.Lstat(context.Background(), strings.TrimSuffix(e.directory, "/")+"/"+e.name)
}

// DT_* of readdir(3) are the type bits of a mode.
const (
	dtUnknown  = 0
	dtTypeBits = 12
)

// Of those whose file system does not tell it, the type is asked for; one that has gone meanwhile is left out.
func (q *Queue) dirEntries(ctx context.Context, directory string, found []DirectoryEntry) ([]fs.DirEntry, error) {
	entries := make([]fs.DirEntry, 0, len(found))
	for i := range found {
		e := &dirEntry{queue: q, directory: directory, name: found[i].Name}
		e.mode = fileMode(uint16(found[i].Type) << dtTypeBits).Type()
		if found[i].Type == dtUnknown {
			info, err := q.Lstat(ctx, strings.TrimSuffix(directory, "/")+"/"+e.name)
			if pathError, ok := err.(*fs.PathError); ok && pathError.Err == syscall.ENOENT {
				continue
			} else if err != nil {
				return entries, err
			}
			e.mode = info.Mode().Type()
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (q *Queue) list(ctx context.Context, c *call, directory string) ([]fs.DirEntry, error) {
	c.code, c.gives, c.bytes = OpReaddir, givesDirectory, 8
	r, err := q.run(ctx, c)
	if err != nil {
		return nil, err
	}
	found := takeDirectory(r.object())
	r.end()
	return q.dirEntries(ctx, directory, found)
}

// ReadDir lists a directory, sorted by name.
func (q *Queue) ReadDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	entries, err := q.list(ctx, &call{path: name}, name)
	if err != nil {
		err = &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	return entries, err
}

// ReadDir lists the directory, as os.File.ReadDir does: n > 0 at most so many, until io.EOF; else all that are left.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	if f == nil {
		return nil, fs.ErrInvalid
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	if err := f.use("readdir"); err != nil {
		return nil, err
	}
	if f.listed {
		f.release()
	} else {
		c := call{fd: f.fd, file: f, path: ".", flags: uint32(capi.AIOC_USE_DIRFD)}
		entries, err := f.queue.list(context.Background(), &c, f.name)
		if err != nil {
			return nil, f.fail("readdir", err)
		}
		f.entries, f.listed = entries, true
	}
	if n <= 0 || n > len(f.entries) {
		if n > 0 && len(f.entries) == 0 {
			return nil, io.EOF
		}
		n = len(f.entries)
	}
	some := f.entries[:n:n]
	f.entries = f.entries[n:]
	return some, nil
}

// With the lock: the next ReadDir starts again.
func (f *File) endReadDir() { f.entries, f.listed = nil, false }
