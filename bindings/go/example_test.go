// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"libaio-clone.org/go/aioclone"
)

func directory() string {
	name, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	return name
}

func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f, err := aioclone.Open(ctx, "/etc/passwd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	b := make([]byte, 15)
	n, err := f.ReadAtContext(ctx, b, 7)
	fmt.Println(n, err)
	// Output: 15 <nil>
}

func ExampleStat() {
	_, err := aioclone.Stat(context.Background(), "/missing")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))
	// Output: stat /missing: no such file or directory true
}

func ExampleStatAll() {
	for _, r := range aioclone.StatAll(context.Background(), []string{"/etc", "/missing"}) {
		if r.Err != nil {
			fmt.Println(r.Err)
		} else {
			fmt.Println(r.Info.Name(), r.Info.IsDir())
		}
	}
	// Output:
	// etc true
	// stat /missing: no such file or directory
}

func ExampleWriteFile() {
	ctx := context.Background()
	name := filepath.Join(directory(), "greeting")
	defer os.RemoveAll(filepath.Dir(name))
	if err := aioclone.WriteFile(ctx, name, []byte("hello"), 0o644); err != nil {
		fmt.Println(err)
	}
	data, err := aioclone.ReadFile(ctx, name)
	fmt.Printf("%s %v\n", data, err)
	fmt.Println(aioclone.Remove(ctx, name))
	// Output:
	// hello <nil>
	// <nil>
}

// Nobody opens the other end of this FIFO: package os would wait for ever, with a thread.
func ExampleOpen_deadline() {
	name := filepath.Join(directory(), "fifo")
	defer os.RemoveAll(filepath.Dir(name))
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_, err := aioclone.Open(ctx, name)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

func ExampleDirFS() {
	dir := directory()
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("content"), 0o600); err != nil {
		fmt.Println(err)
	}
	fsys := aioclone.DirFS(dir)
	names, err := fs.Glob(fsys, "*.txt")
	fmt.Println(names, err)
	data, err := fs.ReadFile(fsys, "a.txt")
	fmt.Println(string(data), err)
	// Output:
	// [a.txt] <nil>
	// content <nil>
}

func ExampleNew() {
	q, err := aioclone.New(aioclone.Options{MaxWorkers: 8, LocalPaths: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer q.Close()
	info, err := q.Stat(context.Background(), "/etc")
	fmt.Println(info.Name(), err)
	// Output: etc <nil>
}

func ExampleQueue_Do() {
	q := aioclone.Default()
	fd, err := q.Do(context.Background(), &aioclone.Operation{
		Code: aioclone.OpOpen, Path: "/etc", Flags: syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_CLOEXEC,
	})
	fmt.Println(fd > 2, err)
	_, err = q.Do(context.Background(), &aioclone.Operation{Code: aioclone.OpClose, FD: int(fd)})
	fmt.Println(err)
	// Output:
	// true <nil>
	// <nil>
}
