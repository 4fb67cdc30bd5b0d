package kernel

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// bootTimeReadings is how often the two clocks are read; the reading with the
// least delay between them counts.
const bootTimeReadings = 32

// bootTime reads when the kernel booted, in nanoseconds since 1970: the
// difference of CLOCK_REALTIME and CLOCK_BOOTTIME (clock_gettime(2)). It stays
// the same from read to read, but for steps of the wall clock, so two readings
// need not be taken at the same instant to be compared.
func bootTime(*probes.Context) evidence.Observation {
	var (
		narrowest     int64 = math.MaxInt64
		epoch, uptime int64
	)
	for range bootTimeReadings {
		before, err := clock(unix.CLOCK_BOOTTIME)
		if err != nil {
			return probes.Unreadable(fmt.Errorf("read CLOCK_BOOTTIME: %w", err))
		}
		wall, err := clock(unix.CLOCK_REALTIME)
		if err != nil {
			return probes.Unreadable(fmt.Errorf("read CLOCK_REALTIME: %w", err))
		}
		after, err := clock(unix.CLOCK_BOOTTIME)
		if err != nil {
			return probes.Unreadable(fmt.Errorf("read CLOCK_BOOTTIME: %w", err))
		}
		if width := after - before; width >= 0 && width < narrowest {
			narrowest = width
			uptime = before + width/2
			epoch = wall - uptime
		}
	}
	return probes.Seen(evidence.Values{
		"boot_epoch_ns": evidence.Number(epoch),
		"boottime_ns":   evidence.Number(uptime),
	})
}

func clock(id int32) (int64, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(id, &now); err != nil {
		return 0, err
	}
	return now.Nano(), nil
}
