// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func makeTree(t testing.TB) (directory string, names []string) {
	directory = t.TempDir()
	for _, name := range []string{"a", "b/c", "b/d/e", "b/d/f.txt", "g h"} {
		full := filepath.Join(directory, name)
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		must(t, os.WriteFile(full, []byte("content of "+name), 0o644))
	}
	must(t, os.Mkdir(filepath.Join(directory, "empty"), 0o755))
	return directory, []string{"a", "b/c", "b/d/e", "b/d/f.txt", "g h", "empty"}
}

func TestFS(t *testing.T) {
	directory, names := makeTree(t)
	eachWay(t, func(t *testing.T, q *Queue) {
		must(t, fstest.TestFS(q.DirFS(directory), names...))
	})
}

func TestFSErrors(t *testing.T) {
	directory, _ := makeTree(t)
	fsys := DirFS(directory)
	for name, expected := range map[string]error{
		"missing": fs.ErrNotExist, "../a": fs.ErrInvalid, "/a": fs.ErrInvalid, "b/": fs.ErrInvalid, "": fs.ErrInvalid,
	} {
		_, err := fsys.Open(name)
		expectError(t, err, expected, "open", name)
		_, err = fs.Stat(fsys, name)
		expectError(t, err, expected, "stat", name)
		_, err = fs.ReadFile(fsys, name)
		expectError(t, err, expected, "", name)
		_, err = fs.ReadDir(fsys, name)
		expectError(t, err, expected, "", name)
	}
	_, err := fs.Stat(DirFS(""), "a")
	expectError(t, err, fs.ErrNotExist, "stat", "a")
	ctx, cancel := context.WithCancel(background)
	cancel()
	_, err = fs.ReadFile(Default().DirFSContext(ctx, directory), "a")
	expectError(t, err, context.Canceled, "open", "a")
}

func TestReadDir(t *testing.T) {
	directory, _ := makeTree(t)
	entries, err := ReadDir(background, directory)
	must(t, err)
	theirs, err := os.ReadDir(directory)
	must(t, err)
	expect(t, "entries", len(entries), len(theirs))
	for i := range theirs {
		expect(t, "name", entries[i].Name(), theirs[i].Name())
		expect(t, "type", entries[i].Type(), theirs[i].Type())
		info, err := entries[i].Info()
		must(t, err)
		expect(t, "info", info.Name(), theirs[i].Name())
	}
	_, err = ReadDir(background, filepath.Join(directory, "a"))
	if err == nil {
		t.Error("a file is no directory")
	}
	f, err := Open(background, directory)
	must(t, err)
	defer f.Close()
	for round := 0; round < 2; round++ {
		seen := 0
		for {
			some, err := f.ReadDir(2)
			seen += len(some)
			if err == io.EOF {
				break
			}
			must(t, err)
		}
		expect(t, "entries", seen, len(theirs))
		_, err = f.Seek(0, io.SeekStart)
		must(t, err)
	}
}
