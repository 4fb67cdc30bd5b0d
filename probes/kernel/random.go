package kernel

import (
	"encoding/hex"
	"os"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// sampleBytes is the length of a sample of randomness: never equal by chance.
const sampleBytes = 32

// random draws from the kernel's generator by getrandom(2) and /dev/urandom, and
// reads what else must differ between machines and is often cloned with an image:
// machine-id(5). The samples are used for nothing.
func random(*probes.Context) evidence.Observation {
	values := evidence.Values{}
	sample := make([]byte, sampleBytes)
	// Without GRND_NONBLOCK a guest that never gathers entropy would block for ever.
	n, err := unix.Getrandom(sample, unix.GRND_NONBLOCK)
	if err == nil && n == sampleBytes {
		values["getrandom"] = evidence.Text(hex.EncodeToString(sample))
	}
	device, openErr := os.Open("/dev/urandom")
	if openErr == nil {
		defer func() { _ = device.Close() }()
		if n, readErr := device.Read(sample); readErr == nil && n == sampleBytes {
			values["urandom"] = evidence.Text(hex.EncodeToString(sample))
		}
	}
	if len(values) == 0 {
		if err == nil {
			err = openErr
		}
		if err == nil {
			return evidence.Observation{State: evidence.Failed, Detail: "the kernel gave short samples"}
		}
		return probes.Unreadable(err)
	}
	if id, err := kernfs.Line("/etc/machine-id"); err == nil && id != "" {
		values["machine_id"] = evidence.Text(id)
	}
	return probes.Seen(values)
}
