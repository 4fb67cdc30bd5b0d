package keys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAddFindRemove(t *testing.T) {
	description := fmt.Sprintf("katacert-test-%d", time.Now().UnixNano())
	serial, err := Add(description, "the payload", time.Minute)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		t.Skipf("the key service may not be used here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	removed := false
	defer func() {
		if !removed {
			_ = Remove(serial)
		}
	}()
	mine := func(d string) bool { return d == description }
	if found, err := Described(mine); err != nil || !slices.Equal(found, []int{serial}) {
		t.Errorf("found %v, %v; want %d", found, err, serial)
	}
	if got, err := Payload(serial); err != nil || got != "the payload" {
		t.Errorf("payload %q, %v", got, err)
	}
	if visible, err := Visible(); err == nil && !slices.Contains(visible, serial) {
		t.Errorf("/proc/keys does not show %d among %v", serial, visible)
	}
	if err := Remove(serial); err != nil {
		t.Fatal(err)
	}
	removed = true
	if found, err := Described(mine); err != nil || len(found) > 0 {
		t.Errorf("after its removal found %v, %v", found, err)
	}
	if got, err := Payload(serial); err == nil {
		t.Errorf("after its removal the payload is %q", got)
	}
}

func TestParseVisible(t *testing.T) {
	const table = `013a22b2 I------     1 perm 1f030000     0     0 keyring   .dns_resolver: empty
06c6b4af I--Q---     2 perm 1f3f0000     0 65534 keyring   _uid.0: empty
1a2b3c4d I--Q---     1   5m 3f3f0000     0     0 user      katacert-x: 64
ffffffffff I--Q---   1   5m 3f3f0000     0     0 user      too-long: 64
not a key
`
	if got := parseVisible(table); !slices.Equal(got, []int{0x1a2b3c4d}) {
		t.Errorf("got %x", got)
	}
}

func TestParseSerials(t *testing.T) {
	data := binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 7), 0x3fffffff)
	if got := parseSerials(append(data, 1, 2)); !slices.Equal(got, []int{7, 0x3fffffff}) {
		t.Errorf("got %v", got)
	}
}
