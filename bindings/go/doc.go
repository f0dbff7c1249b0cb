// SPDX-License-Identifier: MIT

// Package aioclone runs file operations on libaioclone: what is in memory is answered at once, the rest runs on io_uring
// or on a bounded number of worker threads, however many goroutines wait. It looks like package os, with a
// context.Context.
//
// A goroutine that waits in package os for a file (a cold disk, a network mount, FUSE) holds an operating system
// thread; ten thousand of them hold ten thousand. Here they hold none. A context that ends abandons the wait and cancels
// the request: an open of a dead mount returns when its deadline has passed.
//
// # Queues
//
// A Queue is what the C library calls a context: engines, workers and limits of its own. The functions of the package
// use Default. Each Queue has as many contexts of the library as processors run goroutines, at most 16, so that
// these do not contend.
//
// # Cancellation
//
// When the context of a call ends before the operation, the operation is cancelled and the call returns a
// *fs.PathError with the context's error. What cannot be stopped (a write that runs) goes on; its outcome is
// unknown to the caller, and its memory is given back when it has ended. A descriptor that a cancelled open obtained
// is closed. A goroutine that asks a local disk itself (docs/go.md, "Who waits") waits for that disk, whatever its
// context says; at most 4 for each context of the library do so.
//
// # Errors
//
// As in package os: *fs.PathError around a syscall.Errno, so that errors.Is(err, fs.ErrNotExist) works. io.EOF at the
// end of a file. fs.ErrClosed from a closed File or Queue.
//
// # Memory
//
// C keeps no pointer of Go's. Data is copied between the caller's slice and memory of C's, which is pooled;
// transfers of more than 1 MiB are made in pieces. That memory begins at the start of a page, so O_DIRECT needs
// only its offset and length to be aligned.
//
// # Building
//
// The package needs cgo, a C compiler, pkg-config and libaioclone (libaioclone-dev). With CGO_ENABLED=0, and on systems
// other than Linux, the build stops with a name that says so: there is no silent fallback to threads without
// bound.
package aioclone
