// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
)

// DirFS is os.DirFS: the files below a directory, by slash-separated names without "..". It implements fs.StatFS,
// fs.ReadFileFS and fs.ReadDirFS; its files are *File.
func (q *Queue) DirFS(directory string) fs.FS { return q.DirFSContext(context.Background(), directory) }

// DirFSContext is DirFS of which every call ends with the context.
func (q *Queue) DirFSContext(ctx context.Context, directory string) fs.FS {
	return &dirFS{q, ctx, directory}
}

type dirFS struct {
	queue     *Queue
	ctx       context.Context
	directory string
}

func (d *dirFS) full(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if d.directory == "" {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return d.directory + "/" + name, nil
}

// Errors name the file as the caller did.
func renamed(err error, name string) error {
	if e, ok := err.(*fs.PathError); ok {
		e.Path = name
	}
	return err
}

func (d *dirFS) Open(name string) (fs.File, error) {
	full, err := d.full("open", name)
	if err != nil {
		return nil, err
	}
	f, err := d.queue.Open(d.ctx, full)
	if err != nil {
		return nil, renamed(err, name)
	}
	return f, nil
}

func (d *dirFS) Stat(name string) (fs.FileInfo, error) {
	full, err := d.full("stat", name)
	if err != nil {
		return nil, err
	}
	info, err := d.queue.Stat(d.ctx, full)
	if err != nil {
		return nil, renamed(err, name)
	}
	return info, nil
}

func (d *dirFS) ReadFile(name string) ([]byte, error) {
	full, err := d.full("readfile", name)
	if err != nil {
		return nil, err
	}
	data, err := d.queue.ReadFile(d.ctx, full)
	return data, renamed(err, name)
}

func (d *dirFS) ReadDir(name string) ([]fs.DirEntry, error) {
	full, err := d.full("readdir", name)
	if err != nil {
		return nil, err
	}
	entries, err := d.queue.ReadDir(d.ctx, full)
	return entries, renamed(err, name)
}
