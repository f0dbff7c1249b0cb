// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"io/fs"
	"os"
	"syscall"
)

// The library has no operation that lists a directory yet. Until then package os does, by so many goroutines at a time,
// which each hold a thread.
var listing = make(chan struct{}, 32)

// ReadDir lists the directory, as os.File.ReadDir does: n > 0 at most so many, until io.EOF; else all that are left.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	if err := f.use("readdir"); err != nil {
		return nil, err
	}
	defer f.release()
	f.lock.Lock()
	defer f.lock.Unlock()
	listing <- struct{}{}
	defer func() { <-listing }()
	if f.directory == nil {
		// Opened anew, so that its position is its own.
		fd, err := syscall.Openat(f.fd, ".", syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return nil, f.fail("readdir", err)
		}
		f.directory = os.NewFile(uintptr(fd), f.name)
	}
	return f.directory.ReadDir(n)
}

// With the lock.
func (f *File) endReadDir() {
	if f.directory != nil {
		f.directory.Close()
		f.directory = nil
	}
}
