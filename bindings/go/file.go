// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// File is an open file. Its methods may be called by any goroutine; those without a context run to their end.
// It implements fs.ReadDirFile, io.ReaderAt, io.WriterAt, io.ReadWriteSeeker, io.StringWriter and io.Closer.
type File struct {
	queue  *Queue
	name   string
	fd     int
	append bool
	// Uses of the descriptor. The File itself is one until it is closed. The last one closes the descriptor, so that
	// no request can meet another file under its number.
	uses   int64
	closed uint32

	direct   bool // reads are tried by the goroutine itself
	attempts attempts

	local bool // by a goroutine itself, to be read: so may be what does not use its content

	lock     sync.Mutex // of what follows
	position int64
	entries  []fs.DirEntry // not given out yet
	listed   bool          // there are entries, or were
}

// Without a finalizer, for those who surely close it.
func (q *Queue) newFile(fd int, name string, flag int) *File {
	return &File{
		queue: q, name: name, fd: fd, append: flag&os.O_APPEND != 0, uses: 1,
		direct: q.answersDirectly && flag&syscall.O_DIRECT == 0, // which waits, whatever it is told
	}
}

func (q *Queue) open(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	fd, held, err, answered := q.openDirectly(ctx, name, flag)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	} else if answered {
		f := q.newFile(fd, name, flag)
		f.local = true
		return f, nil
	}
	if held >= 0 {
		defer syscall.Close(held)
	}
	opened, err := q.result(ctx, &call{
		code: OpOpen, path: name, opens: true, more: uint32(flag | syscall.O_CLOEXEC), mode: modeBits(perm),
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return q.newFile(int(opened), name, flag), nil
}

// Open opens a file for reading.
func (q *Queue) Open(ctx context.Context, name string) (*File, error) {
	return q.OpenFile(ctx, name, os.O_RDONLY, 0)
}

// Create makes a file, or empties the one there is, for reading and writing, with mode 0666 before the umask.
func (q *Queue) Create(ctx context.Context, name string) (*File, error) {
	return q.OpenFile(ctx, name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile is os.OpenFile: flag is made of os.O_RDONLY and the others, perm is the mode of a new file before the umask.
// O_CLOEXEC is implied.
func (q *Queue) OpenFile(ctx context.Context, name string, flag int, perm fs.FileMode) (*File, error) {
	f, err := q.open(ctx, name, flag, perm)
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(f, (*File).abandon)
	return f, nil
}

// NewFile makes a File of a descriptor, which belongs to it from then on. The name is for errors.
func (q *Queue) NewFile(fd uintptr, name string) *File {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
	if errno != 0 {
		flags = 0 // and every use of it is an error
	}
	f := q.newFile(int(fd), name, int(flags))
	runtime.SetFinalizer(f, (*File).abandon)
	return f
}

// Nobody has closed it, and nobody can any more. The goroutine of the finalizers must not wait.
func (f *File) abandon() { go f.Close() }

// Name is the name given to Open.
func (f *File) Name() string { return f.name }

// Fd is the descriptor. It is valid until Close, and while the File is reachable.
func (f *File) Fd() uintptr {
	if f == nil || atomic.LoadUint32(&f.closed) != 0 {
		return ^uintptr(0)
	}
	return uintptr(f.fd)
}

func (f *File) fail(op string, err error) error { return &fs.PathError{Op: op, Path: f.name, Err: err} }

// For a request: its end releases it.
func (f *File) use(op string) error {
	if f == nil {
		return fs.ErrInvalid
	}
	for {
		n := atomic.LoadInt64(&f.uses)
		if atomic.LoadUint32(&f.closed) != 0 || n == 0 {
			return f.fail(op, fs.ErrClosed)
		}
		if atomic.CompareAndSwapInt64(&f.uses, n, n+1) {
			return nil
		}
	}
}

// By a request that has ended, on any goroutine, also that of the poller.
func (f *File) release() {
	if atomic.AddInt64(&f.uses, -1) == 0 {
		go f.closeDescriptor()
	}
}

func (f *File) closeDescriptor() error {
	if f.local { // and the last one of a file without a name, which its disk then frees
		if s := f.queue.anySeat(); s != nil {
			err := syscall.Close(f.fd)
			f.queue.giveSeat(s)
			return err
		}
	}
	_, err := f.queue.result(context.Background(), &call{code: OpClose, fd: f.fd})
	if errors.Is(err, fs.ErrClosed) { // the Queue is
		err = syscall.Close(f.fd)
	}
	return err
}

// Close closes the file. If requests still use it, the last of them does when it has ended, and errors of that are
// lost; calls that come later fail with fs.ErrClosed at once.
func (f *File) Close() error {
	if f == nil {
		return fs.ErrInvalid
	}
	if !atomic.CompareAndSwapUint32(&f.closed, 0, 1) {
		return f.fail("close", fs.ErrClosed)
	}
	runtime.SetFinalizer(f, nil)
	f.lock.Lock()
	f.endReadDir()
	f.lock.Unlock()
	if atomic.AddInt64(&f.uses, -1) > 0 {
		return nil
	}
	if err := f.closeDescriptor(); err != nil {
		return f.fail("close", err)
	}
	return nil
}

// One read of at most transferMax bytes into b.
func (f *File) readOnce(ctx context.Context, op string, b []byte, offset int64) (int, error) {
	if len(b) > transferMax {
		b = b[:transferMax]
	}
	if err := f.use(op); err != nil {
		return 0, err
	}
	if f.direct && ctx != nil && ctx.Err() == nil {
		if n, answered := f.readDirectly(b, offset); answered {
			f.release()
			return n, nil
		}
	}
	r, err := f.queue.run(ctx, &call{
		code: OpRead, fd: f.fd, file: f, bytes: len(b), length: uint64(len(b)), offset: offset,
	})
	if err != nil {
		return 0, f.fail(op, err)
	}
	n := int(r.result)
	if n > 0 {
		copy(b, r.memory.bytes[:n])
	}
	r.end()
	return n, nil
}

func (f *File) writeOnce(ctx context.Context, op string, b []byte, offset int64) (int, error) {
	if len(b) > transferMax {
		b = b[:transferMax]
	}
	if err := f.use(op); err != nil {
		return 0, err
	}
	n, err := f.queue.result(ctx, &call{
		code: OpWrite, fd: f.fd, file: f, in: b, length: uint64(len(b)), offset: offset,
	})
	if err != nil {
		return 0, f.fail(op, err)
	}
	return int(n), nil
}

var (
	errNegativeOffset = errors.New("negative offset")
	errAppend         = errors.New("invalid use of WriteAt on file opened with O_APPEND")
	errWhence         = errors.New("invalid whence")
)

// ReadAt reads len(b) bytes from the offset. Less than that comes with an error, io.EOF at the end.
func (f *File) ReadAt(b []byte, offset int64) (int, error) {
	return f.ReadAtContext(context.Background(), b, offset)
}

// ReadAtContext is ReadAt until the context ends.
func (f *File) ReadAtContext(ctx context.Context, b []byte, offset int64) (int, error) {
	if f == nil {
		return 0, fs.ErrInvalid
	}
	if offset < 0 {
		return 0, f.fail("readat", errNegativeOffset)
	}
	total := 0
	for total < len(b) {
		n, err := f.readOnce(ctx, "read", b[total:], offset+int64(total))
		if err == nil && n == 0 {
			err = io.EOF
		}
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// WriteAt writes len(b) bytes at the offset.
func (f *File) WriteAt(b []byte, offset int64) (int, error) {
	return f.WriteAtContext(context.Background(), b, offset)
}

// WriteAtContext is WriteAt until the context ends; a piece that is being written then may or may not be written.
func (f *File) WriteAtContext(ctx context.Context, b []byte, offset int64) (int, error) {
	if f == nil {
		return 0, fs.ErrInvalid
	}
	if f.append {
		return 0, errAppend
	}
	if offset < 0 {
		return 0, f.fail("writeat", errNegativeOffset)
	}
	return f.writeAll(ctx, b, offset)
}

func (f *File) writeAll(ctx context.Context, b []byte, offset int64) (int, error) {
	total := 0
	for total < len(b) {
		n, err := f.writeOnce(ctx, "write", b[total:], offset+int64(total))
		if err == nil && n == 0 {
			err = f.fail("write", io.ErrUnexpectedEOF)
		}
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}

// Read reads up to len(b) bytes, at most 1 MiB, from the File's position, which is its own and not the descriptor's: the
// file must have offsets (no pipe, no terminal).
func (f *File) Read(b []byte) (int, error) { return f.ReadContext(context.Background(), b) }

// ReadContext is Read until the context ends.
func (f *File) ReadContext(ctx context.Context, b []byte) (int, error) {
	if f == nil {
		return 0, fs.ErrInvalid
	}
	if len(b) == 0 {
		return 0, nil
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	n, err := f.readOnce(ctx, "read", b, f.position)
	f.position += int64(n)
	if err == nil && n == 0 {
		err = io.EOF
	}
	return n, err
}

// Write writes b at the File's position, or at the end if it was opened with O_APPEND.
func (f *File) Write(b []byte) (int, error) { return f.WriteContext(context.Background(), b) }

// WriteContext is Write until the context ends.
func (f *File) WriteContext(ctx context.Context, b []byte) (int, error) {
	if f == nil {
		return 0, fs.ErrInvalid
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	n, err := f.writeAll(ctx, b, f.position)
	f.position += int64(n)
	return n, err
}

// WriteString is Write of a string.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// Seek sets the position of Read and Write. On a directory, to 0 it makes ReadDir start again.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if f == nil {
		return 0, fs.ErrInvalid
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	base := int64(0)
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		base = f.position
	case io.SeekEnd:
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		base = info.Size()
	default:
		return 0, f.fail("seek", errWhence)
	}
	if offset+base < 0 {
		return 0, f.fail("seek", syscall.EINVAL)
	}
	if atomic.LoadUint32(&f.closed) != 0 {
		return 0, f.fail("seek", fs.ErrClosed)
	}
	f.position = base + offset
	f.endReadDir()
	return f.position, nil
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) { return f.StatContext(context.Background()) }

// StatContext is Stat until the context ends.
func (f *File) StatContext(ctx context.Context) (fs.FileInfo, error) {
	if err := f.use("stat"); err != nil {
		return nil, err
	}
	if f.local && ctx != nil && ctx.Err() == nil {
		if s := f.queue.anySeat(); s != nil {
			errno := s.describe(f.fd)
			info := &fileInfo{baseName(f.name), s.stat.statx}
			f.queue.giveSeat(s)
			if errno == 0 {
				f.release()
				return info, nil
			}
		}
	}
	r, err := f.queue.run(ctx, &call{code: OpFstat, fd: f.fd, file: f, bytes: statxBytes})
	if err != nil {
		return nil, f.fail("stat", err)
	}
	info := newInfo(f.name, r.memory)
	r.end()
	return info, nil
}

// Of a call that has no other result than success.
func (f *File) simple(ctx context.Context, op string, c call) error {
	if err := f.use(op); err != nil {
		return err
	}
	c.fd, c.file = f.fd, f
	if _, err := f.queue.result(ctx, &c); err != nil {
		return f.fail(op, err)
	}
	return nil
}

// Sync writes the file and its attributes to the disk.
func (f *File) Sync() error { return f.SyncContext(context.Background()) }

// SyncContext is Sync until the context ends.
func (f *File) SyncContext(ctx context.Context) error {
	return f.simple(ctx, "sync", call{code: OpFsync})
}

// SyncData writes the file's data to the disk, and of its attributes what is needed to read them: fdatasync(2).
func (f *File) SyncData(ctx context.Context) error {
	return f.simple(ctx, "fdatasync", call{code: OpFdatasync})
}

// Readahead starts to read a part of the file into memory: readahead(2).
func (f *File) Readahead(ctx context.Context, offset int64, count int) error {
	if count < 0 {
		return f.fail("readahead", syscall.EINVAL)
	}
	return f.simple(ctx, "readahead", call{code: OpReadahead, offset: offset, length: uint64(count)})
}

// Truncate changes the size of the file.
func (f *File) Truncate(size int64) error { return f.TruncateContext(context.Background(), size) }

// TruncateContext is Truncate until the context ends.
func (f *File) TruncateContext(ctx context.Context, size int64) error {
	if f != nil && size < 0 {
		return f.fail("truncate", syscall.EINVAL)
	}
	return f.simple(ctx, "truncate", call{code: OpFtruncate, length: uint64(size)})
}

// Chmod changes the mode of the file.
func (f *File) Chmod(mode fs.FileMode) error {
	return f.simple(context.Background(), "chmod", call{code: OpFchmod, mode: modeBits(mode)})
}

// Chown changes the owner and group of the file; -1 leaves one as it is.
func (f *File) Chown(uid, gid int) error {
	return f.simple(context.Background(), "chown", call{code: OpFchown, rest: &Operation{UID: uint32(uid), GID: uint32(gid)}})
}

// Chtimes changes the times of access and modification.
func (f *File) Chtimes(atime, mtime time.Time) error {
	return f.simple(context.Background(), "chtimes", call{code: OpFutimens, in: times(atime, mtime)})
}

// Allocate makes room on the disk: fallocate(2), with FALLOC_FL_* as mode.
func (f *File) Allocate(ctx context.Context, mode uint32, offset, count int64) error {
	if f != nil && count < 0 {
		return f.fail("fallocate", syscall.EINVAL)
	}
	return f.simple(ctx, "fallocate", call{code: OpFallocate, more: mode, offset: offset, length: uint64(count)})
}

// CopyRange copies bytes of this file to another one without them passing through the program: copy_file_range(2).
// It may copy less, and 0 at the end.
func (f *File) CopyRange(ctx context.Context, offset int64, to *File, toOffset, count int64) (int64, error) {
	const op = "copy_file_range"
	if f == nil || to == nil {
		return 0, fs.ErrInvalid
	}
	if count < 0 {
		return 0, f.fail(op, syscall.EINVAL)
	}
	if err := to.use(op); err != nil {
		return 0, err
	}
	if err := f.use(op); err != nil {
		to.release()
		return 0, err
	}
	n, err := f.queue.result(ctx, &call{
		code: OpCopyFileRange, fd: f.fd, file: f, also: to, offset: offset, length: uint64(count),
		rest: &Operation{FD2: to.fd, Offset2: toOffset},
	})
	if err != nil {
		return 0, f.fail(op, err)
	}
	return n, nil
}
