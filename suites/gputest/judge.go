package gputest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// Control is one thing that must hold of a GPU at every place.
type Control struct {
	ID, Title string
	judge     func(Recorded, Place) judge.Verdict
}

// Judge judges the control at one place.
func (c Control) Judge(r Recorded, p Place) judge.Verdict { return c.judge(r, p) }

// Controls lists them as the tables show them.
func Controls() []Control {
	return []Control{
		{"gpu-allocation", "the GPUs that were given are seen, and no others", allocation},
		{"gpu-driver-identity", "management library, CUDA and kernel module speak of the same GPUs and driver", identity},
		{"gpu-compute", "integer sums and products are right to the last bit", compute},
		{"gpu-memory-pattern", "every word of the GPU's memory keeps what depends on its address", pattern},
		{"gpu-memory-residue-release", "nothing is found of a tenant that gave its memory back", residue(stageRelease, stageReleased)},
		{"gpu-memory-residue-kill", "nothing is found of a tenant that was killed", residue(stageKill, stageKilled)},
		{"gpu-local-residue-release", "nothing is found in shared memory of a tenant that ended", local(stageRelease, stageReleased)},
		{"gpu-local-residue-kill", "nothing is found in shared memory of a tenant that was killed", local(stageKill, stageKilled)},
		{"gpu-unrequested", "who asked for no GPU opens none", unrequested},
		{"gpu-release", "the GPU is whole again after tenants ended, were killed, and came and went", release},
		{"kernel-boot-id", "the kernel between program and driver is not the machine's", ownKernel},
	}
}

// given are the GPUs that a place was given.
func (r Recorded) given(p Place) ([]string, error) {
	if p == Native {
		return r.list(machineTarget, probeMachine, "uuids")
	}
	return r.list(machineTarget, probeMachine, "given")
}

func allocation(r Recorded, p Place) judge.Verdict {
	given, err := r.given(p)
	if err != nil {
		return missing(err)
	}
	o, err := r.observation(target(p, stageLook), "gpu-cuda-devices")
	if err != nil {
		return missing(err)
	}
	switch o.State {
	case evidence.Absent:
		return verdict(judge.Fail, "was given %s and sees no GPU: %s", strings.Join(given, ", "), o.Detail)
	case evidence.Denied, evidence.Failed:
		return verdict(judge.Error, "%s", o.Detail)
	}
	got, _ := o.Values.List("uuids")
	if !slices.Equal(given, got) { // lists are sorted
		return verdict(judge.Fail, "was given %s and sees %s", strings.Join(given, ", "), strings.Join(got, ", "))
	}
	return verdict(judge.Pass, "sees %s, as given, and no other", strings.Join(got, ", "))
}

func identity(r Recorded, p Place) judge.Verdict {
	driver, err := r.text(machineTarget, probeMachine, "driver")
	if err != nil {
		return missing(err)
	}
	library, err1 := r.text(target(p, stageLook), "gpu-nvml", "driver")
	managed, err2 := r.gpus(target(p, stageLook), "gpu-nvml")
	computing, err3 := r.gpus(target(p, stageLook), "gpu-cuda-devices")
	if err := errors.Join(err1, err2, err3); err != nil {
		return missing(err)
	}
	if library != driver {
		return verdict(judge.Fail, "the management library says driver %s, the kernel module is %s", library, driver)
	}
	a, b := identities(managed), identities(computing)
	if !slices.Equal(a, b) {
		return verdict(judge.Fail, "the management library lists %s, CUDA %s", strings.Join(a, ", "), strings.Join(b, ", "))
	}
	return verdict(judge.Pass, "driver %s, and both list %s", driver, strings.Join(a, ", "))
}

// identities are who the GPUs are: UUID, name and PCI address. The management
// library writes the address with a longer domain than CUDA.
func identities(lines []line) []string {
	var list []string
	for _, l := range lines {
		_, address, _ := strings.Cut(l["bus"], ":")
		list = append(list, fmt.Sprintf("%s (%s at %s)", l["uuid"], l["name"], address))
	}
	slices.Sort(list)
	return list
}

func compute(r Recorded, p Place) judge.Verdict {
	lines, err := r.gpus(target(p, stageLook), "gpu-compute")
	if err != nil {
		return missing(err)
	}
	var elements float64
	for _, l := range lines {
		n, err := l.numbers("vector_elements", "vector_wrong", "matrix_elements", "matrix_wrong")
		if err != nil {
			return missing(err)
		}
		if n[1]+n[3] > 0 {
			return verdict(judge.Fail, "%s: %.0f of %.0f sums and %.0f of %.0f products are wrong", l["uuid"], n[1], n[0], n[3], n[2])
		}
		if n[0] == 0 || n[2] == 0 {
			return verdict(judge.Invalid, "%s computed nothing", l["uuid"])
		}
		elements += n[0] + n[2]
	}
	return verdict(judge.Pass, "%.0f elements are what the same computation gives in Go; the output was filled with wrong ones before", elements)
}

// leastShare is the least part of a GPU's memory that must be looked at for a
// verdict.
const leastShare = 0.8

func pattern(r Recorded, p Place) judge.Verdict {
	lines, err := r.gpus(target(p, stageLook), "gpu-memory-pattern")
	if err != nil {
		return missing(err)
	}
	var said []string
	for _, l := range lines {
		n, err := l.numbers("tested", "memory", "wrong")
		switch {
		case err != nil:
			return missing(err)
		case n[2] > 0:
			return verdict(judge.Fail, "%s: %.0f words are wrong, the first at %s", l["uuid"], n[2], l["first_wrong"])
		case l["flipped_bit_found"] != "true":
			return verdict(judge.Invalid, "%s: a bit flipped on purpose was not found", l["uuid"])
		case n[0] < leastShare*n[1]:
			return verdict(judge.Invalid, "%s: %.0f of %.0f bytes were tested", l["uuid"], n[0], n[1])
		}
		said = append(said, fmt.Sprintf("%.1f of %.1f GB", n[0]/1e9, n[1]/1e9))
	}
	return verdict(judge.Pass, "%s tested, with every bit both ways; a bit flipped on purpose was found", strings.Join(said, ", "))
}

func unrequested(r Recorded, p Place) judge.Verdict {
	if p == Native {
		return verdict(judge.NotApplicable, "a process on the machine itself is refused no device")
	}
	nodes, err1 := r.list(target(p, stageLook), "gpu-device-nodes", "opened")
	_, err2 := r.gpus(target(p, stageLook), "gpu-cuda-devices")
	if err := errors.Join(err1, err2); err != nil || len(nodes) == 0 {
		return verdict(judge.Invalid, "the container that asked for a GPU was not seen to open one; %s", oneLine(err))
	}
	opened, err1 := r.list(target(p, stageUnrequested), "gpu-device-nodes", "opened")
	computing, err2 := r.observation(target(p, stageUnrequested), "gpu-cuda-devices")
	managed, err3 := r.observation(target(p, stageUnrequested), "gpu-nvml")
	if err := errors.Join(err1, err2, err3); err != nil {
		return missing(err)
	}
	if len(opened) > 0 {
		return verdict(judge.Fail, "opens %s without having asked for a GPU", strings.Join(opened, ", "))
	}
	for _, o := range []evidence.Observation{computing, managed} {
		if uuids, _ := o.Values.List("uuids"); o.State == evidence.Seen && len(uuids) > 0 {
			return verdict(judge.Fail, "sees %s by %s without having asked for a GPU", strings.Join(uuids, ", "), o.Probe)
		}
	}
	return verdict(judge.Pass, "has the driver's libraries and opens no device node; CUDA: %s; the container that asked opens %s", clip(computing.Detail, 90), strings.Join(nodes, ", "))
}

func ownKernel(r Recorded, p Place) judge.Verdict {
	read := func(p Place) (id, name string, err error) {
		id, err1 := r.text(target(p, stageLook), "boot-id", "boot_id")
		release, err2 := r.text(target(p, stageLook), "uname", "release")
		version, err3 := r.text(target(p, stageLook), "uname", "version")
		return id, release + " " + version, errors.Join(err1, err2, err3)
	}
	machineID, machineName, err := read(Native)
	if err != nil {
		return missing(err)
	}
	if p == Native {
		return verdict(judge.NotApplicable, "this is the machine's kernel: %s", machineName)
	}
	id, name, err := read(p)
	if err != nil {
		return missing(err)
	}
	if p == Runc {
		if id != machineID || name != machineName {
			return verdict(judge.Invalid, "a plain container shows another kernel than the machine's: %s", name)
		}
		return verdict(judge.NotApplicable, "a plain container shares the machine's kernel, which shows that the control can fail")
	}
	if control := ownKernel(r, Runc); control.Result != judge.NotApplicable {
		return verdict(judge.Invalid, "the plain container was not shown to share the machine's kernel: %s", control.Reason)
	}
	if id == machineID || name == machineName {
		return verdict(judge.Fail, "boot id %s and kernel %s against the machine's %s and %s", id, name, machineID, machineName)
	}
	return verdict(judge.Pass, "kernel %s with a boot id of its own; the plain container shows the machine's", name)
}
