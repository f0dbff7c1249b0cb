// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Of a call on a path that has no other result than success.
func (q *Queue) simple(ctx context.Context, op string, c call) error {
	if _, err := q.result(ctx, &c); err != nil {
		return &fs.PathError{Op: op, Path: c.path, Err: err}
	}
	return nil
}

// Of one with two paths.
func (q *Queue) pair(ctx context.Context, op string, c call) error {
	if _, err := q.result(ctx, &c); err != nil {
		return &os.LinkError{Op: op, Old: c.path, New: c.path2, Err: err}
	}
	return nil
}

// Remove removes a file or an empty directory.
func (q *Queue) Remove(ctx context.Context, name string) error {
	_, err := q.result(ctx, &call{code: OpUnlink, path: name})
	if err == syscall.EISDIR || err == syscall.EPERM { // EPERM: POSIX, and some file systems
		_, asDirectory := q.result(ctx, &call{code: OpRmdir, path: name})
		if asDirectory == nil {
			return nil
		}
		if asDirectory != syscall.ENOTDIR {
			err = asDirectory
		}
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

// Mkdir makes a directory with the mode perm before the umask.
func (q *Queue) Mkdir(ctx context.Context, name string, perm fs.FileMode) error {
	return q.simple(ctx, "mkdir", call{code: OpMkdir, path: name, mode: modeBits(perm)})
}

// MkdirAll makes a directory and those above it. One that exists is no error.
func (q *Queue) MkdirAll(ctx context.Context, name string, perm fs.FileMode) error {
	err := q.Mkdir(ctx, name, perm)
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		above := strings.TrimRight(name, "/")
		if slash := strings.LastIndexByte(above, '/'); slash > 0 {
			if err := q.MkdirAll(ctx, above[:slash], perm); err != nil {
				return err
			}
			if err = q.Mkdir(ctx, name, perm); err == nil {
				return nil
			}
		}
	}
	if info, e := q.Stat(ctx, name); e == nil {
		if info.IsDir() {
			return nil
		}
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
	}
	return err
}

// Rename gives a file another name, replacing what has it. Errors of this, Link and Symlink are *os.LinkError.
func (q *Queue) Rename(ctx context.Context, oldName, newName string) error {
	return q.pair(ctx, "rename", call{code: OpRename, path: oldName, path2: newName})
}

// Link gives a file a further name.
func (q *Queue) Link(ctx context.Context, oldName, newName string) error {
	return q.pair(ctx, "link", call{code: OpLink, path: oldName, path2: newName})
}

// Symlink makes newName a symbolic link to oldName.
func (q *Queue) Symlink(ctx context.Context, oldName, newName string) error {
	return q.pair(ctx, "symlink", call{code: OpSymlink, path: oldName, path2: newName})
}

func (q *Queue) text(ctx context.Context, op string, code Code, name string) (string, error) {
	const most = 4096
	r, err := q.run(ctx, &call{code: code, path: name, bytes: most, length: most})
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: err}
	}
	text := string(r.memory.bytes[:r.result])
	r.end()
	return text, nil
}

// Readlink is where a symbolic link leads.
func (q *Queue) Readlink(ctx context.Context, name string) (string, error) {
	return q.text(ctx, "readlink", OpReadlink, name)
}

// Realpath is the absolute path of a file without symbolic links, "." and "..".
func (q *Queue) Realpath(ctx context.Context, name string) (string, error) {
	return q.text(ctx, "realpath", OpRealpath, name)
}

// Chmod changes the mode of a file.
func (q *Queue) Chmod(ctx context.Context, name string, mode fs.FileMode) error {
	return q.simple(ctx, "chmod", call{code: OpChmod, path: name, mode: modeBits(mode)})
}

// Chown changes the owner and group of a file; -1 leaves one as it is.
func (q *Queue) Chown(ctx context.Context, name string, uid, gid int) error {
	return q.simple(ctx, "chown", call{
		code: OpChown, path: name, rest: &Operation{UID: uint32(uid), GID: uint32(gid)},
	})
}

// Lchown is Chown that does not follow a symbolic link.
func (q *Queue) Lchown(ctx context.Context, name string, uid, gid int) error {
	return q.simple(ctx, "lchown", call{
		code: OpLchown, path: name, rest: &Operation{UID: uint32(uid), GID: uint32(gid)},
	})
}

// Two struct timespec, atime and mtime.
func times(atime, mtime time.Time) []byte {
	specs := [2]syscall.Timespec{
		syscall.NsecToTimespec(atime.UnixNano()), syscall.NsecToTimespec(mtime.UnixNano()),
	}
	return append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&specs[0])), unsafe.Sizeof(specs))...)
}

// Chtimes changes the times of access and modification, to the nanosecond.
func (q *Queue) Chtimes(ctx context.Context, name string, atime, mtime time.Time) error {
	return q.simple(ctx, "chtimes", call{code: OpUtimens, path: name, in: times(atime, mtime)})
}

// Truncate changes the size of a file.
func (q *Queue) Truncate(ctx context.Context, name string, size int64) error {
	if size < 0 {
		return &fs.PathError{Op: "truncate", Path: name, Err: syscall.EINVAL}
	}
	return q.simple(ctx, "truncate", call{code: OpTruncate, path: name, length: uint64(size)})
}

// Statvfs describes a file system: statvfs(3).
type Statvfs struct {
	BlockSize       uint64
	FragmentSize    uint64 // the unit of Blocks, BlocksFree and BlocksAvailable
	Blocks          uint64
	BlocksFree      uint64
	BlocksAvailable uint64 // for unprivileged users
	Files           uint64
	FilesFree       uint64
	FilesAvailable  uint64
	FSID            uint64
	Flags           uint64 // ST_RDONLY, ST_NOSUID ...
	NameMax         uint64
	_               [6]int32
}

// Statvfs describes the file system of a file.
func (q *Queue) Statvfs(ctx context.Context, name string) (Statvfs, error) {
	var s Statvfs
	r, err := q.run(ctx, &call{code: OpStatvfs, path: name, bytes: int(unsafe.Sizeof(s))})
	if err != nil {
		return s, &fs.PathError{Op: "statvfs", Path: name, Err: err}
	}
	s = *(*Statvfs)(unsafe.Pointer(&r.memory.bytes[0]))
	r.end()
	return s, nil
}

const xattrMax = 64 << 10

// Getxattr is the value of an extended attribute. One that there is not gives ENODATA.
func (q *Queue) Getxattr(ctx context.Context, name, attribute string) ([]byte, error) {
	r, err := q.run(ctx, &call{code: OpGetxattr, path: name, path2: attribute, bytes: xattrMax, length: xattrMax})
	if err != nil {
		return nil, &fs.PathError{Op: "getxattr", Path: name, Err: err}
	}
	value := append([]byte{}, r.memory.bytes[:r.result]...)
	r.end()
	return value, nil
}

// Setxattr sets an extended attribute. flags: 0, XATTR_CREATE (1) or XATTR_REPLACE (2).
func (q *Queue) Setxattr(ctx context.Context, name, attribute string, value []byte, flags int) error {
	return q.simple(ctx, "setxattr", call{
		code: OpSetxattr, path: name, path2: attribute, in: value, length: uint64(len(value)), more: uint32(flags),
	})
}

// Listxattr is the names of the extended attributes of a file.
func (q *Queue) Listxattr(ctx context.Context, name string) ([]string, error) {
	r, err := q.run(ctx, &call{code: OpListxattr, path: name, bytes: xattrMax, length: xattrMax})
	if err != nil {
		return nil, &fs.PathError{Op: "listxattr", Path: name, Err: err}
	}
	text := string(r.memory.bytes[:r.result])
	r.end()
	if text == "" {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(text, "\x00"), "\x00"), nil
}

// Removexattr removes an extended attribute.
func (q *Queue) Removexattr(ctx context.Context, name, attribute string) error {
	return q.simple(ctx, "removexattr", call{code: OpRemovexattr, path: name, path2: attribute})
}
