// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"
)

// Every operation of the library's table, once with success and once with an error, through this package's function
// for it and through Do. One that the package does not offer fails here by its name.
func TestOperations(t *testing.T) {
	q := newQueue(t, Options{})
	missing := filepath.Join(t.TempDir(), "missing")
	const badFD = 1 << 20
	name := makeFile(t, "content")
	file := func() *File {
		f, err := q.OpenFile(background, name, os.O_RDWR, 0)
		must(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	closed := file()
	must(t, closed.Close())
	bad := q.newFile(badFD, "bad", 0)
	bad.direct = false
	do := func(op Operation) func() error {
		return func() error { _, err := q.Do(background, &op); return err }
	}
	status := func(code Code, op Operation) func() error {
		return func() error {
			var s statx
			op.Code, op.Buffer = code, make([]byte, statxBytes)
			_, err := q.Do(background, &op)
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&s)), unsafe.Sizeof(s)), op.Buffer)
			if err == nil && s.size != uint64(len("content")) {
				t.Errorf("%v: %d bytes", code, s.size)
			}
			return err
		}
	}
	type example struct {
		good, goodDo, wrong, wrongDo func() error
		expected                     error
	}
	examples := map[string]example{
		"nop": {
			good:   func() error { return q.Nop(background) },
			goodDo: do(Operation{Code: OpNop}),
		},
		"open": {
			good:   func() error { f, err := q.Open(background, name); closeIf(f); return err },
			goodDo: func() error { return openAndClose(q, name) },
			wrong:  func() error { _, err := q.Open(background, missing); return err }, expected: syscall.ENOENT,
			wrongDo: do(Operation{Code: OpOpen, Path: missing}),
		},
		"close": {
			good:   func() error { return file().Close() },
			goodDo: func() error { return openAndClose(q, name) },
			wrong:  func() error { return q.newFile(badFD, "bad", 0).Close() }, expected: syscall.EBADF,
			wrongDo: do(Operation{Code: OpClose, FD: badFD}),
		},
		"read": {
			good:   func() error { _, err := file().ReadAt(make([]byte, 3), 1); return err },
			goodDo: do(Operation{Code: OpRead, FD: int(file().Fd()), Buffer: make([]byte, 3)}),
			wrong:  func() error { _, err := bad.ReadAt(make([]byte, 3), 1); return err }, expected: syscall.EBADF,
			wrongDo: do(Operation{Code: OpRead, FD: badFD, Buffer: make([]byte, 3)}),
		},
		"write": {
			good:   func() error { _, err := file().WriteAt([]byte("con"), 0); return err },
			goodDo: do(Operation{Code: OpWrite, FD: int(file().Fd()), Buffer: []byte("con")}),
			wrong:  func() error { _, err := bad.WriteAt([]byte("con"), 0); return err }, expected: syscall.EBADF,
			wrongDo: do(Operation{Code: OpWrite, FD: badFD, Buffer: []byte("con")}),
		},
		"readahead": {
			good:   func() error { return file().Readahead(background, 0, 4096) },
			goodDo: do(Operation{Code: OpReadahead, FD: int(file().Fd()), Length: 4096}),
			wrong:  func() error { return bad.Readahead(background, 0, 4096) }, expected: syscall.EBADF,
			wrongDo: do(Operation{Code: OpReadahead, FD: badFD, Length: 4096}),
		},
		"stat": {
			good:   func() error { _, err := q.Stat(background, name); return err },
			goodDo: status(OpStat, Operation{Path: name}),
			wrong:  func() error { _, err := q.Stat(background, missing); return err }, expected: syscall.ENOENT,
			wrongDo: status(OpStat, Operation{Path: missing}),
		},
		"lstat": {
			good:   func() error { _, err := q.Lstat(background, name); return err },
			goodDo: status(OpLstat, Operation{Path: name}),
			wrong:  func() error { _, err := q.Lstat(background, missing); return err }, expected: syscall.ENOENT,
			wrongDo: status(OpLstat, Operation{Path: missing}),
		},
		"fstat": {
			good:   func() error { _, err := file().Stat(); return err },
			goodDo: status(OpFstat, Operation{FD: int(file().Fd())}),
			wrong:  func() error { _, err := bad.Stat(); return err }, expected: syscall.EBADF,
			wrongDo: status(OpFstat, Operation{FD: badFD}),
		},
		"unlink": {
			good:   func() error { return q.Remove(background, makeFile(t, "")) },
			goodDo: do(Operation{Code: OpUnlink, Path: makeFile(t, "")}),
			wrong:  func() error { return q.Remove(background, missing) }, expected: syscall.ENOENT,
			wrongDo: do(Operation{Code: OpUnlink, Path: missing}),
		},
		"fsync": {
			good:   func() error { return file().Sync() },
			goodDo: do(Operation{Code: OpFsync, FD: int(file().Fd())}),
			wrong:  func() error { return bad.Sync() }, expected: syscall.EBADF,
			wrongDo: do(Operation{Code: OpFsync, FD: badFD}),
		},
		"fdatasync": {
			good:   func() error { return file().SyncData(background) },
			goodDo: do(Operation{Code: OpFdatasync, FD: int(file().Fd())}),
			wrong:  func() error { return bad.SyncData(background) }, expected: syscall.EBADF,
			wrongDo: do(Operation{Code: OpFdatasync, FD: badFD}),
		},
	}
	all := Operations()
	if len(all) < 12 {
		t.Fatalf("the library has %d operations", len(all))
	}
	for _, code := range all {
		e, ok := examples[code.String()]
		if !ok {
			t.Errorf("the operation %s has no function in this package", code)
			continue
		}
		for _, good := range []func() error{e.good, e.goodDo} {
			before := completed(t, q, code)
			if err := good(); err != nil {
				t.Errorf("%s: %v", code, err)
			}
			// A cached read may have been answered by the goroutine itself.
			if completed(t, q, code) == before && code != OpRead {
				t.Errorf("%s: no such operation has completed", code)
			}
		}
		for _, wrong := range []func() error{e.wrong, e.wrongDo} {
			if wrong != nil {
				expectError(t, wrong(), e.expected, "", code.String())
			}
		}
	}
	_, err := q.Do(background, &Operation{Code: Code(len(all) + 1)})
	expectError(t, err, syscall.EINVAL, "", "")
	_, err = q.Do(background, nil)
	expectError(t, err, syscall.EFAULT, "", "")
	_, err = q.Do(background, &Operation{Code: OpRead, FD: 0, Buffer: make([]byte, 2), Length: 3})
	expectError(t, err, syscall.EINVAL, "", "")
	expect(t, "outstanding", outstanding(t, q), uint64(0))
}

func completed(t *testing.T, q *Queue, code Code) int64 {
	t.Helper()
	n, err := q.Count(code, 0)
	must(t, err)
	return n
}

func closeIf(f *File) {
	if f != nil {
		f.Close()
	}
}

func openAndClose(q *Queue, name string) error {
	fd, err := q.Do(background, &Operation{Code: OpOpen, Path: name, Flags: syscall.O_CLOEXEC})
	if err == nil {
		_, err = q.Do(background, &Operation{Code: OpClose, FD: int(fd)})
	}
	return err
}

func TestDoInDirectory(t *testing.T) {
	name := makeFile(t, "content")
	directory, err := Open(background, filepath.Dir(name))
	must(t, err)
	defer directory.Close()
	op := Operation{
		Code: OpStat, FD: int(directory.Fd()), UseDirFD: true, Path: filepath.Base(name), Buffer: make([]byte, statxBytes),
	}
	_, err = Default().Do(background, &op)
	must(t, err)
	expect(t, "size", (*statx)(unsafe.Pointer(&op.Buffer[0])).size, uint64(len("content")))
}
