// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Children: they end with status 0 if all is well, and say on their standard error what is not.
func init() {
	children["setuid"] = setuidChild
	children["interrupted"] = interruptedChild
	children["killed"] = killedChild
	children["exits"] = func() { openMany(os.Getenv("AIOC_TEST_FIFO")); os.Exit(7) }
	children["returns"] = func() { openMany(os.Getenv("AIOC_TEST_FIFO")) }
	children["panics"] = func() { openMany(os.Getenv("AIOC_TEST_FIFO")); panic("on purpose") }
}

func childFails(format string, more ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", more...)
	os.Exit(1)
}

// After setuid no request runs with the old rights, on no engine.
func setuidChild() {
	secret := os.Getenv("AIOC_TEST_SECRET")
	q, err := New(Options{})
	if err != nil {
		childFails("%v", err)
	}
	for i := 0; i < 50; i++ { // workers and rings there are
		if data, err := q.ReadFile(background, secret); err != nil || string(data) != "secret" {
			childFails("root reads %q, %v", data, err)
		}
	}
	const nobody = 65534
	if err := syscall.Setgroups(nil); err != nil {
		childFails("setgroups: %v", err)
	}
	if err := syscall.Setgid(nobody); err != nil {
		childFails("setgid: %v", err)
	}
	if err := syscall.Setuid(nobody); err != nil {
		childFails("setuid: %v", err)
	}
	errs := make(chan error)
	for i := 0; i < 200; i++ {
		go func() {
			_, err := q.ReadFile(background, secret)
			if !errors.Is(err, fs.ErrPermission) {
				err = fmt.Errorf("after setuid: %v", err)
			} else {
				err = nil
			}
			errs <- err
		}()
	}
	for i := 0; i < 200; i++ {
		if err := <-errs; err != nil {
			childFails("%v", err)
		}
	}
	if _, err := q.Stat(background, "/etc/passwd"); err != nil {
		childFails("%v", err)
	}
}

func TestSetuid(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can")
	}
	directory, err := os.MkdirTemp("/tmp", "aioclone-setuid-")
	must(t, err)
	defer os.RemoveAll(directory)
	must(t, os.Chmod(directory, 0o755))
	secret := filepath.Join(directory, "secret")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	for _, engine := range []string{"", "workers", "inline"} {
		must(t, childCommand(t, "setuid", "AIOC_TEST_SECRET="+secret, "AIOC_ENGINE="+engine).Run())
	}
}

// Ctrl-C while a call waits: the program's handler runs, and ends the wait through the context.
func interruptedChild() {
	ctx, stop := signal.NotifyContext(background, os.Interrupt)
	defer stop()
	fmt.Println("ready")
	_, err := Open(ctx, os.Getenv("AIOC_TEST_FIFO"))
	if !errors.Is(err, context.Canceled) {
		childFails("%v", err)
	}
}

func killedChild() {
	fmt.Println("ready")
	_, err := Open(background, os.Getenv("AIOC_TEST_FIFO"))
	childFails("%v", err)
}

func TestSignals(t *testing.T) {
	fifo := makeFifo(t)
	for child, expected := range map[string]syscall.Signal{"interrupted": 0, "killed": syscall.SIGINT} {
		c := childCommand(t, child, "AIOC_TEST_FIFO="+fifo)
		out, err := c.StdoutPipe()
		must(t, err)
		must(t, c.Start())
		_, err = bufio.NewReader(out).ReadString('\n')
		must(t, err)
		time.Sleep(20 * time.Millisecond) // it may be before or in the wait: both end
		must(t, c.Process.Signal(os.Interrupt))
		c.Wait()
		status := c.ProcessState.Sys().(syscall.WaitStatus)
		if expected == 0 && !c.ProcessState.Success() {
			t.Errorf("%s: %v", child, c.ProcessState)
		} else if expected != 0 && status.Signal() != expected {
			t.Errorf("%s: %v", child, c.ProcessState)
		}
	}
}

func openMany(fifo string) {
	const many = 100
	for i := 0; i < many; i++ {
		go Open(background, fifo)
	}
	for s, _ := Default().Statistics(); s.Outstanding < many; s, _ = Default().Statistics() {
	}
}

// The process ends with requests outstanding, in each way.
func TestExit(t *testing.T) {
	fifo := makeFifo(t)
	for child, expected := range map[string]int{"exits": 7, "returns": 0, "panics": 2} {
		c := childCommand(t, child, "AIOC_TEST_FIFO="+fifo)
		var said bytes.Buffer
		c.Stderr = &said
		c.Run()
		if c.ProcessState.ExitCode() != expected {
			t.Errorf("%s: %v\n%s", child, c.ProcessState, &said)
		}
	}
}
