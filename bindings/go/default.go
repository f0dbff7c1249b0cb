// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
	"time"
)

// Open is Default().Open.
func Open(ctx context.Context, name string) (*File, error) { return Default().Open(ctx, name) }

// Create is Default().Create.
func Create(ctx context.Context, name string) (*File, error) { return Default().Create(ctx, name) }

// OpenFile is Default().OpenFile.
func OpenFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	return Default().OpenFile(ctx, name, flag, perm)
}

// NewFile is Default().NewFile.
func NewFile(fd uintptr, name string) *File { return Default().NewFile(fd, name) }

// Stat is Default().Stat.
func Stat(ctx context.Context, name string) (fs.FileInfo, error) { return Default().Stat(ctx, name) }

// Lstat is Default().Lstat.
func Lstat(ctx context.Context, name string) (fs.FileInfo, error) { return Default().Lstat(ctx, name) }

// StatAll is Default().StatAll.
func StatAll(ctx context.Context, paths []string) []StatResult { return Default().StatAll(ctx, paths) }

// LstatAll is Default().LstatAll.
func LstatAll(ctx context.Context, paths []string) []StatResult {
	return Default().LstatAll(ctx, paths)
}

// Remove is Default().Remove.
func Remove(ctx context.Context, name string) error { return Default().Remove(ctx, name) }

// ReadFile is Default().ReadFile.
func ReadFile(ctx context.Context, name string) ([]byte, error) { return Default().ReadFile(ctx, name) }

// WriteFile is Default().WriteFile.
func WriteFile(ctx context.Context, name string, data []byte, perm fs.FileMode) error {
	return Default().WriteFile(ctx, name, data, perm)
}

// ReadDir is Default().ReadDir.
func ReadDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	return Default().ReadDir(ctx, name)
}

// DirFS is Default().DirFS.
func DirFS(directory string) fs.FS { return Default().DirFS(directory) }

// Mkdir is Default().Mkdir.
func Mkdir(ctx context.Context, name string, perm fs.FileMode) error {
	return Default().Mkdir(ctx, name, perm)
}

// MkdirAll is Default().MkdirAll.
func MkdirAll(ctx context.Context, name string, perm fs.FileMode) error {
	return Default().MkdirAll(ctx, name, perm)
}

// Rename is Default().Rename.
func Rename(ctx context.Context, oldName, newName string) error {
	return Default().Rename(ctx, oldName, newName)
}

// Link is Default().Link.
func Link(ctx context.Context, oldName, newName string) error {
	return Default().Link(ctx, oldName, newName)
}

// Symlink is Default().Symlink.
func Symlink(ctx context.Context, oldName, newName string) error {
	return Default().Symlink(ctx, oldName, newName)
}

// Readlink is Default().Readlink.
func Readlink(ctx context.Context, name string) (string, error) {
	return Default().Readlink(ctx, name)
}

// Realpath is Default().Realpath.
func Realpath(ctx context.Context, name string) (string, error) {
	return Default().Realpath(ctx, name)
}

// Chmod is Default().Chmod.
func Chmod(ctx context.Context, name string, mode fs.FileMode) error {
	return Default().Chmod(ctx, name, mode)
}

// Chown is Default().Chown.
func Chown(ctx context.Context, name string, uid, gid int) error {
	return Default().Chown(ctx, name, uid, gid)
}

// Lchown is Default().Lchown.
func Lchown(ctx context.Context, name string, uid, gid int) error {
	return Default().Lchown(ctx, name, uid, gid)
}

// Chtimes is Default().Chtimes.
func Chtimes(ctx context.Context, name string, atime, mtime time.Time) error {
	return Default().Chtimes(ctx, name, atime, mtime)
}

// Truncate is Default().Truncate.
func Truncate(ctx context.Context, name string, size int64) error {
	return Default().Truncate(ctx, name, size)
}
