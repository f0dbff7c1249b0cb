// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	_ fs.ReadDirFile     = (*File)(nil)
	_ io.ReaderAt        = (*File)(nil)
	_ io.WriterAt        = (*File)(nil)
	_ io.ReadWriteSeeker = (*File)(nil)
	_ io.StringWriter    = (*File)(nil)
	_ fs.StatFS          = (*dirFS)(nil)
	_ fs.ReadFileFS      = (*dirFS)(nil)
	_ fs.ReadDirFS       = (*dirFS)(nil)
)

// Opens, reads 15 bytes at offset 7, stats and closes.
func TestFirst(t *testing.T) {
	content, err := os.ReadFile("/etc/passwd")
	must(t, err)
	f, err := Open(background, "/etc/passwd")
	must(t, err)
	b := make([]byte, 15)
	n, err := f.ReadAt(b, 7)
	must(t, err)
	expect(t, "bytes", string(b[:n]), string(content[7:22]))
	info, err := f.Stat()
	must(t, err)
	expect(t, "size", info.Size(), int64(len(content)))
	must(t, f.Close())
}

// Each of these on a file of which the goroutine itself may answer reads, and on one where it may not.
func eachWay(t *testing.T, test func(t *testing.T, q *Queue)) {
	for name, options := range map[string]Options{
		"default": {}, "workers": {Engine: EngineWorkers}, "local paths": {LocalPaths: true}, "one context": {Contexts: 1},
	} {
		options := options
		t.Run(name, func(t *testing.T) { test(t, newQueue(t, options)) })
	}
}

func TestReadAndWrite(t *testing.T) {
	eachWay(t, func(t *testing.T, q *Queue) {
		name := filepath.Join(t.TempDir(), "file")
		f, err := q.Create(background, name)
		must(t, err)
		n, err := f.Write([]byte("0123456789"))
		must(t, err)
		expect(t, "written", n, 10)
		n, err = f.WriteString("abc")
		must(t, err)
		expect(t, "written", n, 3)
		n, err = f.WriteAt([]byte("XY"), 2)
		must(t, err)
		expect(t, "written", n, 2)
		b := make([]byte, 20)
		n, err = f.ReadAt(b, 0)
		expectError(t, err, io.EOF, "", "")
		expect(t, "content", string(b[:n]), "01XY456789abc")
		_, err = f.ReadAt(b, 100)
		expectError(t, err, io.EOF, "", "")
		at, err := f.Seek(-3, io.SeekEnd)
		must(t, err)
		expect(t, "position", at, int64(10))
		n, err = f.Read(b)
		must(t, err)
		expect(t, "content", string(b[:n]), "abc")
		_, err = f.Read(b)
		expectError(t, err, io.EOF, "", "")
		at, err = f.Seek(-12, io.SeekCurrent)
		must(t, err)
		expect(t, "position", at, int64(1))
		n, err = f.Read(b[:2])
		must(t, err)
		expect(t, "content", string(b[:n]), "1X")
		n, err = f.Read(nil)
		must(t, err)
		expect(t, "bytes", n, 0)
		must(t, f.Sync())
		must(t, f.SyncData(background))
		must(t, f.Close())
		data, err := q.ReadFile(background, name)
		must(t, err)
		expect(t, "content", string(data), "01XY456789abc")
		must(t, q.Remove(background, name))
		_, err = os.Stat(name)
		expectError(t, err, fs.ErrNotExist, "", "")
	})
}

func TestAppend(t *testing.T) {
	name := makeFile(t, "begun ")
	f, err := OpenFile(background, name, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	_, err = f.Write([]byte("and "))
	must(t, err)
	must(t, os.WriteFile(name, []byte("anew "), 0o600))
	_, err = f.Write([]byte("done"))
	must(t, err)
	data, err := os.ReadFile(name)
	must(t, err)
	expect(t, "content", string(data), "anew done")
	if _, err = f.WriteAt([]byte("x"), 0); err != errAppend {
		t.Error(err)
	}
}

// More than one piece, and an offset that does not fit into 32 bits.
func TestLarge(t *testing.T) {
	eachWay(t, func(t *testing.T, q *Queue) {
		data := bytes.Repeat([]byte("seventeen bytes.\n"), 3*transferMax/17)
		name := filepath.Join(t.TempDir(), "large")
		must(t, q.WriteFile(background, name, data, 0o600))
		got, err := q.ReadFile(background, name)
		must(t, err)
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes, and not the same", len(got))
		}
		f, err := q.OpenFile(background, name, os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		got = make([]byte, len(data))
		n, err := f.ReadAt(got, 0)
		if n != len(data) || err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", n, err)
		}
		const far = 1<<40 + 12345
		_, err = f.WriteAt([]byte("far"), far)
		must(t, err)
		_, err = f.ReadAt(got[:3], far)
		must(t, err)
		expect(t, "content", string(got[:3]), "far")
		info, err := f.Stat()
		must(t, err)
		expect(t, "size", info.Size(), int64(far+3))
	})
}

// Files that say they have no bytes, and give a little at a time.
func TestReadFileOfProc(t *testing.T) {
	eachWay(t, func(t *testing.T, q *Queue) {
		got, err := q.ReadFile(background, "/proc/self/maps")
		must(t, err)
		if !strings.Contains(string(got), "[stack]") && !strings.Contains(string(got), "[vdso]") {
			t.Errorf("%d bytes, without their end", len(got))
		}
		got, err = q.ReadFile(background, "/dev/null")
		must(t, err)
		if got == nil || len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
}

func TestWriteFile(t *testing.T) {
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	name := filepath.Join(t.TempDir(), "file")
	must(t, WriteFile(background, name, []byte("long enough"), 0o666))
	must(t, WriteFile(background, name, []byte("short"), 0o600))
	data, err := ReadFile(background, name)
	must(t, err)
	expect(t, "content", string(data), "short")
	info, err := Stat(background, name)
	must(t, err)
	expect(t, "mode", info.Mode(), fs.FileMode(0o640))
	expectError(t, WriteFile(background, "/", nil, 0o600), syscall.EISDIR, "open", "/")
	full, err := OpenFile(background, "/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	_, err = full.Write([]byte("x"))
	expectError(t, err, syscall.ENOSPC, "write", "/dev/full")
}

// Everything that package os says of a file, the same.
func TestInfo(t *testing.T) {
	directory := t.TempDir()
	link := filepath.Join(directory, "link")
	must(t, os.Symlink("/etc/passwd", link))
	fifo := makeFifo(t)
	sticky := filepath.Join(directory, "sticky")
	must(t, os.Mkdir(sticky, 0o700))
	must(t, os.Chmod(sticky, 0o751|os.ModeSticky|os.ModeSetgid))
	for _, q := range []*Queue{Default(), newQueue(t, Options{LocalPaths: true})} {
		for _, name := range []string{"/etc/passwd", "/", ".", "/etc/", "/dev/null", "/dev/console", link, fifo, sticky} {
			for _, way := range []struct {
				ours   func() (fs.FileInfo, error)
				theirs func(string) (fs.FileInfo, error)
			}{
				{func() (fs.FileInfo, error) { return q.Stat(background, name) }, os.Stat},
				{func() (fs.FileInfo, error) { return q.Lstat(background, name) }, os.Lstat},
			} {
				theirs, err := way.theirs(name)
				if errors.Is(err, fs.ErrNotExist) {
					continue // a device that is not everywhere
				}
				must(t, err)
				ours, err := way.ours()
				must(t, err)
				expect(t, name+": name", ours.Name(), theirs.Name())
				expect(t, name+": size", ours.Size(), theirs.Size())
				expect(t, name+": mode", ours.Mode(), theirs.Mode())
				expect(t, name+": time", ours.ModTime(), theirs.ModTime())
				expect(t, name+": directory", ours.IsDir(), theirs.IsDir())
				a, b := *ours.Sys().(*syscall.Stat_t), *theirs.Sys().(*syscall.Stat_t)
				a.Atim, b.Atim = syscall.Timespec{}, syscall.Timespec{}
				expect(t, name+": Stat_t", a, b)
				expect(t, name+": same file", SameFile(ours, theirs), true)
			}
		}
	}
	passwd, err := Stat(background, "/etc/passwd")
	must(t, err)
	null, err := Stat(background, "/dev/null")
	must(t, err)
	expect(t, "same file", SameFile(passwd, null), false)
	made, err := Stat(background, makeFile(t, ""))
	must(t, err)
	if born, ok := BirthTime(made); ok && time.Since(born) > time.Hour {
		t.Errorf("born at %v", born)
	}
	theirs, err := os.Stat("/")
	must(t, err)
	if _, ok := BirthTime(theirs); ok {
		t.Error("package os knows no birth")
	}
}

func TestClose(t *testing.T) {
	f, err := Open(background, "/etc/passwd")
	must(t, err)
	must(t, f.Close())
	expectError(t, f.Close(), fs.ErrClosed, "close", "/etc/passwd")
	expect(t, "descriptor", f.Fd(), ^uintptr(0))
	_, err = f.Read(make([]byte, 1))
	expectError(t, err, fs.ErrClosed, "read", "/etc/passwd")
	_, err = f.WriteAt(make([]byte, 1), 0)
	expectError(t, err, fs.ErrClosed, "write", "/etc/passwd")
	_, err = f.Stat()
	expectError(t, err, fs.ErrClosed, "stat", "/etc/passwd")
	expectError(t, f.Sync(), fs.ErrClosed, "sync", "/etc/passwd")
	_, err = f.Seek(0, io.SeekStart)
	expectError(t, err, fs.ErrClosed, "seek", "/etc/passwd")
	_, err = f.ReadDir(-1)
	expectError(t, err, fs.ErrClosed, "readdir", "/etc/passwd")
	expect(t, "descriptors", countOpen(t, "/etc/passwd"), 0)
	var none *File
	for what, err := range map[string]error{
		"Close": none.Close(),
		"Stat":  func() error { _, err := none.Stat(); return err }(),
		"Read":  func() error { _, err := none.Read(nil); return err }(),
		"Write": func() error { _, err := none.Write(nil); return err }(),
		"Seek":  func() error { _, err := none.Seek(0, 0); return err }(),
	} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s of nil: %v", what, err)
		}
	}
}

// No read meets another file under the number of one that was closed meanwhile.
func TestCloseWhileReading(t *testing.T) {
	names := []string{makeFile(t, strings.Repeat("a", 4096)), makeFile(t, strings.Repeat("b", 4096))}
	eachWay(t, func(t *testing.T, q *Queue) {
		var group sync.WaitGroup
		for round := 0; round < 200; round++ {
			f, err := q.Open(background, names[round%2])
			must(t, err)
			expected := "ab"[round%2]
			for n := 0; n < 4; n++ {
				group.Add(1)
				go func() {
					defer group.Done()
					b := make([]byte, 4096)
					_, err := f.ReadAt(b, 0)
					if err == nil && (b[0] != expected || b[4095] != expected) {
						t.Errorf("read %q of the file of %q", b[0], expected)
					} else if err != nil && !errors.Is(err, fs.ErrClosed) {
						t.Error(err)
					}
				}()
			}
			runtime.Gosched()
			must(t, f.Close())
		}
		group.Wait()
		eventually(t, "descriptors closed", func() bool { return countOpen(t, names[0])+countOpen(t, names[1]) == 0 })
	})
}

func TestForgottenFileIsClosed(t *testing.T) {
	name := makeFile(t, "")
	func() {
		_, err := Open(background, name)
		must(t, err)
	}()
	expect(t, "open", countOpen(t, name), 1)
	eventually(t, "the finalizer", func() bool {
		runtime.GC()
		return countOpen(t, name) == 0
	})
}

func TestNewFile(t *testing.T) {
	var fds [2]int
	must(t, syscall.Pipe2(fds[:], syscall.O_CLOEXEC))
	reader, writer := NewFile(uintptr(fds[0]), "reader"), NewFile(uintptr(fds[1]), "writer")
	_, err := reader.Read(make([]byte, 1))
	expectError(t, err, syscall.ESPIPE, "read", "reader")
	_, err = writer.Write([]byte("x"))
	expectError(t, err, syscall.ESPIPE, "write", "writer")
	must(t, reader.Close())
	must(t, writer.Close())
	bad := NewFile(1<<20, "bad")
	_, err = bad.Read(make([]byte, 1))
	expectError(t, err, syscall.EBADF, "read", "bad")
	expectError(t, bad.Close(), syscall.EBADF, "close", "bad")
}

// O_DIRECT needs no aligned slice, only an aligned offset and length.
func TestDirect(t *testing.T) {
	name := makeFile(t, strings.Repeat("x", 8192))
	f, err := OpenFile(background, name, os.O_RDONLY|syscall.O_DIRECT, 0)
	if errors.Is(err, syscall.EINVAL) {
		t.Skip("this file system has no O_DIRECT")
	}
	must(t, err)
	defer f.Close()
	b := make([]byte, 4097)
	n, err := f.ReadAt(b[1:], 4096)
	must(t, err)
	expect(t, "bytes", string(b[1:n+1]), strings.Repeat("x", 4096))
}
