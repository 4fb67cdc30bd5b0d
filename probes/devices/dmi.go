package devices

import (
	"errors"
	"os"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const dmiID = "/sys/class/dmi/id"

// dmi reads what the firmware says of the machine
// (Documentation/ABI/testing/sysfs-firmware-dmi-tables).
func dmi(*probes.Context) evidence.Observation {
	if _, err := os.Stat(dmiID); err != nil {
		return probes.Unreadable(err)
	}
	values := evidence.Values{}
	var refused error
	for _, name := range []string{"product_uuid", "product_serial", "board_serial", "chassis_serial", "product_name", "sys_vendor"} {
		value, err := kernfs.Line(dmiID + "/" + name)
		switch {
		case err == nil:
			values[name] = evidence.Text(value)
		case !errors.Is(err, os.ErrNotExist):
			refused = err
		}
	}
	if len(values) == 0 && refused != nil {
		return probes.Unreadable(refused)
	}
	return probes.Seen(values)
}
