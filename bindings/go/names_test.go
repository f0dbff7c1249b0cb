// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func expectLinkError(t *testing.T, err, expected error, op string) {
	t.Helper()
	var e *os.LinkError
	if !errors.Is(err, expected) || !errors.As(err, &e) || e.Op != op {
		t.Errorf("%s: %v, not %v", op, err, expected)
	}
}

func TestNames(t *testing.T) {
	eachWay(t, func(t *testing.T, q *Queue) {
		directory := t.TempDir()
		at := func(name string) string { return filepath.Join(directory, name) }
		must(t, q.Mkdir(background, at("a"), 0o755))
		expectError(t, q.Mkdir(background, at("a"), 0o755), fs.ErrExist, "mkdir", at("a"))
		must(t, q.MkdirAll(background, at("b/c/d/"), 0o755))
		must(t, q.MkdirAll(background, at("b/c/d"), 0o755))
		must(t, q.WriteFile(background, at("file"), []byte("content"), 0o600))
		expectError(t, q.MkdirAll(background, at("file"), 0o755), syscall.ENOTDIR, "mkdir", at("file"))
		expectError(t, q.MkdirAll(background, at("file/x"), 0o755), syscall.ENOTDIR, "mkdir", at("file/x"))
		must(t, q.Rename(background, at("file"), at("b/file")))
		expectLinkError(t, q.Rename(background, at("file"), at("b/file")), fs.ErrNotExist, "rename")
		must(t, q.Link(background, at("b/file"), at("second")))
		expectLinkError(t, q.Link(background, at("b/file"), at("second")), fs.ErrExist, "link")
		must(t, q.Symlink(background, "second", at("link")))
		expectLinkError(t, q.Symlink(background, "second", at("link")), fs.ErrExist, "symlink")
		expectLinkError(t, q.Symlink(background, "nul\x00", at("other")), syscall.EINVAL, "symlink")
		expectLinkError(t, q.Rename(background, at("second"), at("nul\x00")), syscall.EINVAL, "rename")
		target, err := q.Readlink(background, at("link"))
		must(t, err)
		expect(t, "link", target, "second")
		_, err = q.Readlink(background, at("second"))
		expectError(t, err, syscall.EINVAL, "readlink", at("second"))
		real, err := q.Realpath(background, at("a/../link"))
		must(t, err)
		expected, err := filepath.EvalSymlinks(at("second"))
		must(t, err)
		expect(t, "path", real, expected)
		_, err = q.Realpath(background, at("missing"))
		expectError(t, err, fs.ErrNotExist, "realpath", at("missing"))

		must(t, q.Chmod(background, at("second"), 0o4711|fs.ModeSetuid))
		must(t, q.Chown(background, at("link"), -1, os.Getgid()))
		must(t, q.Lchown(background, at("link"), os.Getuid(), -1))
		atime, mtime := time.Unix(1e9, 123456789), time.Unix(-1, 987654321)
		must(t, q.Chtimes(background, at("second"), atime, mtime))
		must(t, q.Truncate(background, at("second"), 3))
		must(t, q.Chtimes(background, at("second"), atime, mtime))
		info, err := q.Stat(background, at("b/file"))
		must(t, err)
		expect(t, "mode", info.Mode(), fs.ModeSetuid&0|0o711|info.Mode()&fs.ModeSetuid)
		expect(t, "size", info.Size(), int64(3))
		expect(t, "mtime", info.ModTime().Equal(mtime), true)
		expectError(t, q.Truncate(background, at("second"), -1), syscall.EINVAL, "truncate", at("second"))
		for what, err := range map[string]error{
			"chmod":    q.Chmod(background, at("missing"), 0),
			"chown":    q.Chown(background, at("missing"), 0, 0),
			"lchown":   q.Lchown(background, at("missing"), 0, 0),
			"chtimes":  q.Chtimes(background, at("missing"), atime, mtime),
			"truncate": q.Truncate(background, at("missing"), 0),
			"remove":   q.Remove(background, at("missing")),
		} {
			expectError(t, err, fs.ErrNotExist, what, at("missing"))
		}

		expectError(t, q.Remove(background, at("b")), syscall.ENOTEMPTY, "remove", at("b"))
		must(t, q.Remove(background, at("a")))
		must(t, q.Remove(background, at("link")))
		must(t, q.Remove(background, at("second")))
		s, err := q.Statvfs(background, directory)
		must(t, err)
		if s.NameMax != 255 || s.Blocks == 0 || s.BlockSize < 512 {
			t.Errorf("%+v", s)
		}
		_, err = q.Statvfs(background, at("missing"))
		expectError(t, err, fs.ErrNotExist, "statvfs", at("missing"))
	})
}

func TestFileAttributes(t *testing.T) {
	directory := t.TempDir()
	from, err := Create(background, filepath.Join(directory, "from"))
	must(t, err)
	defer from.Close()
	to, err := Create(background, filepath.Join(directory, "to"))
	must(t, err)
	defer to.Close()
	_, err = from.WriteString("0123456789")
	must(t, err)
	must(t, from.Truncate(8))
	must(t, from.Chmod(0o640))
	must(t, from.Chown(-1, -1))
	when := time.Unix(12, 34)
	must(t, from.Chtimes(when, when))
	info, err := from.Stat()
	must(t, err)
	expect(t, "size", info.Size(), int64(8))
	expect(t, "mode", info.Mode(), fs.FileMode(0o640))
	expect(t, "time", info.ModTime().Equal(when), true)
	n, err := from.CopyRange(background, 2, to, 1, 100)
	if !errors.Is(err, syscall.ENOSYS) && !errors.Is(err, syscall.EOPNOTSUPP) {
		must(t, err)
		expect(t, "copied", n, int64(6))
		data, err := os.ReadFile(to.Name())
		must(t, err)
		expect(t, "content", string(data), "\x00234567")
	}
	if err := to.Allocate(background, 0, 0, 4096); !errors.Is(err, syscall.EOPNOTSUPP) {
		must(t, err)
	}
	expectError(t, from.Truncate(-1), syscall.EINVAL, "truncate", from.Name())
	expectError(t, from.Allocate(background, 0, 0, -1), syscall.EINVAL, "fallocate", from.Name())
	_, err = from.CopyRange(background, 0, to, 0, -1)
	expectError(t, err, syscall.EINVAL, "copy_file_range", from.Name())
	must(t, to.Close())
	_, err = from.CopyRange(background, 0, to, 0, 1)
	expectError(t, err, fs.ErrClosed, "copy_file_range", to.Name())
	_, err = from.CopyRange(background, 0, nil, 0, 1)
	expectError(t, err, fs.ErrInvalid, "", "")
	must(t, from.Close())
	for what, err := range map[string]error{
		"truncate": from.Truncate(0), "chmod": from.Chmod(0), "chown": from.Chown(0, 0), "chtimes": from.Chtimes(when, when),
	} {
		expectError(t, err, fs.ErrClosed, what, from.Name())
	}
}

func TestAttributes(t *testing.T) {
	q := Default()
	name := makeFile(t, "")
	err := q.Setxattr(background, name, "user.one", []byte("value"), 0)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		t.Skip("this file system has no extended attributes")
	}
	must(t, err)
	must(t, q.Setxattr(background, name, "user.two", nil, 1))
	expectError(t, q.Setxattr(background, name, "user.two", nil, 1), fs.ErrExist, "setxattr", name)
	value, err := q.Getxattr(background, name, "user.one")
	must(t, err)
	expect(t, "value", string(value), "value")
	value, err = q.Getxattr(background, name, "user.two")
	must(t, err)
	expect(t, "value", string(value), "")
	_, err = q.Getxattr(background, name, "user.three")
	expectError(t, err, syscall.ENODATA, "getxattr", name)
	_, err = q.Getxattr(background, name, "user.\x00")
	expectError(t, err, syscall.EINVAL, "getxattr", name)
	names, err := q.Listxattr(background, name)
	must(t, err)
	found := 0
	for _, n := range names {
		if n == "user.one" || n == "user.two" {
			found++
		}
	}
	expect(t, "names", found, 2)
	must(t, q.Removexattr(background, name, "user.one"))
	expectError(t, q.Removexattr(background, name, "user.one"), syscall.ENODATA, "removexattr", name)
	_, err = q.Listxattr(background, name+"x")
	expectError(t, err, fs.ErrNotExist, "listxattr", name+"x")
}
