// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Mounts of a FUSE that sleeps, and the root's, with what is below them.
const someMounts = `21 1 8:1 / / rw - ext4 /dev/a rw
22 21 0:30 / /proc rw - proc proc rw
23 21 8:2 / /data rw shared:1 - xfs /dev/b rw
24 23 0:40 / /data/slow\040mount rw - fuse.sshfs host: rw
25 24 8:3 / /data/slow\040mount/local rw - ext4 /dev/c rw
26 21 0:41 / /deep/tmp rw - tmpfs tmpfs rw
27 21 0:42 / /pool rw - btrfs /dev/d rw
28 21 0:43 / /new rw - somefs none rw
not a mount
`

func TestMountTable(t *testing.T) {
	var table mountTable
	table.parse(someMounts)
	expect(t, "point", table.mounts[24].point, "/data/slow mount")
	for _, c := range []struct {
		directory    string
		id           uint64
		major, minor uint32
		local, whole bool
	}{
		{"/usr", 21, 8, 1, true, true},
		{"usr", 21, 8, 1, true, false},
		{".", 21, 8, 1, true, false},
		{"/", 21, 8, 1, false, false}, // proc is in it
		{"/data/x", 23, 8, 2, true, true},
		{"/data", 23, 8, 2, false, false}, // the FUSE is in it
		{"//data/.", 23, 8, 2, false, false},
		{"/data/slow mount", 24, 0, 40, false, false},
		{"/data/slow mount/local", 25, 8, 3, false, false}, // on the way is the FUSE
		{"local", 25, 8, 3, false, false},
		{"/deep/tmp", 26, 0, 41, true, true},
		{"/deep", 21, 8, 1, true, true}, // a tmpfs in it is local, too
		{"/pool", 27, 0, 99, true, true},
		{"/usr", 21, 8, 9, false, false}, // the id is somebody else's now
		{"/usr", 99, 8, 1, false, false},
		{"/new/x", 28, 0, 43, false, false},
	} {
		s := statxSpace{statx: statx{mask: statxMountID, devMajor: c.major, devMinor: c.minor}, mountID: c.id}
		local, whole := table.judge(c.directory, &s)
		expect(t, fmt.Sprint(c.directory, " on ", c.id, ": local"), local, c.local)
		expect(t, fmt.Sprint(c.directory, " on ", c.id, ": whole"), whole, c.whole)
		s.mask = 0 // an old kernel
		local, _ = table.judge(c.directory, &s)
		expect(t, c.directory+" without an id", local, false)
	}
}

// The library and this package agree on what is local.
func TestLocalTypes(t *testing.T) {
	text, err := os.ReadFile("../../libaio-clone/src/engine/inline/file_class.cpp")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the library's sources are not here")
	}
	must(t, err)
	theirs := map[string]bool{}
	for _, m := range regexp.MustCompile(`\{"([^"]+)", class_(local|memory)\}`).FindAllStringSubmatch(string(text), -1) {
		theirs[m[1]] = true
	}
	if len(theirs) < 10 {
		t.Fatalf("only %d types found", len(theirs))
	}
	expect(t, "types", fmt.Sprint(localTypes), fmt.Sprint(theirs))
}

func submitted(t testing.TB, q *Queue) uint64 {
	t.Helper()
	s, err := q.Statistics()
	must(t, err)
	return s.Submitted
}

// A directory that is known to be local, as soon as it is visited again.
func localDirectory(t testing.TB) string {
	t.Helper()
	directory := t.TempDir()
	mounts.open()
	s := new(seat)
	d := &directoryKnown{}
	s.ask(d, directory+"/x", len(directory))
	if !d.local {
		t.Skip("temporary files are on no local disk")
	}
	return directory
}

type directoryKnown = directory

func directQueue(t testing.TB) *Queue {
	t.Helper()
	q := newQueue(t, Options{})
	if !q.answersDirectly {
		t.Skip("an engine is forced")
	}
	return q
}

func TestLocalDirectoryIsAskedDirectly(t *testing.T) {
	directory := localDirectory(t)
	q := directQueue(t)
	name, link, dangling, absent := filepath.Join(directory, "file"), filepath.Join(directory, "link"),
		filepath.Join(directory, "dangling"), filepath.Join(directory, "absent")
	must(t, os.WriteFile(name, []byte("content"), 0o640))
	must(t, os.Symlink("file", link))
	must(t, os.Symlink("nothing", dangling))
	const count = 200
	before := submitted(t, q)
	for i := 0; i < count; i++ {
		for _, way := range []func(context.Context, string) (fs.FileInfo, error){q.Stat, q.Lstat} {
			info, err := way(background, name)
			must(t, err)
			expect(t, "size", info.Size(), int64(7))
		}
		_, err := q.Lstat(background, absent)
		expectError(t, err, fs.ErrNotExist, "lstat", absent)
		_, err = q.Open(background, absent)
		expectError(t, err, fs.ErrNotExist, "open", absent)
		data, err := q.ReadFile(background, name)
		must(t, err)
		expect(t, "content", string(data), "content")
	}
	if n := submitted(t, q) - before; n > count && !raceDetector {
		t.Errorf("%d of %d calls were submitted", n, 5*count)
	}
	for i := 0; i < 20; i++ {
		info, err := q.Stat(background, link) // which leads to what must be asked otherwise
		must(t, err)
		expect(t, "behind the link", info.Mode(), fs.FileMode(0o640))
		info, err = q.Lstat(background, link)
		must(t, err)
		expect(t, "the link", info.Mode()&fs.ModeType, fs.ModeSymlink)
		_, err = q.Stat(background, dangling)
		expectError(t, err, fs.ErrNotExist, "stat", dangling)
		f, err := q.Open(background, link)
		must(t, err)
		must(t, f.Close())
		f, err = q.Open(background, directory)
		must(t, err)
		entries, err := f.ReadDir(-1)
		must(t, err)
		expect(t, "entries", len(entries), 3)
		must(t, f.Close())
		f, err = q.Open(background, name)
		must(t, err)
		info, err = f.Stat()
		must(t, err)
		theirs, err := os.Stat(name)
		must(t, err)
		expect(t, "open file", SameFile(info, theirs), true)
		flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_GETFL, 0)
		expect(t, "fcntl", errno, syscall.Errno(0))
		expect(t, "O_NONBLOCK", flags&syscall.O_NONBLOCK, uintptr(0))
		must(t, f.Close())
	}
	expect(t, "descriptors left", countOpen(t, name), 0)
}

func TestDirectRelativePaths(t *testing.T) {
	directory := localDirectory(t)
	q := directQueue(t)
	must(t, os.Mkdir(filepath.Join(directory, "sub"), 0o700))
	must(t, os.WriteFile(filepath.Join(directory, "sub", "file"), []byte("content"), 0o600))
	before, err := os.Getwd()
	must(t, err)
	must(t, os.Chdir(directory))
	defer os.Chdir(before)
	for i := 0; i < 20; i++ {
		for _, name := range []string{"sub/file", "./sub/file", "sub/../sub/file", directory + "//sub/./file", "sub", ".", "", "/",
			"sub/", "sub/..", "sub/file/"} {
			theirs, expected := os.Stat(name)
			ours, err := q.Stat(background, name)
			if expected != nil {
				expect(t, "error of "+name, fmt.Sprint(err), fmt.Sprint(expected))
				continue
			}
			must(t, err)
			expect(t, name, SameFile(ours, theirs), true)
		}
	}
}

func TestDirectAfterClose(t *testing.T) {
	name := filepath.Join(localDirectory(t), "file")
	must(t, os.WriteFile(name, nil, 0o600))
	q := directQueue(t)
	for i := 0; i < 10; i++ {
		_, err := q.Stat(background, name)
		must(t, err)
	}
	f, err := q.Open(background, name)
	must(t, err)
	must(t, q.Close())
	_, err = q.Stat(background, name)
	expectError(t, err, fs.ErrClosed, "stat", name)
	_, err = q.Open(background, name)
	expectError(t, err, fs.ErrClosed, "open", name)
	must(t, f.Close())
}

// An open of a FIFO in such a directory waits for its writer, and can be cancelled.
func TestDirectOpenOfFifo(t *testing.T) {
	directory := localDirectory(t)
	q := directQueue(t)
	fifo := filepath.Join(directory, "fifo")
	must(t, syscall.Mkfifo(fifo, 0o600))
	know := func() {
		for i := 0; i < 5; i++ {
			_, err := q.Stat(background, fifo)
			must(t, err)
		}
	}
	know()
	ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
	defer cancel()
	_, err := q.Open(ctx, fifo)
	expectError(t, err, context.DeadlineExceeded, "open", fifo)
	opened := make(chan error)
	var reader *File
	know()
	go func() {
		var err error
		reader, err = q.Open(background, fifo)
		opened <- err
	}()
	eventually(t, "the reader waits", func() bool { return outstanding(t, q) > 0 })
	select {
	case err := <-opened:
		t.Fatalf("it did not wait for a writer: %v", err)
	default:
	}
	writer, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	must(t, err)
	must(t, <-opened)
	_, err = writer.WriteString("hello")
	must(t, err)
	b := make([]byte, 10)
	n, err := syscall.Read(int(reader.Fd()), b)
	must(t, err)
	expect(t, "through the fifo", string(b[:n]), "hello")
	// The cancelled open may meet this writer, and is then closed.
	eventually(t, "only two ends are open", func() bool { return countOpen(t, fifo) == 2 })
	must(t, reader.Close())
	must(t, writer.Close())
}

// A FUSE that answers after so long, and never of names that begin with hang.
func mountSleepfs(t *testing.T, point string, delay time.Duration) {
	t.Helper()
	program := os.Getenv("AIOC_SLEEPFS")
	if program == "" {
		t.Skip("AIOC_SLEEPFS does not name the program")
	}
	// A thread that waits for it cannot even be killed, and its process keeps the input open: so it ends by itself.
	c := exec.Command("timeout", "-s", "KILL", "60", program, point, fmt.Sprint(delay.Microseconds()))
	input, err := c.StdinPipe()
	must(t, err)
	output, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() {
		input.Close()
		c.Wait()
		syscall.Unmount(point, syscall.MNT_FORCE|2 /* MNT_DETACH */)
	})
	if line, _ := bufio.NewReader(output).ReadString('\n'); !strings.HasPrefix(line, "ready") {
		t.Skip("a FUSE cannot be mounted here")
	}
}

// No goroutine goes there itself.
func TestRemoteIsNeverAskedDirectly(t *testing.T) {
	directory := localDirectory(t)
	q := directQueue(t)
	point := filepath.Join(directory, "mount")
	must(t, os.Mkdir(point, 0o700))
	s := new(seat)
	visit := func() *directoryKnown {
		s.directoryOf(point)
		return s.directoryOf(point)
	}
	if d := visit(); d == nil || !d.whole {
		t.Fatal("the directory is not known to be local")
	}
	mountSleepfs(t, point, time.Millisecond)

	// It has come since: what is known of the directory is old.
	for i := range s.known {
		s.known[i].seen = time.Since(epoch)
	}
	copy(s.path[:], point+"\x00")
	var ret statx
	if err, answered := s.status(false, OpStat, point, &ret); answered {
		t.Errorf("a new mount was asked directly: %v", err)
	}
	s.known = [directoriesKnown]directoryKnown{}
	if visit() != nil {
		t.Error("a directory with a mount in it is thought to be local")
	}

	const rounds = 30
	for _, name := range []string{point, filepath.Join(point, "file"), point + "/../mount/file"} {
		before := submitted(t, q)
		for i := 0; i < rounds; i++ {
			_, err := q.Stat(background, name)
			must(t, err)
			f, err := q.Open(background, name)
			must(t, err)
			must(t, f.Close())
		}
		if n := submitted(t, q) - before; n < 3*rounds {
			t.Errorf("%s: only %d of %d calls were submitted", name, n, 3*rounds)
		}
	}
	// What hangs holds no thread of a goroutine, and its callers go when their time has come.
	threads := countThreads(t)
	var group sync.WaitGroup
	for i := 0; i < 300; i++ {
		name := filepath.Join(point, fmt.Sprint("hang", i))
		group.Add(1)
		go func() {
			defer group.Done()
			for i := 0; i < 3; i++ {
				ctx, cancel := context.WithTimeout(background, 20*time.Millisecond)
				_, err := q.Stat(ctx, name)
				expectError(t, err, context.DeadlineExceeded, "stat", name)
				cancel()
			}
		}()
	}
	group.Wait()
	if n := countThreads(t) - threads; n > 60 {
		t.Errorf("%d threads more", n)
	}
}

// Calls that wait, though the program says that they do not: they hold as many threads as there are seats.
func TestSeatsBoundThreads(t *testing.T) {
	if os.Getenv("AIOC_TEST_ALONE") == "" { // in a process that has no idle threads of other tests
		executable, err := os.Executable()
		must(t, err)
		ctx, cancel := context.WithTimeout(background, time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, executable, "-test.run", "^TestSeatsBoundThreads$", "-test.v")
		c.Env = append(os.Environ(), "AIOC_TEST_ALONE=1")
		output, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %s", err, output)
		} else if !strings.Contains(string(output), "--- PASS") {
			t.Skip(string(output))
		}
		return
	}
	point := t.TempDir()
	mountSleepfs(t, point, 10*time.Millisecond)
	q := newQueue(t, Options{LocalPaths: true, MaxWorkers: 8, Contexts: 2})
	if !q.answersDirectly {
		t.Skip("an engine is forced")
	}
	threads := countThreads(t)
	most := 0
	var group sync.WaitGroup
	for i := 0; i < 200; i++ {
		name := filepath.Join(point, fmt.Sprint(i))
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := q.Stat(background, name); err != nil {
				t.Error(err)
			}
		}()
	}
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	for running := true; running; {
		if n := countThreads(t) - threads; n > most {
			most = n
		}
		select {
		case <-finished:
			running = false
		case <-time.After(time.Millisecond):
		}
	}
	if most < 2*seatsEach {
		t.Errorf("only %d threads more: this shows nothing", most)
	}
	const others = 8 // of Go's own, and workers that end while new ones begin
	if limit := 2*seatsEach + 8 + others; most > limit {
		t.Errorf("%d threads more, not at most %d", most, limit)
	}
	t.Logf("%d threads more", most)
}
