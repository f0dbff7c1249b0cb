// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestTrees(t *testing.T) {
	directory, _ := makeTree(t)
	eachWay(t, func(t *testing.T, q *Queue) {
		copied := filepath.Join(t.TempDir(), "copy")
		report, err := q.CopyTree(background, directory, copied, 0)
		must(t, err)
		if report.Err != nil || report.Items < 8 {
			t.Errorf("%+v", report)
		}
		_, err = q.CopyTree(background, directory, copied, 0)
		expectError(t, err, fs.ErrExist, "copy_tree", directory)
		expected := map[string]bool{}
		must(t, filepath.WalkDir(copied, func(path string, _ fs.DirEntry, err error) error {
			if path != copied {
				expected[path[len(copied)+1:]] = true
			}
			return err
		}))
		must(t, q.Walk(background, copied, func(e DirectoryEntry) error {
			name := filepath.Join(e.Directory, e.Name)
			if !expected[name] {
				t.Errorf("%s is none, or came twice", name)
			}
			delete(expected, name)
			return e.Err
		}))
		expect(t, "not seen", len(expected), 0)
		stop := errors.New("stop")
		if err := q.Walk(background, copied, func(DirectoryEntry) error { return stop }); err != stop {
			t.Error(err)
		}
		missing := filepath.Join(copied, "missing")
		none := func(DirectoryEntry) error { return nil }
		expectError(t, q.Walk(background, missing, none), fs.ErrNotExist, "walk", missing)
		expectError(t, q.Walk(background, "nul\x00", none), syscall.EINVAL, "walk", "nul\x00")
		ctx, cancel := context.WithCancel(background)
		cancel()
		expectError(t, q.Walk(ctx, copied, none), context.Canceled, "walk", copied)

		file := filepath.Join(copied, "a")
		must(t, q.ReplaceFile(background, file, []byte("new"), 0o600))
		data, err := os.ReadFile(file)
		must(t, err)
		expect(t, "content", string(data), "new")
		expectError(t, q.ReplaceFile(background, copied, nil, 0), syscall.EISDIR, "replace", copied)
		must(t, q.RemoveAll(background, copied))
		must(t, q.RemoveAll(background, copied))
		_, err = os.Stat(copied)
		expectError(t, err, fs.ErrNotExist, "", "")
		expectError(t, q.RemoveAll(background, "/tmp/."), syscall.EINVAL, "remove_tree", "/tmp/.")
		expect(t, "outstanding", outstanding(t, q), uint64(0))
	})
}
