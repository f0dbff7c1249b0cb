// SPDX-License-Identifier: MIT

// Command bench compares this package with package os and goroutines, in one run: their rounds alternate.
//
//	go run libaio-clone.org/go/aioclone/bench [-files N] [-outstanding N] [-rounds N] [-seconds S] [-directory DIR]
//	    [-slow MOUNT] [-workloads a,b]
//
// For each workload and subject it prints medians of operations a second and of the process's CPU time an operation, the
// lowest and highest rate, the most threads that the process had, and the ratio to package os. With -slow it opens and
// reads files of a mount on which that takes long (a FUSE with 5 ms latency: see the README) with 1000
// goroutines. -goals makes it fail when a goal is missed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"libaio-clone.org/go/aioclone"
)

var (
	files       = flag.Int("files", 20000, "number of small files")
	outstanding = flag.Int("outstanding", 64, "goroutines")
	rounds      = flag.Int("rounds", 5, "rounds of each subject")
	seconds     = flag.Float64("seconds", 0.3, "length of a round")
	directory   = flag.String("directory", "", "where the files are made (default: a temporary directory)")
	slow        = flag.String("slow", "", "a mount point of slow files")
	workloads   = flag.String("workloads", "", "only these, separated by commas")
	goals       = flag.Bool("goals", false, "fail when a goal is missed")
)

// A subject does operations number i, i+1 ... until it has done as many as it is asked for.
type subject struct {
	name string
	do   func(i, count int)
	goal float64 // its least ratio to the first
}

type workload struct {
	name     string
	chunk    int // operations at a time
	routines int
	subjects []subject
}

type record struct{ rate, cpu, threads []float64 }

func main() {
	flag.Parse()
	dir := *directory
	if dir == "" {
		var err error
		dir, err = os.MkdirTemp("", "aioclone-bench-")
		check(err)
		defer os.RemoveAll(dir)
	}
	missed := false
	fmt.Printf("%-12s %-24s %12s %9s %8s %8s  %s\n", "workload", "subject", "ops/s", "CPU ns", "threads", "ratio",
		"lowest..highest")
	for _, w := range plan(dir) {
		if *workloads != "" && !strings.Contains(","+*workloads+",", ","+w.name+",") {
			continue
		}
		missed = w.run() || missed
	}
	if missed && *goals {
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func plan(dir string) []workload {
	ctx := context.Background()
	paths := makeFiles(dir)
	local, err := aioclone.New(aioclone.Options{LocalPaths: true})
	check(err)
	large := filepath.Join(dir, "large")
	const largeBytes = 1 << 20
	check(os.WriteFile(large, make([]byte, largeBytes), 0o600))
	osFile, err := os.Open(large)
	check(err)
	ourFile, err := aioclone.Open(ctx, large)
	check(err)
	buffers := sync.Pool{New: func() any { b := make([]byte, 4096); return &b }}
	read := func(at func([]byte, int64) (int, error)) func(int, int) {
		return func(i, count int) {
			b := buffers.Get().(*[]byte)
			for ; count > 0; i, count = i+1, count-1 {
				_, err := at(*b, int64(i%(largeBytes/4096))*4096)
				check(err)
			}
			buffers.Put(b)
		}
	}
	each := func(do func(path string) error) func(int, int) {
		return func(i, count int) {
			for ; count > 0; i, count = i+1, count-1 {
				check(do(paths[i%len(paths)]))
			}
		}
	}
	all := func(q *aioclone.Queue) func(int, int) {
		return func(i, count int) {
			i %= len(paths)
			if i+count > len(paths) {
				i = len(paths) - count
			}
			for _, r := range q.StatAll(ctx, paths[i:i+count]) {
				check(r.Err)
			}
		}
	}
	ours := aioclone.Default()
	statAllChunk := 5000
	if statAllChunk > len(paths) {
		statAllChunk = len(paths)
	}
	plan := []workload{
		{"nop", 64, *outstanding, []subject{
			{"os: getppid", func(i, count int) {
				for ; count > 0; count-- {
					syscall.Getppid()
				}
			}, 0},
			{"aioclone", func(i, count int) {
				for ; count > 0; count-- {
					check(ours.Nop(ctx))
				}
			}, 0},
		}},
		{"stat", 64, *outstanding, []subject{
			{"os", each(func(p string) error { _, err := os.Stat(p); return err }), 0},
			{"aioclone", each(func(p string) error { _, err := aioclone.Stat(ctx, p); return err }), 1},
			{"aioclone, LocalPaths", each(func(p string) error { _, err := local.Stat(ctx, p); return err }), 1},
		}},
		{"stat-all", statAllChunk, 1, []subject{
			{"os", concurrently(each(func(p string) error { _, err := os.Stat(p); return err })), 0},
			{"aioclone", all(ours), 0},
			{"aioclone, LocalPaths", all(local), 1},
		}},
		{"read-4k", 64, *outstanding, []subject{
			{"os", read(osFile.ReadAt), 0},
			{"aioclone", read(ourFile.ReadAt), 1},
		}},
		{"read-file", 16, *outstanding, []subject{
			{"os", each(func(p string) error { _, err := os.ReadFile(p); return err }), 0},
			{"aioclone", each(func(p string) error { _, err := aioclone.ReadFile(ctx, p); return err }), 1},
			{"aioclone, LocalPaths", each(func(p string) error { _, err := local.ReadFile(ctx, p); return err }), 1},
		}},
	}
	if *slow != "" {
		plan = append(plan, slowWorkload())
	}
	return plan
}

// As many at a time as the batches have outstanding.
func concurrently(do func(int, int)) func(int, int) {
	return func(i, count int) {
		var next int64
		var group sync.WaitGroup
		for n := 0; n < *outstanding; n++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for {
					at := int(atomic.AddInt64(&next, 16)) - 16
					if at >= count {
						return
					}
					part := 16
					if at+part > count {
						part = count - at
					}
					do(i+at, part)
				}
			}()
		}
		group.Wait()
	}
}

// What waits for a device: its rate is that of the device, and the threads are what counts.
func slowWorkload() workload {
	const routines = 1000
	entries, _ := os.ReadDir(*slow)
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, filepath.Join(*slow, e.Name()))
		}
	}
	if len(names) == 0 { // a FUSE in which every name is a file, as tests/support/sleepfs
		for i := 0; i < 1000; i++ {
			names = append(names, filepath.Join(*slow, fmt.Sprint("file", i)))
		}
	}
	_, err := os.Stat(names[0])
	check(err)
	ctx := context.Background()
	each := func(do func(string) error) func(int, int) {
		return func(i, count int) {
			for ; count > 0; i, count = i+1, count-1 {
				check(do(names[i%len(names)]))
			}
		}
	}
	many, err := aioclone.New(aioclone.Options{MaxWorkers: 100, DeviceWorkers: 100})
	check(err)
	return workload{"slow-stat", 1, routines, []subject{
		{"aioclone", each(func(p string) error { _, err := aioclone.Stat(ctx, p); return err }), 0},
		{"aioclone, MaxWorkers 100", each(func(p string) error { _, err := many.Stat(ctx, p); return err }), 0},
		{"os", each(func(p string) error { _, err := os.Stat(p); return err }), 0},
	}}
}

func (w *workload) run() (missed bool) {
	records := make([]record, len(w.subjects))
	if strings.HasPrefix(w.name, "slow") { // one after the other: the threads of package os never end
		for i := range w.subjects {
			for round := 0; round < *rounds; round++ {
				w.measure(&w.subjects[i], &records[i])
			}
		}
	} else {
		for i := range w.subjects {
			w.measure(&w.subjects[i], nil) // warms up
		}
		for round := 0; round < *rounds*len(w.subjects); round++ {
			at := (round + round/len(w.subjects)) % len(w.subjects)
			w.measure(&w.subjects[at], &records[at])
		}
	}
	first := median(records[0].rate)
	for i, s := range w.subjects {
		r := &records[i]
		ratio := median(r.rate) / first
		note := ""
		if s.goal > 0 && ratio < s.goal {
			note = fmt.Sprintf("  (goal: %.2g)", s.goal)
			missed = true
		}
		sort.Float64s(r.rate)
		fmt.Printf("%-12s %-24s %12.0f %9.0f %8.0f %8.2f  %.0fk..%.0fk%s\n", w.name, s.name, median(r.rate), median(r.cpu),
			r.threads[len(r.threads)-1], ratio, r.rate[0]/1e3, r.rate[len(r.rate)-1]/1e3, note)
	}
	fmt.Println()
	return missed
}

// One round.
func (w *workload) measure(s *subject, to *record) {
	var done int64
	var group sync.WaitGroup
	begun, cpu := time.Now(), cpuTime()
	end := begun.Add(time.Duration(*seconds * float64(time.Second)))
	most := int64(threads())
	for n := 0; n < w.routines; n++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Now().Before(end) {
				at := atomic.AddInt64(&done, int64(w.chunk)) - int64(w.chunk)
				s.do(int(at), w.chunk)
			}
		}()
	}
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	for running := true; running; {
		select {
		case <-finished:
			running = false
		case <-time.After(20 * time.Millisecond):
			if n := int64(threads()); n > most {
				most = n
			}
		}
	}
	elapsed := time.Since(begun).Seconds()
	if to != nil {
		to.rate = append(to.rate, float64(done)/elapsed)
		to.cpu = append(to.cpu, float64(cpuTime()-cpu)/float64(done))
		to.threads = append(to.threads, float64(most))
	}
}

// Of the process, with its workers; nanoseconds.
func cpuTime() int64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func threads() int {
	tasks, err := os.ReadDir("/proc/self/task")
	check(err)
	return len(tasks)
}

func median(values []float64) float64 {
	sorted := append([]float64(nil), values...)
	sort.Float64s(sorted)
	return sorted[len(sorted)/2]
}

func makeFiles(dir string) []string {
	paths := make([]string, *files)
	content := []byte(strings.Repeat("sixteen bytes..\n", 64))
	for i := range paths {
		sub := filepath.Join(dir, fmt.Sprint(i/1000))
		if i%1000 == 0 {
			check(os.MkdirAll(sub, 0o700))
		}
		paths[i] = filepath.Join(sub, fmt.Sprint(i))
		check(os.WriteFile(paths[i], content, 0o600))
	}
	return paths
}
