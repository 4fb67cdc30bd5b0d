// Package keys uses the kernel's key service (keyrings(7)). Its keyrings of users
// belong to a user namespace and to no other namespace: containers that share the
// node's user namespace share the keyrings of its users.
package keys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	// maxPayload bounds what is read of a key, in bytes.
	maxPayload = 256
	// maxKeys bounds how many keys are read from a keyring or from /proc/keys.
	maxKeys = 256
	// openToUser lets every process of the key's user view, read, search, write,
	// link and change it, whether or not it possesses it (KEY_USR_ALL, KEY_POS_ALL
	// of linux/key.h).
	openToUser = 0x3f3f0000
)

// Add puts a key of type user into the keyring of the calling user, readable by
// every process of that user, and returns its serial number. The kernel takes it
// away after timeToLive, whatever becomes of the caller.
func Add(description, payload string, timeToLive time.Duration) (int, error) {
	// Only who possesses a key may widen its permissions, and containers' session
	// keyrings do not lead to the user's. The thread's own keyring does, for as
	// long as this takes.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, err := unix.KeyctlInt(unix.KEYCTL_LINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING, 0, 0); err != nil {
		return 0, fmt.Errorf("possess the user's keyring: %w", err)
	}
	defer func() {
		// Left linked, it ends with the thread.
		_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
	}()
	serial, err := unix.AddKey("user", description, []byte(payload), unix.KEY_SPEC_USER_KEYRING)
	if err != nil {
		return 0, fmt.Errorf("add a key to the user's keyring: %w", err)
	}
	if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, int(timeToLive.Seconds()), 0, 0); err != nil {
		return 0, errors.Join(fmt.Errorf("bound the life of key %d: %w", serial, err), Remove(serial))
	}
	if err := unix.KeyctlSetperm(serial, openToUser); err != nil {
		return 0, errors.Join(fmt.Errorf("let the user's processes read key %d: %w", serial, err), Remove(serial))
	}
	return serial, nil
}

// Remove takes a key out of the user's keyring and lets the kernel forget it.
func Remove(serial int) error {
	_, unlinked := unix.KeyctlInt(unix.KEYCTL_UNLINK, serial, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	_, forgotten := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, serial, 0, 0, 0)
	if err := errors.Join(unlinked, forgotten); err != nil {
		return fmt.Errorf("remove key %d: %w", serial, err)
	}
	return nil
}

// Described lists the serial numbers of the keys in the user's keyring whose
// description is accepted.
func Described(accept func(description string) bool) ([]int, error) {
	serials, err := List(unix.KEY_SPEC_USER_KEYRING)
	if err != nil {
		return nil, err
	}
	var found []int
	for _, serial := range serials {
		// "type;uid;gid;perm;description"; keys that expired meanwhile have none.
		text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, serial)
		if err != nil {
			continue
		}
		if fields := strings.SplitN(text, ";", 5); len(fields) == 5 && accept(fields[4]) {
			found = append(found, serial)
		}
	}
	return found, nil
}

// List returns the serial numbers of the keys in a keyring, which may be one of
// the kernel's special numbers.
func List(keyring int) ([]int, error) {
	serials := make([]byte, 4*maxKeys)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, keyring, serials, 0)
	if err != nil {
		return nil, fmt.Errorf("read keyring %d: %w", keyring, err)
	}
	return parseSerials(serials[:min(n, len(serials))]), nil
}

// parseSerials reads 32-bit numbers of the machine's own order.
func parseSerials(data []byte) []int {
	var serials []int
	for ; len(data) >= 4; data = data[4:] {
		serials = append(serials, int(int32(binary.NativeEndian.Uint32(data))))
	}
	return serials
}

// Payload returns what a key holds, up to a bound.
func Payload(serial int) (string, error) {
	payload := make([]byte, maxPayload)
	n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, serial, payload, 0)
	if err != nil {
		return "", fmt.Errorf("read key %d: %w", serial, err)
	}
	return string(payload[:min(n, maxPayload)]), nil
}

// Visible lists the serial numbers in /proc/keys, which shows the keys that the
// reader may view.
func Visible() ([]int, error) {
	table, err := kernfs.Read("/proc/keys")
	if err != nil {
		return nil, err
	}
	return parseVisible(string(table)), nil
}

// parseVisible reads the serial numbers, in hexadecimal, that begin the lines of
// /proc/keys, of keys of type user only.
func parseVisible(table string) []int {
	var serials []int
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 8 || fields[7] != "user" || len(serials) == maxKeys {
			continue
		}
		if serial, err := strconv.ParseUint(fields[0], 16, 31); err == nil {
			serials = append(serials, int(serial))
		}
	}
	return serials
}
