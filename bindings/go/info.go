// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"io/fs"
	"path"
	"syscall"
	"time"
)

// The first 144 bytes of a struct statx, statx(2).
type statx struct {
	mask           uint32
	blksize        uint32
	attributes     uint64
	nlink          uint32
	uid            uint32
	gid            uint32
	mode           uint16
	_              uint16
	ino            uint64
	size           uint64
	blocks         uint64
	attributesMask uint64
	atime          statxTime
	btime          statxTime
	ctime          statxTime
	mtime          statxTime
	rdevMajor      uint32
	rdevMinor      uint32
	devMajor       uint32
	devMinor       uint32
}

type statxTime struct {
	sec  int64
	nsec uint32
	_    int32
}

const (
	statxBytes = 256
	statxBtime = 0x800
)

func (t statxTime) time() time.Time { return time.Unix(t.sec, int64(t.nsec)) }

func (t statxTime) timespec() syscall.Timespec {
	return syscall.Timespec{Sec: t.sec, Nsec: int64(t.nsec)}
}

// Its Sys returns a *syscall.Stat_t, as that of package os.
type fileInfo struct {
	name string
	stat statx
}

func newInfo(name string, m *memory) *fileInfo { return &fileInfo{baseName(name), *m.statx()} }

// As os.Stat names it: without slashes at the end, "/" for the root, "." for "".
func baseName(name string) string {
	if name == "" {
		return ""
	}
	return path.Base(name)
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return int64(i.stat.size) }
func (i *fileInfo) ModTime() time.Time { return i.stat.mtime.time() }
func (i *fileInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i *fileInfo) Mode() fs.FileMode  { return fileMode(i.stat.mode) }

func (i *fileInfo) Sys() any {
	s := &i.stat
	stat := &syscall.Stat_t{
		Dev:    device(s.devMajor, s.devMinor),
		Ino:    s.ino,
		Mode:   uint32(s.mode),
		Uid:    s.uid,
		Gid:    s.gid,
		Rdev:   device(s.rdevMajor, s.rdevMinor),
		Size:   int64(s.size),
		Blocks: int64(s.blocks),
		Atim:   s.atime.timespec(),
		Mtim:   s.mtime.timespec(),
		Ctim:   s.ctime.timespec(),
	}
	setNumber(&stat.Nlink, s.nlink)
	setNumber(&stat.Blksize, s.blksize)
	return stat
}

// These fields have other types on other architectures.
func setNumber[T ~int32 | ~int64 | ~uint32 | ~uint64](to *T, value uint32) { *to = T(value) }

// makedev(3).
func device(major, minor uint32) uint64 {
	return uint64(major&0xfffff000)<<32 | uint64(major&0xfff)<<8 | uint64(minor&0xffffff00)<<12 | uint64(minor&0xff)
}

func fileMode(mode uint16) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & syscall.S_IFMT {
	case syscall.S_IFBLK:
		m |= fs.ModeDevice
	case syscall.S_IFCHR:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case syscall.S_IFDIR:
		m |= fs.ModeDir
	case syscall.S_IFIFO:
		m |= fs.ModeNamedPipe
	case syscall.S_IFLNK:
		m |= fs.ModeSymlink
	case syscall.S_IFSOCK:
		m |= fs.ModeSocket
	}
	if mode&syscall.S_ISUID != 0 {
		m |= fs.ModeSetuid
	}
	if mode&syscall.S_ISGID != 0 {
		m |= fs.ModeSetgid
	}
	if mode&syscall.S_ISVTX != 0 {
		m |= fs.ModeSticky
	}
	return m
}

// The bits of the system call.
func modeBits(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetuid != 0 {
		bits |= syscall.S_ISUID
	}
	if mode&fs.ModeSetgid != 0 {
		bits |= syscall.S_ISGID
	}
	if mode&fs.ModeSticky != 0 {
		bits |= syscall.S_ISVTX
	}
	return bits
}

// BirthTime is when the file of an info of this package was made. False: its file system does not know.
func BirthTime(info fs.FileInfo) (time.Time, bool) {
	i, ok := info.(*fileInfo)
	if !ok || i.stat.mask&statxBtime == 0 {
		return time.Time{}, false
	}
	return i.stat.btime.time(), true
}

// SameFile is os.SameFile for infos of this package and of package os.
func SameFile(a, b fs.FileInfo) bool {
	x, okX := a.Sys().(*syscall.Stat_t)
	y, okY := b.Sys().(*syscall.Stat_t)
	return okX && okY && x.Dev == y.Dev && x.Ino == y.Ino
}
