// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestPaths(t *testing.T) {
	long := "/" + strings.Repeat("x", 4096)
	longPart := "/" + strings.Repeat("x", 300)
	for _, q := range []*Queue{Default(), newQueue(t, Options{LocalPaths: true})} {
		for path, expected := range map[string]error{
			"/etc\x00/passwd":    syscall.EINVAL,
			"\x00":               syscall.EINVAL,
			"":                   syscall.ENOENT,
			"/missing":           fs.ErrNotExist,
			"/etc/passwd/beyond": syscall.ENOTDIR,
			long:                 syscall.ENAMETOOLONG,
			longPart:             syscall.ENAMETOOLONG,
		} {
			_, err := q.Stat(background, path)
			expectError(t, err, expected, "stat", path)
			_, err = q.Lstat(background, path)
			expectError(t, err, expected, "lstat", path)
			_, err = q.Open(background, path)
			expectError(t, err, expected, "open", path)
			_, err = q.ReadFile(background, path)
			expectError(t, err, expected, "open", path)
			expectError(t, q.Remove(background, path), expected, "remove", path)
			results := q.StatAll(background, []string{"/etc", path})
			expectError(t, results[0].Err, nil, "", "")
			expectError(t, results[1].Err, expected, "stat", path)
			results = q.LstatAll(background, []string{path})
			expectError(t, results[0].Err, expected, "lstat", path)
			if expected != syscall.EINVAL {
				_, err = os.Stat(path)
				expectError(t, err, expected, "stat", path) // as package os
			}
		}
		expectError(t, q.WriteFile(background, "/etc\x00", nil, 0o600), syscall.EINVAL, "open", "/etc\x00")
		expect(t, "outstanding", outstanding(t, q), uint64(0))
	}
}

func TestPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may do everything; see TestSetuid")
	}
	_, err := Open(background, "/etc/shadow")
	expectError(t, err, fs.ErrPermission, "open", "/etc/shadow")
}

func TestArguments(t *testing.T) {
	f, err := Create(background, filepath.Join(t.TempDir(), "file"))
	must(t, err)
	defer f.Close()
	_, err = f.ReadAt(make([]byte, 1), -1)
	expectError(t, err, errNegativeOffset, "readat", f.Name())
	_, err = f.WriteAt(make([]byte, 1), -1)
	expectError(t, err, errNegativeOffset, "writeat", f.Name())
	_, err = f.Seek(0, 3)
	expectError(t, err, errWhence, "seek", f.Name())
	_, err = f.Seek(-1, 0)
	expectError(t, err, syscall.EINVAL, "seek", f.Name())
	expectError(t, f.Readahead(background, 0, -1), syscall.EINVAL, "readahead", f.Name())
	expectError(t, f.Readahead(background, -1, 1), syscall.EINVAL, "readahead", f.Name())
	var none context.Context
	_, err = Stat(none, "/etc")
	expectError(t, err, errNilContext, "stat", "/etc")
	_, err = f.ReadAtContext(none, make([]byte, 1), 0)
	expectError(t, err, errNilContext, "read", f.Name())
	expectError(t, StatAll(none, []string{"/etc"})[0].Err, errNilContext, "stat", "/etc")
	for expected, options := range map[string]Options{
		"MinWorkers":     {MinWorkers: -1},
		"MaxWorkers":     {MaxWorkers: -1},
		"DeviceWorkers":  {DeviceWorkers: -1},
		"MaxOutstanding": {MaxOutstanding: -1},
		"Contexts":       {Contexts: contextsMax + 1},
		"IdleTimeout":    {IdleTimeout: -time.Second},
	} {
		if _, err := New(options); err == nil || !strings.Contains(err.Error(), expected) {
			t.Errorf("%s: %v", expected, err)
		}
	}
	for what, options := range map[string]Options{"engine": {Engine: 99}, "workers": {MaxWorkers: 1 << 30}} {
		_, err := New(options)
		if os.Getenv("AIOC_ENGINE") == "" {
			expectError(t, err, syscall.EINVAL, "", what)
		}
	}
	q := newQueue(t, Options{})
	expectError(t, q.SetWorkers(-1, 1), syscall.EINVAL, "", "")
	expectError(t, q.SetWorkers(0, 0), syscall.EINVAL, "", "")
	expectError(t, q.SetWorkers(2, 1), syscall.EINVAL, "", "")
}

func TestMaxOutstanding(t *testing.T) {
	q := newQueue(t, Options{MaxOutstanding: 1, Contexts: 1})
	fifo := makeFifo(t)
	opened := make(chan error)
	go func() {
		f, err := q.Open(background, fifo)
		closeIf(f)
		opened <- err
	}()
	eventually(t, "outstanding", func() bool { return outstanding(t, q) == 1 })
	_, err := q.Stat(background, "/etc")
	expectError(t, err, syscall.EAGAIN, "stat", "/etc")
	results := q.StatAll(background, []string{"/etc", "/usr"})
	expectError(t, results[0].Err, syscall.EAGAIN, "stat", "/etc")
	expectError(t, results[1].Err, syscall.EAGAIN, "stat", "/usr")
	both := bothEnds(t, fifo)
	must(t, <-opened)
	both.Close()
	_, err = q.Stat(background, "/etc")
	must(t, err)
}
