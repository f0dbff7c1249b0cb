// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
	"syscall"

	"libaio-clone.org/go/aioclone/internal/capi"
)

// Walk tells of everything below a directory, while workers read ahead. There is no order: what is in a directory may
// come before its own entry. Symbolic links are not followed. A directory that cannot be read comes once more, with
// Err. An error of visit ends the walk and is returned.
func (q *Queue) Walk(ctx context.Context, root string, visit func(DirectoryEntry) error) error {
	fail := func(err error) error { return &fs.PathError{Op: "walk", Path: root, Err: err} }
	c := call{code: OpWalkNext, path: root, gives: givesEntries, bytes: 8}
	if err := c.check(); err != nil {
		return fail(err)
	}
	l := newBlock()
	if l == nil {
		return fail(syscall.ENOMEM)
	}
	from, err := q.enter() // whichever context has its turn
	if err != nil {
		return fail(err)
	}
	l.shard = from.shard
	from.back()
	defer l.shard.leave()
	walk := []uintptr{0}
	if code := capi.WalkCreate(l.shard.context, l.putPath(0, root), 0, walk); code < 0 {
		return fail(syscall.Errno(-code))
	}
	defer capi.WalkDestroy(l.shard.context, walk[0])
	c.path, c.pinned, c.rest = "", l, &Operation{Argument: uint64(walk[0])}
	for {
		r, err := q.run(ctx, &c)
		if err != nil {
			return fail(err)
		}
		object := r.object()
		r.end()
		if object == 0 {
			return nil
		}
		for _, e := range takeEntries(object) {
			if err := visit(e); err != nil {
				return err
			}
		}
	}
}

// RemoveAll removes what has this name, with all that is in it. It is no error if there is nothing. It never follows a
// symbolic link.
func (q *Queue) RemoveAll(ctx context.Context, name string) error {
	_, err := q.Do(ctx, &Operation{Code: OpRemoveTree, Path: name})
	if err != nil && err != syscall.ENOENT {
		return &fs.PathError{Op: "remove_tree", Path: name, Err: err}
	}
	return nil
}

// CopyTree copies everything that is at a path to another one, which must not exist. flags: AIOC_COPY_*. The report
// says how far it came, also after an error.
func (q *Queue) CopyTree(ctx context.Context, from, to string, flags uint32) (Report, error) {
	op := Operation{Code: OpCopyTree, Path: from, Path2: to, Flags: flags}
	if _, err := q.Do(ctx, &op); err != nil {
		return op.Report, &fs.PathError{Op: "copy_tree", Path: from, Err: err}
	}
	return op.Report, nil
}

// ReplaceFile gives a file this content in one step: whoever reads it has the old content or the new one, complete, also
// after a crash. perm 0: that of the file that is there, else 0666 before the umask.
func (q *Queue) ReplaceFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	_, err := q.Do(ctx, &Operation{Code: OpReplace, Path: name, Buffer: data, Mode: modeBits(perm)})
	if err != nil {
		return &fs.PathError{Op: "replace", Path: name, Err: err}
	}
	return nil
}
