// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
)

func TestConcurrentStats(t *testing.T) {
	const count = 10000
	name := makeFile(t, "content")
	eachWay(t, func(t *testing.T, q *Queue) {
		start := make(chan struct{})
		var group sync.WaitGroup
		for i := 0; i < count; i++ {
			group.Add(1)
			path := name
			if i%10 == 0 {
				path = name + fmt.Sprint(i)
			}
			go func() {
				defer group.Done()
				<-start
				info, err := q.Stat(background, path)
				if path != name {
					expectError(t, err, fs.ErrNotExist, "stat", path)
				} else if err != nil || info.Size() != int64(len("content")) {
					t.Error(info, err)
				}
			}()
		}
		close(start)
		group.Wait()
		expect(t, "outstanding", outstanding(t, q), uint64(0))
	})
}

func TestStatAll(t *testing.T) {
	directory := t.TempDir()
	var paths []string
	long := strings.Repeat("/.", 1500) // of which few fit into a block
	for i := 0; i < 1000; i++ {
		name := filepath.Join(directory, fmt.Sprint(i))
		if i%7 != 0 {
			must(t, os.WriteFile(name, make([]byte, i), 0o600))
		}
		if i%3 == 0 {
			name = directory + long + "/" + fmt.Sprint(i)
		}
		paths = append(paths, name)
	}
	eachWay(t, func(t *testing.T, q *Queue) {
		for _, count := range []int{0, 1, 2, 63, 64, 65, 1000} {
			results := q.StatAll(background, paths[:count])
			expect(t, "results", len(results), count)
			for i, r := range results {
				if i%7 == 0 {
					expectError(t, r.Err, fs.ErrNotExist, "stat", paths[i])
				} else if r.Err != nil || r.Info.Size() != int64(i) || r.Info.Name() != fmt.Sprint(i) {
					t.Errorf("%s: %v, %v", paths[i], r.Info, r.Err)
				}
			}
		}
		expect(t, "outstanding", outstanding(t, q), uint64(0))
	})
}

// What the tree holds, read by as many goroutines as there are files.
func treeSum(t *testing.T, root string, stat func(string) (fs.FileInfo, error), read func(string) ([]byte, error)) string {
	var paths []string
	must(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	}))
	if len(paths) < 20 {
		t.Fatalf("%s has %d files", root, len(paths))
	}
	lines := make([]string, len(paths))
	var group sync.WaitGroup
	for i, path := range paths {
		i, path := i, path
		group.Add(1)
		go func() {
			defer group.Done()
			info, err := stat(path)
			if err != nil {
				t.Error(err)
				return
			}
			data, err := read(path)
			if err != nil {
				t.Error(err)
				return
			}
			lines[i] = fmt.Sprintf("%s %v %d %d %x", path, info.Mode(), info.Size(), info.ModTime().UnixNano(), sha256.Sum256(data))
		}()
	}
	group.Wait()
	sort.Strings(lines)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, "\n"))))
}

func TestTree(t *testing.T) {
	root, err := filepath.EvalSymlinks("/usr/include/linux")
	if err != nil {
		root = "/usr/share/doc"
	}
	expected := treeSum(t, root, os.Stat, os.ReadFile)
	eachWay(t, func(t *testing.T, q *Queue) {
		expect(t, "sum", treeSum(t, root,
			func(name string) (fs.FileInfo, error) { return q.Stat(background, name) },
			func(name string) ([]byte, error) { return q.ReadFile(background, name) }), expected)
	})
}

// Requests leave nothing behind: no memory, no descriptors, no slots.
func TestNothingGrows(t *testing.T) {
	name := makeFile(t, strings.Repeat("x", 5000))
	q := newQueue(t, Options{Engine: EngineWorkers})
	some := func(count int) {
		var group sync.WaitGroup
		for n := 0; n < 20; n++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := 0; i < count/20/5; i++ { // each round is five requests
					if _, err := q.Stat(background, name); err != nil {
						t.Error(err)
					}
					if _, err := q.Stat(background, name+"x"); err == nil {
						t.Error("it exists")
					}
					f, err := q.Open(background, name)
					if err != nil {
						t.Error(err)
						continue
					}
					if _, err := f.ReadAt(make([]byte, 5000), 0); err != nil {
						t.Error(err)
					}
					f.Close()
				}
			}()
		}
		group.Wait()
	}
	some(20000) // until everything has its size
	descriptors, memory, slots := countDescriptors(t), memoryInUse(t), requests.count
	some(100000)
	expect(t, "descriptors", countDescriptors(t), descriptors)
	done, err := q.Statistics()
	must(t, err)
	if done.Completed < 100000 || done.Outstanding != 0 {
		t.Errorf("%+v", done)
	}
	if raceDetector { // with it sync.Pool loses things on purpose
		return
	}
	if grown := memoryInUse(t) - memory; grown > 8192 {
		t.Errorf("%d KiB more", grown)
	}
	if grown := requests.count - slots; grown > 256 {
		t.Errorf("%d slots more", grown)
	}
}

// Goroutines that wait for something slow hold no thread each.
func TestThreads(t *testing.T) {
	const waiting, most = 3000, 300 // package os: one for each
	before := countThreads(t)
	q := newQueue(t, Options{})
	fifo := makeFifo(t)
	opened := make(chan error, waiting)
	for i := 0; i < waiting; i++ {
		go func() {
			f, err := q.Open(background, fifo)
			closeIf(f)
			opened <- err
		}()
	}
	eventually(t, "all wait", func() bool { return outstanding(t, q) == waiting })
	if n := countThreads(t) - before; n > most {
		t.Errorf("%d threads more for %d goroutines", n, waiting)
	}
	// Others are not held up: this is in memory.
	name := makeFile(t, "content")
	f, err := Open(background, name)
	must(t, err)
	b := make([]byte, 7)
	_, err = f.ReadAt(b, 0)
	must(t, err)
	must(t, f.Close())
	both := bothEnds(t, fifo)
	for i := 0; i < waiting; i++ {
		must(t, <-opened)
	}
	both.Close()
}
