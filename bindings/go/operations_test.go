// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

const badFD = 1 << 20

// Operations to try: one that succeeds, and one that fails with this error.
type example struct {
	good     Operation
	wrong    Operation
	expected syscall.Errno // 0: it cannot fail
	// The file system or the kernel may be without it: then good gives one of these.
	missing []syscall.Errno
	refused bool                              // good is never accepted
	check   func(op *Operation, result int64) // after good
}

// A place where every operation finds what it needs.
type place struct {
	t         testing.TB
	q         *Queue
	directory string
	count     int
}

func (p *place) name() string {
	p.count++
	return filepath.Join(p.directory, fmt.Sprint(p.count))
}

func (p *place) file() string {
	name := p.name()
	must(p.t, os.WriteFile(name, []byte("content"), 0o600))
	return name
}

func (p *place) fd() int {
	fd, err := syscall.Open(p.file(), syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	must(p.t, err)
	p.t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

func (p *place) pipe() (reader, writer int) {
	var fds [2]int
	must(p.t, syscall.Pipe2(fds[:], syscall.O_CLOEXEC))
	p.t.Cleanup(func() { syscall.Close(fds[0]); syscall.Close(fds[1]) })
	_, err := syscall.Write(fds[1], []byte("content"))
	must(p.t, err)
	return fds[0], fds[1]
}

func (p *place) memory() []byte {
	m, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	must(p.t, err)
	p.t.Cleanup(func() { syscall.Munmap(m) })
	return m
}

// With an extended attribute, where there are any.
func (p *place) fileWithAttribute() string {
	name := p.file()
	syscall.Setxattr(name, "user.test", []byte("value"), 0)
	return name
}

func (p *place) open(name string) int {
	fd, err := syscall.Open(name, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	must(p.t, err)
	p.t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

func (p *place) link() string {
	name := p.name()
	must(p.t, os.Symlink("target", name))
	return name
}

func (p *place) examples() map[Code]example {
	const (
		atEmptyPath = 0x1000
		maskAll     = 0x7ff
		offdSetlk   = 37 // F_OFD_SETLK
	)
	missing := filepath.Join(p.directory, "missing", "file")
	none := []syscall.Errno{syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.EINVAL, syscall.ENOTTY, syscall.EXDEV}
	noAttribute := []syscall.Errno{syscall.EOPNOTSUPP, syscall.ENODATA}
	closes := func(_ *Operation, fd int64) { must(p.t, syscall.Close(int(fd))) }
	size := func(op *Operation, _ int64) {
		expect(p.t, op.Code.String(), (*statx)(unsafe.Pointer(&op.Buffer[0])).size, uint64(7))
	}
	text := func(expected string) func(*Operation, int64) {
		return func(op *Operation, n int64) { expect(p.t, op.Code.String(), string(op.Buffer[:n]), expected) }
	}
	is := func(expected int64) func(*Operation, int64) {
		return func(op *Operation, n int64) { expect(p.t, op.Code.String(), n, expected) }
	}
	buffer := func(n int) []byte { return make([]byte, n) }
	value := []byte("value")
	zeroTimes := times(time.Unix(1, 2), time.Unix(3, 4))
	pipeIn, _ := p.pipe()
	teeIn, _ := p.pipe()
	_, pipeOut := p.pipe()
	_, sendOut := p.pipe()
	duplicate := p.fd()
	handle := buffer(8 + 128)
	binary.LittleEndian.PutUint32(handle, 128)
	open := p.fd()
	unlinked, err := syscall.Open(p.directory, 0x400000|syscall.O_DIRECTORY|syscall.O_RDWR, 0o600) // O_TMPFILE
	flinkMissing := append([]syscall.Errno{}, none...)
	if err != nil {
		unlinked = open // which has a name: EPERM or EXDEV is for others, this gives it a second one
	} else {
		p.t.Cleanup(func() { syscall.Close(unlinked) })
	}
	resolved, err := filepath.EvalSymlinks(p.directory)
	must(p.t, err)
	realFile := p.file()
	verity := buffer(4 + 64)
	binary.LittleEndian.PutUint16(verity[2:], 64)
	path := func(code Code, path string) Operation { return Operation{Code: code, Path: path} }
	fd := func(code Code, fd int) Operation { return Operation{Code: code, FD: fd} }
	return map[Code]example{
		OpNop:  {good: path(OpNop, "")},
		OpOpen: {good: path(OpOpen, p.file()), check: closes, wrong: path(OpOpen, missing), expected: syscall.ENOENT},
		OpClose: {
			good: fd(OpClose, dupOf(p.t, open)), wrong: fd(OpClose, badFD), expected: syscall.EBADF,
		},
		OpRead: {
			good: Operation{Code: OpRead, FD: p.fd(), Buffer: buffer(3), Offset: 2}, check: text("nte"),
			wrong: Operation{Code: OpRead, FD: badFD, Buffer: buffer(3)}, expected: syscall.EBADF,
		},
		OpWrite: {
			good: Operation{Code: OpWrite, FD: p.fd(), Buffer: value}, check: is(5),
			wrong: Operation{Code: OpWrite, FD: badFD, Buffer: value}, expected: syscall.EBADF,
		},
		OpReadahead: {
			good: Operation{Code: OpReadahead, FD: p.fd(), Length: 7}, wrong: fd(OpReadahead, badFD), expected: syscall.EBADF,
		},
		OpStat: {
			good: Operation{Code: OpStat, Path: p.file(), Buffer: buffer(statxBytes)}, check: size,
			wrong: Operation{Code: OpStat, Path: missing, Buffer: buffer(statxBytes)}, expected: syscall.ENOENT,
		},
		OpLstat: {
			good: Operation{Code: OpLstat, Path: p.file(), Buffer: buffer(statxBytes)}, check: size,
			wrong: Operation{Code: OpLstat, Path: missing, Buffer: buffer(statxBytes)}, expected: syscall.ENOENT,
		},
		OpFstat: {
			good: Operation{Code: OpFstat, FD: p.fd(), Buffer: buffer(statxBytes)}, check: size,
			wrong: Operation{Code: OpFstat, FD: badFD, Buffer: buffer(statxBytes)}, expected: syscall.EBADF,
		},
		OpUnlink:    {good: path(OpUnlink, p.file()), wrong: path(OpUnlink, missing), expected: syscall.ENOENT},
		OpFsync:     {good: fd(OpFsync, p.fd()), wrong: fd(OpFsync, badFD), expected: syscall.EBADF},
		OpFdatasync: {good: fd(OpFdatasync, p.fd()), wrong: fd(OpFdatasync, badFD), expected: syscall.EBADF},

		OpMkdir: {
			good: Operation{Code: OpMkdir, Path: p.name(), Mode: 0o700}, wrong: path(OpMkdir, missing), expected: syscall.ENOENT,
		},
		OpRmdir: {good: path(OpRmdir, p.t.TempDir()), wrong: path(OpRmdir, missing), expected: syscall.ENOENT},
		OpRename: {
			good:  Operation{Code: OpRename, Path: p.file(), Path2: p.name()},
			wrong: Operation{Code: OpRename, Path: missing, Path2: p.name()}, expected: syscall.ENOENT,
		},
		OpLink: {
			good:  Operation{Code: OpLink, Path: p.file(), Path2: p.name()},
			wrong: Operation{Code: OpLink, Path: p.file(), Path2: p.file()}, expected: syscall.EEXIST,
		},
		OpSymlink: {
			good:  Operation{Code: OpSymlink, Path: "target", Path2: p.name()},
			wrong: Operation{Code: OpSymlink, Path: "target", Path2: p.file()}, expected: syscall.EEXIST,
		},
		OpMknod: {
			good:  Operation{Code: OpMknod, Path: p.name(), Mode: syscall.S_IFIFO | 0o600},
			wrong: Operation{Code: OpMknod, Path: missing, Mode: syscall.S_IFIFO}, expected: syscall.ENOENT,
		},
		OpReadlink: {
			good: Operation{Code: OpReadlink, Path: p.link(), Buffer: buffer(100)}, check: text("target"),
			wrong: Operation{Code: OpReadlink, Path: p.file(), Buffer: buffer(100)}, expected: syscall.EINVAL,
		},
		OpRealpath: {
			good:  Operation{Code: OpRealpath, Path: realFile, Buffer: buffer(4096)},
			check: text(filepath.Join(resolved, filepath.Base(realFile))),
			wrong: Operation{Code: OpRealpath, Path: missing, Buffer: buffer(100)}, expected: syscall.ENOENT,
		},
		OpReaddir: {
			good: path(OpReaddir, p.directory),
			check: func(op *Operation, n int64) {
				if n < 10 || int64(len(op.Entries)) != n || op.Entries[0].Name == "" {
					p.t.Errorf("%d, %v", n, op.Entries)
				}
			},
			wrong: path(OpReaddir, missing), expected: syscall.ENOENT,
		},
		OpOpenat2: {
			good: path(OpOpenat2, p.file()), check: closes, wrong: path(OpOpenat2, missing), expected: syscall.ENOENT,
			missing: []syscall.Errno{syscall.ENOSYS},
		},
		OpFlink: {
			good:  Operation{Code: OpFlink, FD: unlinked, Path2: p.name()},
			wrong: Operation{Code: OpFlink, FD: p.fd(), Path2: p.file()}, expected: syscall.EEXIST,
			missing: append(flinkMissing, syscall.ENOENT),
		},

		OpStatx: {
			good: Operation{Code: OpStatx, Path: p.file(), Mode: maskAll, Buffer: buffer(statxBytes)}, check: size,
			wrong: Operation{Code: OpStatx, Path: missing, Mode: maskAll, Buffer: buffer(statxBytes)}, expected: syscall.ENOENT,
		},
		OpStatvfs: {
			good: Operation{Code: OpStatvfs, Path: "/", Buffer: buffer(int(unsafe.Sizeof(Statvfs{})))},
			check: func(op *Operation, _ int64) {
				expect(p.t, "name_max", (*Statvfs)(unsafe.Pointer(&op.Buffer[0])).NameMax, uint64(255))
			},
			wrong: Operation{Code: OpStatvfs, Path: missing, Buffer: buffer(200)}, expected: syscall.ENOENT,
		},
		OpFstatvfs: {
			good:  Operation{Code: OpFstatvfs, FD: p.fd(), Buffer: buffer(200)},
			wrong: Operation{Code: OpFstatvfs, FD: badFD, Buffer: buffer(200)}, expected: syscall.EBADF,
		},
		OpChmod: {
			good:  Operation{Code: OpChmod, Path: p.file(), Mode: 0o640},
			wrong: path(OpChmod, missing), expected: syscall.ENOENT,
		},
		OpFchmod: {
			good:  Operation{Code: OpFchmod, FD: p.fd(), Mode: 0o640},
			wrong: fd(OpFchmod, badFD), expected: syscall.EBADF,
		},
		OpChown: {
			good:  Operation{Code: OpChown, Path: p.file(), UID: ^uint32(0), GID: ^uint32(0)},
			wrong: path(OpChown, missing), expected: syscall.ENOENT,
		},
		OpLchown: {
			good:  Operation{Code: OpLchown, Path: p.link(), UID: ^uint32(0), GID: ^uint32(0)},
			wrong: path(OpLchown, missing), expected: syscall.ENOENT,
		},
		OpFchown: {
			good:  Operation{Code: OpFchown, FD: p.fd(), UID: ^uint32(0), GID: ^uint32(0)},
			wrong: fd(OpFchown, badFD), expected: syscall.EBADF,
		},
		OpUtimens: {
			good:  Operation{Code: OpUtimens, Path: p.file(), Buffer: zeroTimes},
			wrong: Operation{Code: OpUtimens, Path: missing, Buffer: zeroTimes}, expected: syscall.ENOENT,
		},
		OpFutimens: {
			good:  Operation{Code: OpFutimens, FD: p.fd(), Buffer: zeroTimes},
			wrong: Operation{Code: OpFutimens, FD: badFD, Buffer: zeroTimes}, expected: syscall.EBADF,
		},
		OpTruncate: {
			good:  Operation{Code: OpTruncate, Path: p.file(), Length: 3},
			wrong: Operation{Code: OpTruncate, Path: missing, Length: 3}, expected: syscall.ENOENT,
		},
		OpFtruncate: {
			good:  Operation{Code: OpFtruncate, FD: p.fd(), Length: 3},
			wrong: Operation{Code: OpFtruncate, FD: badFD, Length: 3}, expected: syscall.EBADF,
		},
		OpGetxattr: {
			good:  Operation{Code: OpGetxattr, Path: p.fileWithAttribute(), Path2: "user.test", Buffer: buffer(100)},
			check: text("value"), missing: noAttribute,
			wrong: Operation{Code: OpGetxattr, Path: missing, Path2: "user.test", Buffer: buffer(9)}, expected: syscall.ENOENT,
		},
		OpLgetxattr: {
			good:  Operation{Code: OpLgetxattr, Path: p.fileWithAttribute(), Path2: "user.test", Buffer: buffer(100)},
			check: text("value"), missing: noAttribute,
			wrong: Operation{Code: OpLgetxattr, Path: missing, Path2: "user.test", Buffer: buffer(9)}, expected: syscall.ENOENT,
		},
		OpFgetxattr: {
			good:  Operation{Code: OpFgetxattr, FD: p.open(p.fileWithAttribute()), Path2: "user.test", Buffer: buffer(100)},
			check: text("value"), missing: noAttribute,
			wrong: Operation{Code: OpFgetxattr, FD: badFD, Path2: "user.test", Buffer: buffer(9)}, expected: syscall.EBADF,
		},
		OpSetxattr: {
			good: Operation{Code: OpSetxattr, Path: p.file(), Path2: "user.test", Buffer: value}, missing: noAttribute,
			wrong: Operation{Code: OpSetxattr, Path: missing, Path2: "user.test", Buffer: value}, expected: syscall.ENOENT,
		},
		OpLsetxattr: {
			good: Operation{Code: OpLsetxattr, Path: p.file(), Path2: "user.test", Buffer: value}, missing: noAttribute,
			wrong: Operation{Code: OpLsetxattr, Path: missing, Path2: "user.test", Buffer: value}, expected: syscall.ENOENT,
		},
		OpFsetxattr: {
			good: Operation{Code: OpFsetxattr, FD: p.fd(), Path2: "user.test", Buffer: value}, missing: noAttribute,
			wrong: Operation{Code: OpFsetxattr, FD: badFD, Path2: "user.test", Buffer: value}, expected: syscall.EBADF,
		},
		OpListxattr: {
			good: Operation{Code: OpListxattr, Path: p.fileWithAttribute(), Buffer: buffer(1000)}, missing: noAttribute,
			wrong: Operation{Code: OpListxattr, Path: missing, Buffer: buffer(9)}, expected: syscall.ENOENT,
		},
		OpLlistxattr: {
			good: Operation{Code: OpLlistxattr, Path: p.fileWithAttribute(), Buffer: buffer(1000)}, missing: noAttribute,
			wrong: Operation{Code: OpLlistxattr, Path: missing, Buffer: buffer(9)}, expected: syscall.ENOENT,
		},
		OpFlistxattr: {
			good: Operation{Code: OpFlistxattr, FD: p.open(p.fileWithAttribute()), Buffer: buffer(1000)}, missing: noAttribute,
			wrong: Operation{Code: OpFlistxattr, FD: badFD, Buffer: buffer(9)}, expected: syscall.EBADF,
		},
		OpRemovexattr: {
			good: Operation{Code: OpRemovexattr, Path: p.fileWithAttribute(), Path2: "user.test"}, missing: noAttribute,
			wrong: Operation{Code: OpRemovexattr, Path: missing, Path2: "user.test"}, expected: syscall.ENOENT,
		},
		OpLremovexattr: {
			good: Operation{Code: OpLremovexattr, Path: p.fileWithAttribute(), Path2: "user.test"}, missing: noAttribute,
			wrong: Operation{Code: OpLremovexattr, Path: missing, Path2: "user.test"}, expected: syscall.ENOENT,
		},
		OpFremovexattr: {
			good: Operation{Code: OpFremovexattr, FD: p.open(p.fileWithAttribute()), Path2: "user.test"}, missing: noAttribute,
			wrong: Operation{Code: OpFremovexattr, FD: badFD, Path2: "user.test"}, expected: syscall.EBADF,
		},

		OpReadv: {
			good: Operation{Code: OpReadv, FD: p.fd(), Buffers: [][]byte{buffer(3), nil, buffer(2), buffer(9)}},
			check: func(op *Operation, n int64) {
				expect(p.t, "bytes", n, int64(7))
				expect(p.t, "content", string(op.Buffers[0])+"|"+string(op.Buffers[2])+"|"+string(op.Buffers[3][:2]), "con|te|nt")
			},
			wrong: Operation{Code: OpReadv, FD: badFD, Buffers: [][]byte{buffer(3)}}, expected: syscall.EBADF,
		},
		OpWritev: {
			good: Operation{Code: OpWritev, FD: p.fd(), Buffers: [][]byte{value, nil, value}}, check: is(10),
			wrong: Operation{Code: OpWritev, FD: badFD, Buffers: [][]byte{value}}, expected: syscall.EBADF,
		},
		OpSeek: {
			good: Operation{Code: OpSeek, FD: p.fd(), Offset: -2, Flags: 2}, check: is(5),
			wrong: Operation{Code: OpSeek, FD: badFD}, expected: syscall.EBADF,
		},
		OpFallocate: {
			good: Operation{Code: OpFallocate, FD: p.fd(), Length: 100}, missing: none,
			wrong: Operation{Code: OpFallocate, FD: badFD, Length: 100}, expected: syscall.EBADF,
		},
		OpFadvise: {
			good:  Operation{Code: OpFadvise, FD: p.fd(), Length: 7, Flags: 1},
			wrong: Operation{Code: OpFadvise, FD: badFD, Length: 7}, expected: syscall.EBADF,
		},
		OpSync:   {good: path(OpSync, "")},
		OpSyncfs: {good: fd(OpSyncfs, p.fd()), wrong: fd(OpSyncfs, badFD), expected: syscall.EBADF},
		OpSyncFileRange: {
			good:  Operation{Code: OpSyncFileRange, FD: p.fd(), Length: 7, Flags: 2},
			wrong: Operation{Code: OpSyncFileRange, FD: badFD, Length: 7, Flags: 2}, expected: syscall.EBADF,
		},
		OpSendfile: {
			good: Operation{Code: OpSendfile, FD: p.fd(), FD2: sendOut, Length: 7}, check: is(7),
			wrong: Operation{Code: OpSendfile, FD: badFD, FD2: sendOut, Length: 7}, expected: syscall.EBADF,
		},
		OpCopyFileRange: {
			good: Operation{Code: OpCopyFileRange, FD: p.fd(), FD2: p.fd(), Offset: 1, Offset2: 7, Length: 3}, check: is(3),
			wrong:    Operation{Code: OpCopyFileRange, FD: badFD, FD2: p.fd(), Length: 3},
			expected: syscall.EBADF, missing: none,
		},
		OpSplice: {
			good:  Operation{Code: OpSplice, FD: pipeIn, Offset: -1, FD2: p.fd(), Length: 7},
			check: is(7), wrong: Operation{Code: OpSplice, FD: badFD, Offset: -1, FD2: p.fd(), Length: 7}, expected: syscall.EBADF,
		},
		OpTee: {
			good: Operation{Code: OpTee, FD: teeIn, FD2: pipeOut, Length: 7}, check: is(7),
			wrong: Operation{Code: OpTee, FD: badFD, FD2: pipeOut, Length: 7}, expected: syscall.EBADF,
		},
		OpFiclone: {
			good: Operation{Code: OpFiclone, FD: p.fd(), FD2: p.fd()}, missing: none,
			wrong: Operation{Code: OpFiclone, FD: p.fd(), FD2: badFD}, expected: syscall.EBADF,
		},
		OpFiclonerange: {
			good: Operation{Code: OpFiclonerange, FD: p.fd(), FD2: p.fd()}, missing: none,
			wrong: Operation{Code: OpFiclonerange, FD: p.fd(), FD2: badFD}, expected: syscall.EBADF,
		},
		OpFiemap: {
			good: Operation{Code: OpFiemap, FD: p.fd(), Buffer: fiemap()}, missing: none,
			wrong: Operation{Code: OpFiemap, FD: badFD, Buffer: fiemap()}, expected: syscall.EBADF,
		},

		OpDup: {good: fd(OpDup, p.fd()), check: closes, wrong: fd(OpDup, badFD), expected: syscall.EBADF},
		OpDup3: {
			good:  Operation{Code: OpDup3, FD: p.fd(), FD2: duplicate, Flags: syscall.O_CLOEXEC},
			check: is(int64(duplicate)), wrong: Operation{Code: OpDup3, FD: badFD, FD2: duplicate}, expected: syscall.EBADF,
		},
		OpFcntl: {
			good:  Operation{Code: OpFcntl, FD: p.fd(), Flags: syscall.F_DUPFD_CLOEXEC, Argument: 100},
			check: closes, wrong: Operation{Code: OpFcntl, FD: badFD, Flags: syscall.F_GETFL}, expected: syscall.EBADF,
		},
		OpIoctl: {
			good:  Operation{Code: OpIoctl, FD: p.fd(), Flags: 0x5451}, // FIOCLEX
			wrong: Operation{Code: OpIoctl, FD: badFD, Flags: 0x5451}, expected: syscall.EBADF,
		},
		OpFlock: {
			good:  Operation{Code: OpFlock, FD: p.fd(), Flags: syscall.LOCK_EX},
			wrong: Operation{Code: OpFlock, FD: badFD, Flags: syscall.LOCK_EX}, expected: syscall.EBADF,
		},
		OpOfdLock: {
			good:  Operation{Code: OpOfdLock, FD: p.fd(), Flags: offdSetlk, Mode: syscall.F_WRLCK, Length: 3},
			wrong: Operation{Code: OpOfdLock, FD: badFD, Flags: offdSetlk, Mode: syscall.F_WRLCK, Length: 3}, expected: syscall.EBADF,
		},
		OpNameToHandle: {
			good: Operation{Code: OpNameToHandle, Path: p.file(), Buffer: handle}, missing: none,
			check: func(op *Operation, _ int64) {
				if op.MountID == 0 || binary.LittleEndian.Uint32(op.Buffer) > 128 {
					p.t.Errorf("%d, %v", op.MountID, op.Buffer)
				}
			},
			wrong: Operation{Code: OpNameToHandle, Path: missing, Buffer: append([]byte{}, handle...)}, expected: syscall.ENOENT,
		},
		// It needs CAP_DAC_READ_SEARCH, and a handle of the system: this one is stale or invalid.
		OpOpenByHandle: {
			good:     Operation{Code: OpOpenByHandle, FD: open, Buffer: append([]byte{}, handle...)},
			missing:  append([]syscall.Errno{syscall.EPERM, syscall.ESTALE}, none...),
			wrong:    Operation{Code: OpOpenByHandle, FD: badFD, Buffer: append([]byte{}, handle...)},
			expected: syscall.EBADF,
		},
		OpFsverityEnable: {
			good:    Operation{Code: OpFsverityEnable, FD: open, Buffer: buffer(128)},
			missing: append([]syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.ETXTBSY}, none...),
			wrong:   Operation{Code: OpFsverityEnable, FD: badFD, Buffer: buffer(128)}, expected: syscall.EBADF,
		},
		OpFsverityMeasure: {
			good:    Operation{Code: OpFsverityMeasure, FD: open, Buffer: verity},
			missing: append([]syscall.Errno{syscall.ENODATA}, none...),
			wrong:   Operation{Code: OpFsverityMeasure, FD: badFD, Buffer: verity}, expected: syscall.EBADF,
		},

		OpMsync: {
			good:  Operation{Code: OpMsync, Memory: p.memory(), Flags: syscall.MS_SYNC},
			wrong: Operation{Code: OpMsync, Memory: p.memory(), Flags: 0xff00}, expected: syscall.EINVAL,
		},
		OpMadvise: {
			good:  Operation{Code: OpMadvise, Memory: p.memory(), Flags: syscall.MADV_WILLNEED},
			wrong: Operation{Code: OpMadvise, Memory: p.memory(), Flags: 0xff00}, expected: syscall.EINVAL,
		},
		OpMtouch: {
			good:  Operation{Code: OpMtouch, Memory: p.memory(), Flags: 1},
			wrong: Operation{Code: OpMtouch, Memory: p.memory(), Flags: 0xff00}, expected: syscall.EINVAL,
		},
		OpMlock: {
			good: Operation{Code: OpMlock, Memory: p.memory()}, missing: []syscall.Errno{syscall.EPERM, syscall.ENOMEM},
			wrong: Operation{Code: OpMlock, Memory: p.memory(), Flags: 0xff00}, expected: syscall.EINVAL,
		},
		OpMunlock: {
			good:  Operation{Code: OpMunlock, Memory: p.memory()},
			wrong: Operation{Code: OpMunlock, Length: 1 << 62}, expected: syscall.ENOMEM,
		},
		OpMlockall: {
			good: Operation{Code: OpMlockall, Flags: 2}, missing: []syscall.Errno{syscall.EPERM, syscall.ENOMEM},
			wrong: Operation{Code: OpMlockall, Flags: 0xff00}, expected: syscall.EINVAL,
		},
		OpMunlockall: {good: path(OpMunlockall, "")},
		OpBusy: {
			good:  Operation{Code: OpBusy, Length: 1000},
			wrong: Operation{Code: OpBusy, Length: 1 << 63}, expected: syscall.EINVAL,
		},

		OpReadFull: {
			good: Operation{Code: OpReadFull, FD: p.fd(), Buffer: buffer(10), Offset: 2}, check: text("ntent"),
			wrong: Operation{Code: OpReadFull, FD: badFD, Buffer: buffer(3)}, expected: syscall.EBADF,
		},
		OpWriteFull: {
			good: Operation{Code: OpWriteFull, FD: p.fd(), Buffer: value}, check: is(5),
			wrong: Operation{Code: OpWriteFull, FD: badFD, Buffer: value}, expected: syscall.EBADF,
		},
		OpLoad: {
			good:  path(OpLoad, p.file()),
			check: func(op *Operation, n int64) { expect(p.t, "loaded", string(op.Loaded), "content") },
			wrong: path(OpLoad, missing), expected: syscall.ENOENT,
		},
		OpScandir: {
			good: path(OpScandir, p.directory),
			check: func(op *Operation, n int64) {
				if n < 10 || int64(len(op.Entries)) != n || op.Entries[0].Name == "" {
					p.t.Errorf("%d, %v", n, op.Entries)
				}
			},
			wrong: path(OpScandir, missing), expected: syscall.ENOENT,
		},
		OpReplace: {
			good:  Operation{Code: OpReplace, Path: p.file(), Buffer: value},
			wrong: Operation{Code: OpReplace, Path: missing, Buffer: value}, expected: syscall.ENOENT,
		},
		OpPathsync: {good: path(OpPathsync, p.file()), wrong: path(OpPathsync, missing), expected: syscall.ENOENT},
		OpCopy: {
			good:  Operation{Code: OpCopy, Path: p.file(), Path2: p.name()},
			wrong: Operation{Code: OpCopy, Path: missing, Path2: p.name()}, expected: syscall.ENOENT,
		},
		OpCopyTree: {
			good:  Operation{Code: OpCopyTree, Path: p.file(), Path2: p.name()},
			check: func(op *Operation, _ int64) { expect(p.t, "bytes", op.Report.Bytes, uint64(7)) },
			wrong: Operation{Code: OpCopyTree, Path: missing, Path2: p.name()}, expected: syscall.ENOENT,
		},
		OpMove: {
			good:  Operation{Code: OpMove, Path: p.file(), Path2: p.name()},
			wrong: Operation{Code: OpMove, Path: missing, Path2: p.name()}, expected: syscall.ENOENT,
		},
		OpRemoveTree: {
			good: path(OpRemoveTree, p.t.TempDir()), wrong: path(OpRemoveTree, missing), expected: syscall.ENOENT,
		},
		// Through Walk: a walk belongs to a context of the Queue.
		OpWalkNext: {
			good: Operation{Code: OpWalkNext}, missing: []syscall.Errno{syscall.EINVAL, syscall.EFAULT}, refused: true,
			wrong: Operation{Code: OpWalkNext, Argument: 8, Buffer: buffer(8)}, expected: syscall.EINVAL,
		},
	}
}

// For one extent.
func fiemap() []byte {
	b := make([]byte, 32+56)
	binary.LittleEndian.PutUint64(b[8:], 1<<20)
	binary.LittleEndian.PutUint32(b[24:], 1)
	return b
}

func dupOf(t testing.TB, fd int) int {
	other, err := syscall.Dup(fd)
	must(t, err)
	return other
}

// Every operation of the library's table, once with success and once with an error. One that this package does not
// know fails here by its name.
func TestOperations(t *testing.T) {
	q := newQueue(t, Options{MaxWorkers: 8})
	examples := (&place{t: t, q: q, directory: t.TempDir()}).examples()
	all := Operations()
	if len(all) < 12 {
		t.Fatalf("the library has %d operations", len(all))
	}
	for _, code := range all {
		e, ok := examples[code]
		if !ok || e.good.Code != code {
			t.Errorf("the operation %s is not known to this package", code)
			continue
		}
		before, err := q.Count(code, 0)
		must(t, err)
		result, err := q.Do(background, &e.good)
		lacks := false
		for _, errno := range e.missing {
			lacks = lacks || errors.Is(err, errno)
		}
		if lacks {
			t.Logf("%s: %v here", code, err)
		} else if err != nil {
			t.Errorf("%s: %v", code, err)
		} else if e.check != nil {
			e.check(&e.good, result)
		}
		if after, _ := q.Count(code, 0); after != before+1 && !e.refused {
			t.Errorf("%s: %d have completed", code, after-before)
		}
		if e.expected != 0 {
			_, err := q.Do(background, &e.wrong)
			expectError(t, err, e.expected, "", code.String())
		}
	}
	_, err := q.Do(background, &Operation{Code: 1 << 20})
	expectError(t, err, syscall.EINVAL, "", "unknown")
	_, err = q.Do(background, nil)
	expectError(t, err, syscall.EFAULT, "", "nil")
	_, err = q.Do(background, &Operation{Code: OpRead, Buffer: make([]byte, 2), Length: 3})
	expectError(t, err, syscall.EINVAL, "", "length")
	_, err = q.Do(background, &Operation{Code: OpNop, Timeout: -1})
	expectError(t, err, syscall.EINVAL, "", "timeout")
	_, err = q.Do(background, &Operation{Code: OpNop, Priority: 5})
	expectError(t, err, syscall.EINVAL, "", "priority")
	_, err = q.Do(background, &Operation{Code: OpNop, Priority: -4})
	must(t, err)
	expect(t, "outstanding", outstanding(t, q), uint64(0))
}

// Directory descriptors, for both paths.
func TestDoInDirectory(t *testing.T) {
	name := makeFile(t, "content")
	directory, err := Open(background, filepath.Dir(name))
	must(t, err)
	defer directory.Close()
	fd := int(directory.Fd())
	op := Operation{Code: OpStat, FD: fd, UseDirFD: true, Path: filepath.Base(name), Buffer: make([]byte, statxBytes)}
	_, err = Default().Do(background, &op)
	must(t, err)
	expect(t, "size", (*statx)(unsafe.Pointer(&op.Buffer[0])).size, uint64(len("content")))
	_, err = Default().Do(background, &Operation{Code: OpLink, FD: fd, UseDirFD: true, Path: filepath.Base(name), FD2: fd,
		UseDirFD2: true, Path2: "second"})
	must(t, err)
	_, err = os.Stat(filepath.Join(filepath.Dir(name), "second"))
	must(t, err)
}
