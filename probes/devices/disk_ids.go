package devices

import (
	"os"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

const (
	sysBlock = "/sys/block"
	byUUID   = "/dev/disk/by-uuid"
	// shortestID is the least number of characters for which two devices with
	// the same id are taken for the same device.
	shortestID = 6
)

// idFiles are where drivers show what identifies a disk, below /sys/block/<disk>.
var idFiles = []struct{ kind, file string }{
	{"serial", "serial"},        // virtio-blk
	{"serial", "device/serial"}, // NVMe, MMC
	{"wwid", "wwid"},            // NVMe namespaces
	{"wwid", "device/wwid"},     // SCSI
	{"uuid", "dm/uuid"},         // device mapper
}

// diskIDs lists what identifies disks and the file systems on them world-wide:
// "serial:…", "wwid:…", "uuid:…", and "fs-uuid:…" of file systems.
func diskIDs(ctx *probes.Context) evidence.Observation {
	disks, err := os.ReadDir(sysBlock)
	if err != nil {
		return probes.Unreadable(err)
	}
	// The file system UUIDs are links that udev makes in the node's /dev. They
	// have a name of their own because a container has that directory only where
	// somebody hands it out.
	fileSystems, _ := os.ReadDir(kernfs.Below(ctx.HostRoot, byUUID))
	if len(disks) == 0 && len(fileSystems) == 0 {
		return probes.Absent("%s lists no disks", sysBlock)
	}
	var ids []string
	for _, disk := range disks {
		for _, id := range idFiles {
			value, err := kernfs.Line(sysBlock + "/" + disk.Name() + "/" + id.file)
			if err == nil && identifies(value) {
				ids = append(ids, id.kind+":"+value)
			}
		}
	}
	for _, fileSystem := range fileSystems {
		if identifies(fileSystem.Name()) {
			ids = append(ids, evidence.FileSystemUUID+fileSystem.Name())
		}
	}
	return probes.Seen(evidence.Values{"ids": evidence.List(ids...)})
}

// identifies refuses ids that are too short or only zeros, which many devices
// have in common.
func identifies(id string) bool {
	return len(id) >= shortestID && strings.Trim(id, "0-. ") != ""
}
