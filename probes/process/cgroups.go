package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/cgroups"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// madeCgroups is how many cgroups the witness makes: more than twice what a busy node,
// the pods of which start and end, makes or removes between two rounds, and a number
// nobody makes by habit. They are empty, and no controller is enabled for them in
// version 2.
const madeCgroups = 103

// quietFirst orders the controllers by how steady their number of cgroups is, and
// those before others that kernels in user space have too (gVisor has no freezer).
// The memory controller comes last: it counts removed cgroups for as long as
// any of their pages is in use.
var quietFirst = []string{"pids", "devices", "cpuacct", "freezer", "cpu", "blkio", "io", "net_cls", "perf_event", "hugetlb", "cpuset", "memory"}

// countCgroups reads how many cgroups the kernel has, by controller.
func countCgroups(*probes.Context) evidence.Observation {
	values, err := readCgroupCounts()
	if err != nil {
		return probes.Unreadable(err)
	}
	if len(values) == 0 {
		return probes.Absent("/proc/cgroups lists no enabled controller")
	}
	return probes.Seen(values)
}

func readCgroupCounts() (evidence.Values, error) {
	table, err := kernfs.Read("/proc/cgroups")
	if err != nil {
		return nil, err
	}
	return parseCgroupCounts(table), nil
}

// parseCgroupCounts reads lines "name hierarchy num_cgroups enabled" (cgroups(7)).
func parseCgroupCounts(table []byte) evidence.Values {
	values := evidence.Values{}
	for line := range bytes.Lines(table) {
		fields := strings.Fields(string(line))
		if len(fields) != 4 || strings.HasPrefix(fields[0], "#") || fields[3] != "1" {
			continue
		}
		if count, err := strconv.ParseInt(fields[2], 10, 64); err == nil {
			values["num_"+fields[0]] = evidence.Number(count)
		}
	}
	return values
}

// changeCgroups makes the node's number of cgroups jump in the act round and
// takes the cgroups away in the settle round. They lie below the witness's own
// cgroup, which the container runtime removes with all that is in it, should
// the settle round never come.
func changeCgroups(ctx *probes.Context) evidence.Observation {
	own, err := cgroups.OfSelf()
	if err != nil {
		return probes.Unreadable(err)
	}
	left, removeErr := removeOwnCgroups(ctx.Run, own)
	if ctx.Round == evidence.Settle {
		return settledCgroups(left, removeErr)
	}
	if removeErr != nil {
		return probes.Unreadable(removeErr)
	}
	failures := errors.New("no cgroup file system shows the witness's own cgroup")
	if len(own) > 0 {
		failures = nil
	}
	slices.SortStableFunc(own, func(a, b cgroups.Own) int { return quietness(a) - quietness(b) })
	for _, o := range own {
		values, err := makeCgroups(ctx.Run, o)
		if err == nil {
			return probes.Seen(values)
		}
		failures = errors.Join(failures, err)
	}
	return probes.Unreadable(failures)
}

// quietness is the place of a hierarchy's steadiest controller in quietFirst. One
// of version 2 has no controllers of its own and comes first.
func quietness(own cgroups.Own) int {
	if len(own.Controllers) == 0 {
		return 0
	}
	at := slices.IndexFunc(quietFirst, func(name string) bool { return slices.Contains(own.Controllers, name) })
	if at < 0 {
		return len(quietFirst)
	}
	return at
}

// makeCgroups makes the cgroups in one hierarchy and reads the counts after; it
// undoes that and fails if no count followed.
func makeCgroups(run string, own cgroups.Own) (evidence.Values, error) {
	before, err := readCgroupCounts()
	if err != nil {
		return nil, err
	}
	for number := range madeCgroups {
		if err := os.Mkdir(filepath.Join(own.Dir, cgroups.Name(run, number)), 0o755); err != nil {
			_, removeErr := removeOwnCgroups(run, []cgroups.Own{own})
			return nil, errors.Join(err, removeErr)
		}
	}
	values, err := readCgroupCounts()
	if err == nil {
		if controller, ok := followed(before, values, own.Controllers); ok {
			values["hierarchy"] = evidence.Text(controller)
			values["created"] = evidence.Number(madeCgroups)
			return values, nil
		}
		err = fmt.Errorf("no count of /proc/cgroups followed %d cgroups made in %s", madeCgroups, own.Dir)
	}
	_, removeErr := removeOwnCgroups(run, []cgroups.Own{own})
	return nil, errors.Join(err, removeErr)
}

// followed picks the steadiest of the controllers whose count went up by what
// was made; without controllers (version 2) every one is considered.
func followed(before, after evidence.Values, controllers []string) (string, bool) {
	for _, controller := range quietFirst {
		if len(controllers) > 0 && !slices.Contains(controllers, controller) {
			continue
		}
		was, ok := before.Number("num_" + controller)
		now, _ := after.Number("num_" + controller)
		if ok && now-was >= madeCgroups {
			return controller, true
		}
	}
	return "", false
}

func settledCgroups(left []string, err error) evidence.Observation {
	values, countErr := readCgroupCounts()
	if countErr != nil {
		return probes.Unreadable(countErr)
	}
	values["left"] = evidence.List(left...)
	o := probes.Seen(values)
	if err != nil {
		o.Detail = err.Error()
	}
	return o
}

// removeOwnCgroups removes the run's cgroups and returns those that are still
// there.
func removeOwnCgroups(run string, own []cgroups.Own) (left []string, err error) {
	for _, o := range own {
		for number := range madeCgroups {
			dir := filepath.Join(o.Dir, cgroups.Name(run, number))
			// rmdir(2) is how a cgroup is removed; its files go with it.
			if failure := os.Remove(dir); failure != nil && !errors.Is(failure, fs.ErrNotExist) {
				left = append(left, dir)
				err = errors.Join(err, failure)
			}
		}
	}
	return left, err
}
