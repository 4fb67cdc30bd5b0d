package devices

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/kernfs"
	"github.com/katacert/katacert/probes/internal/place"
	"github.com/katacert/katacert/probes/internal/special"
)

const (
	// readWithin bounds the reading of a block device that may hang.
	readWithin = time.Second
	// maxBlocks bounds how many block devices are opened.
	maxBlocks = 32
	// deviceWithin bounds the opening of all of them.
	deviceWithin = time.Second
)

// blockRead tries to read the node's planted block device by its numbers, through
// a node in /dev and through one of its own making, and looks for the token with
// which the device begins.
func blockRead(ctx *probes.Context) evidence.Observation {
	device, ok := parseDevice(ctx.Params[probes.ParamBlockDevice])
	if !ok || ctx.Seek[probes.TokenDevice] == "" {
		return probes.Absent("was not told the numbers of a block device of the node")
	}
	o, ended := bounded.Within(ctx.Scaled(readWithin), func() evidence.Observation { return seekOnBlock(ctx, device) })
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the device did not let itself be read within %v", ctx.Scaled(readWithin))}
	}
	return o
}

func seekOnBlock(ctx *probes.Context, device numbers) evidence.Observation {
	var found, tried []string
	read := func(way string) func(path string) error {
		return func(path string) error {
			begins, err := readToken(path)
			if err == nil && ctx.Find(probes.TokenDevice, begins) {
				found = append(found, way)
			}
			return err
		}
	}
	if path, there := findBlock("/dev", device); there {
		const way = "node in /dev"
		tried = append(tried, way+": "+errnoOf(read(way)(path)))
	}
	const way = "node of its own"
	tried = append(tried, way+": "+errnoOf(special.With(unix.S_IFBLK, device.major, device.minor, read(way))))
	return probes.Seen(evidence.Values{"found": evidence.List(found...), "tried": evidence.List(tried...)})
}

// readToken reads as much as a token from the beginning of a device.
func readToken(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	device := os.NewFile(uintptr(fd), path)
	defer func() { _ = device.Close() }()
	begins := make([]byte, place.TokenBytes)
	if _, err := io.ReadFull(device, begins); err != nil {
		return "", err
	}
	return string(begins), nil
}

// findBlock looks for a block device with these numbers among the entries of a
// folder.
func findBlock(folder string, device numbers) (string, bool) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", false
	}
	for _, entry := range entries {
		var stat unix.Stat_t
		path := folder + "/" + entry.Name()
		if entry.Type()&os.ModeDevice == 0 || unix.Lstat(path, &stat) != nil {
			continue
		}
		if stat.Mode&unix.S_IFMT == unix.S_IFBLK && stat.Rdev == unix.Mkdev(device.major, device.minor) {
			return path, true
		}
	}
	return "", false
}

// blockOpen tries to open, and never to read, each block device that the kernel
// lists here: in a guest these are its own root and data disks, which a tenant
// who opens them changes for the next container (CVE-2020-2023) or for every
// guest of the image (CVE-2026-24834).
func blockOpen(ctx *probes.Context) evidence.Observation {
	table, err := kernfs.Read("/proc/partitions")
	if err != nil {
		return probes.Unreadable(err)
	}
	blocks := parseBlocks(string(table))
	if len(blocks) == 0 {
		return probes.Absent("no block device is visible here")
	}
	o, ended := bounded.Within(ctx.Scaled(deviceWithin), func() evidence.Observation { return openBlocks(blocks) })
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("the devices did not let themselves be opened within %v", ctx.Scaled(deviceWithin))}
	}
	return o
}

func openBlocks(blocks []block) evidence.Observation {
	var opened, refused []string
	values := evidence.Values{}
	if len(blocks) > maxBlocks {
		blocks = blocks[:maxBlocks]
		values["truncated"], values["unsearched"] = evidence.Number(1), evidence.Number(1)
	}
	for _, b := range blocks {
		if err := special.With(unix.S_IFBLK, b.major, b.minor, special.Open); err == nil {
			opened = append(opened, b.name)
		} else {
			refused = append(refused, b.name+" "+errnoOf(err))
		}
	}
	values["opened"], values["refused"] = evidence.List(opened...), evidence.List(refused...)
	return probes.Seen(values)
}

// numbers are those by which the kernel knows a device.
type numbers struct{ major, minor uint32 }

type block struct {
	numbers
	name string
}

// parseBlocks reads major and minor number, size in KiB and name of every block
// device from /proc/partitions (proc_partitions(5)), without those that hold
// nothing.
func parseBlocks(table string) []block {
	var blocks []block
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) != 4 || fields[2] == "0" {
			continue
		}
		if device, ok := parseDevice(fields[0] + ":" + fields[1]); ok {
			blocks = append(blocks, block{device, fields[3]})
		}
	}
	return blocks
}

// parseDevice reads "major:minor".
func parseDevice(text string) (numbers, bool) {
	first, second, _ := strings.Cut(text, ":")
	major, err1 := strconv.ParseUint(first, 10, 12)
	minor, err2 := strconv.ParseUint(second, 10, 20)
	return numbers{uint32(major), uint32(minor)}, err1 == nil && err2 == nil
}

// errnoOf names the error number of an error, or says "done".
func errnoOf(err error) string {
	var errno unix.Errno
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return "failed"
	}
}
