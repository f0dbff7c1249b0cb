// SPDX-License-Identifier: MIT

//go:build linux && cgo

package aioclone

import (
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// What is mounted, from /proc/self/mountinfo, which never asks a file system (statfs(2) does: it hangs on a dead server).

// A call by path on these waits for nothing but their own disk: what the library's inline engine counts as local.
var localTypes = map[string]bool{
	"ext4": true, "ext3": true, "ext2": true, "xfs": true, "btrfs": true, "f2fs": true, "jfs": true, "vfat": true,
	"exfat": true, "erofs": true, "squashfs": true, "iso9660": true, "bcachefs": true, "tmpfs": true, "ramfs": true,
}

type mount struct {
	id, parent   uint64
	major, minor uint32
	point        string
	local        bool
	// So is every mount that a path to it crosses: a lookup there waits for nobody else either.
	reached bool
}

type mountTable struct {
	lock   sync.Mutex
	file   *os.File // of /proc/self/mountinfo; nil: there is none
	opened bool
	mounts map[uint64]*mount
	// Directories in which something is mounted that is not local.
	above map[string]bool
}

var mounts mountTable

// Its descriptor tells of changes, poll(2), so it stays open.
func (t *mountTable) open() {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.opened {
		return
	}
	t.opened = true
	fd, err := syscall.Open("/proc/self/mountinfo", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err == nil {
		t.file = os.NewFile(uintptr(fd), "/proc/self/mountinfo")
		t.load()
	}
}

type pollFD struct {
	fd              int32
	events, revents int16
}

func (t *mountTable) changed() bool {
	const priority, failed = 0x2, 0x8
	p := pollFD{fd: int32(t.file.Fd()), events: priority}
	now := syscall.Timespec{}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&now)), 0, 0, 0)
	return errno != 0 || n > 0 && p.revents&(priority|failed) != 0
}

func (t *mountTable) load() {
	var text []byte
	for {
		b := make([]byte, 32<<10)
		n, err := syscall.Pread(int(t.file.Fd()), b, int64(len(text)))
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			text = nil
		}
		if n <= 0 {
			break
		}
		text = append(text, b[:n]...)
	}
	t.parse(string(text))
}

// Lines of proc_pid_mountinfo(5): id parent major:minor root point options [fields] - type source options
func (t *mountTable) parse(text string) {
	t.mounts, t.above = map[uint64]*mount{}, map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		before, after, found := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !found || len(fields) < 6 {
			continue
		}
		m := &mount{point: unescape(fields[4])}
		kind, _, _ := strings.Cut(after, " ")
		m.local = localTypes[kind]
		m.id, _ = strconv.ParseUint(fields[0], 10, 64)
		m.parent, _ = strconv.ParseUint(fields[1], 10, 64)
		major, minor, _ := strings.Cut(fields[2], ":")
		m.major, m.minor = number(major), number(minor)
		t.mounts[m.id] = m
		if !m.local {
			t.above[path.Dir(m.point)] = true
		}
	}
	for _, m := range t.mounts {
		m.reached = t.isReached(m)
	}
}

func number(text string) uint32 {
	n, _ := strconv.ParseUint(text, 10, 32)
	return uint32(n)
}

// The root's own parent is not in the table.
func (t *mountTable) isReached(m *mount) bool {
	for steps := 0; steps <= len(t.mounts); steps++ {
		if !m.local {
			return false
		}
		parent := t.mounts[m.parent]
		if parent == nil || parent == m {
			return true
		}
		m = parent
	}
	return false
}

// Blanks and the like are three octal digits there.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// Is the directory, of which this is the status, on a local mount that is reached by local ones? Whole: and it is sure
// that nothing else is mounted in it. A relative path does not tell.
func (t *mountTable) isLocal(directory string, s *statxSpace) (local, whole bool) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.file == nil {
		return false, false
	}
	if t.changed() {
		t.load()
	}
	return t.judge(directory, s)
}

// The id could have been reused, so the device must fit. A btrfs subvolume has a device of its own.
func (t *mountTable) judge(directory string, s *statxSpace) (local, whole bool) {
	m := t.mounts[s.mountID]
	if s.mask&statxMountID == 0 || m == nil || !m.reached ||
		(m.major != s.devMajor || m.minor != s.devMinor) && s.devMajor != 0 {
		return false, false
	}
	if !strings.HasPrefix(directory, "/") {
		return true, false
	}
	whole = !t.above[path.Clean(directory)]
	return whole, whole
}
