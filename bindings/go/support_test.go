// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

var background = context.Background()

// A test that starts this program again, to be a process of its own, names what it is to do.
var children = map[string]func(){}

func TestMain(m *testing.M) {
	if child, ok := children[os.Getenv("AIOC_TEST_CHILD")]; ok {
		child()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The command is killed after 60 s.
func childCommand(t *testing.T, name string, more ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, time.Minute)
	t.Cleanup(cancel)
	executable, err := os.Executable()
	must(t, err)
	c := exec.CommandContext(ctx, executable)
	c.Env = append(append(os.Environ(), "AIOC_TEST_CHILD="+name), more...)
	c.Stderr = os.Stderr
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, what string, got, expected any) {
	t.Helper()
	if got != expected {
		t.Errorf("%s: %v, not %v", what, got, expected)
	}
}

// Of this kind, and a *PathError with this operation and path unless op is "".
func expectError(t testing.TB, err, expected error, op, path string) {
	t.Helper()
	if !errors.Is(err, expected) {
		t.Errorf("%s %s: the error is %v, not %v", op, path, err, expected)
		return
	}
	var e *os.PathError
	if op != "" && (!errors.As(err, &e) || e.Op != op || e.Path != path) {
		t.Errorf("the error is %#v, not one of %q on %q", err, op, path)
	}
}

func newQueue(t testing.TB, options Options) *Queue {
	t.Helper()
	q, err := New(options)
	must(t, err)
	t.Cleanup(func() {
		if err := q.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return q
}

func makeFile(t testing.TB, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(name, []byte(content), 0o644))
	return name
}

var otherEnds []*os.File

// An open of it waits for its other end. After the test it has one for ever, so that no worker is left in it, also one
// that comes late.
func makeFifo(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "fifo")
	must(t, syscall.Mkfifo(name, 0o600))
	t.Cleanup(func() { otherEnds = append(otherEnds, bothEnds(t, name)) })
	return name
}

// Lets all opens of the fifo end, until it is closed. It does not wait for anybody itself.
func bothEnds(t testing.TB, fifo string) *os.File {
	t.Helper()
	f, err := os.OpenFile(fifo, os.O_RDWR, 0)
	must(t, err)
	return f
}

// Looks until it is so, at most 20 s.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

func countDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(entries)
}

// Descriptors of this process that are this file. (A queue opens others when it first needs them.)
func countOpen(t testing.TB, name string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	count := 0
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && target == name {
			count++
		}
	}
	return count
}

func countThreads(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	must(t, err)
	return len(entries)
}

// Kilobytes of resident memory.
func memoryInUse(t testing.TB) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	must(t, err)
	var pages int
	fields := strings.Fields(string(text))
	for _, c := range fields[1] {
		pages = pages*10 + int(c-'0')
	}
	return pages * os.Getpagesize() / 1024
}

func outstanding(t testing.TB, q *Queue) uint64 {
	t.Helper()
	s, err := q.Statistics()
	must(t, err)
	return s.Outstanding
}

func closeIf(f *File) {
	if f != nil {
		f.Close()
	}
}
