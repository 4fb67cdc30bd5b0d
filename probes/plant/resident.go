package plant

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/listener"
	"github.com/katacert/katacert/probes/internal/place"
)

// residentCommand is the hidden subcommand of a tenant's resident process.
const residentCommand = place.ResidentCommand

// residentTimeToLive is how long the process stays at most; it ends with its pod
// anyway.
const residentTimeToLive = 15 * time.Minute

// residentOrder is what a tenant tells its resident process, by a pipe.
type residentOrder struct {
	// Environ is in the process's environment already.
	Environ  string `json:"-"`
	Memory   string `json:"memory"`
	Listener string `json:"listener"`
	// Secret shows that who asks the listener for its record is the tenant.
	Secret string `json:"secret"`
	// Scale multiplies every bound, the time to live too.
	Scale float64 `json:"scale"`
}

// HoldTenant is the resident process: it keeps a token in a page of its own
// memory and answers at the tenant's port until its pod ends or its time to live
// is over.
func HoldTenant([]string) int {
	var o residentOrder
	if err := json.NewDecoder(io.LimitReader(os.Stdin, maxOrderBytes)).Decode(&o); err != nil {
		return exitUsage
	}
	// An uncapable process that everyone may trace: what protects its memory from
	// others is their sandbox, not its privilege.
	if err := becomeTraceable(); err != nil {
		return exitFailed
	}
	memory, err := keepInMemory(o.Memory)
	if err != nil {
		return exitFailed
	}
	defer func() { _ = unix.Munmap(memory) }()
	// On all addresses: the other tenant calls the pod's.
	scaled := (&probes.Context{TimeoutScale: o.Scale}).Scaled
	service, err := listener.Listen("tcp", fmt.Sprintf(":%d", probes.TenantPort),
		listener.Options{Banner: o.Listener, Key: []byte(o.Secret), Within: scaled(listener.ServeWithin)}, &listener.Record{})
	if err != nil {
		return exitFailed
	}
	defer func() { _ = service.Close() }()
	ready := os.NewFile(readyDescriptor, "ready")
	if _, err := ready.Write([]byte{1}); err != nil {
		return exitFailed
	}
	_ = ready.Close()
	<-time.After(scaled(residentTimeToLive))
	return exitOK
}

// keepInMemory puts the token, behind a mark by which a search recognises it,
// into an anonymous mapping of one page. The pages around it may not be
// accessed, so that the kernel does not merge the mapping with another.
func keepInMemory(token string) ([]byte, error) {
	page := os.Getpagesize()
	memory, err := unix.Mmap(-1, 0, 3*page, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("map a page for the token: %w", err)
	}
	if err := unix.Mprotect(memory[page:2*page], unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil, fmt.Errorf("make the token's page writable: %w", err)
	}
	copy(memory[page:], place.MemoryMark+token)
	return memory, nil
}

// pipeWith returns the reading end of a pipe that holds a message. A message is
// shorter than a pipe's buffer: writing it does not wait.
func pipeWith(message any) (*os.File, error) {
	data, err := json.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("write an order: %w", err)
	}
	reading, writing, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for an order: %w", err)
	}
	_, err = writing.Write(data)
	_ = writing.Close()
	if err != nil {
		_ = reading.Close()
		return nil, fmt.Errorf("write an order: %w", err)
	}
	return reading, nil
}
