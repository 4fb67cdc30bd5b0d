package judge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// passedOn says whether a function is in the hands of a driver that passes it to
// virtual machines.
func passedOn(f map[string]string) bool {
	return strings.Contains(f["driver"], "vfio") || f["driver"] == "pci-stub"
}

// What Access Control Services must have switched on so that no function reaches
// another one past the IOMMU: source validation, P2P request redirect, P2P completion
// redirect and upstream forwarding, as the kernel demands of a group of its own
// (REQ_ACS_FLAGS in drivers/iommu/iommu.c).
const requiredACS = 0x01 | 0x04 | 0x08 | 0x10

// SharesIOMMUGroup detects a GPU that is passed to virtual machines, and whose IOMMU
// group holds something else, is none, or is one only because somebody told the kernel
// so; or a port above it that lets functions reach each other past the IOMMU.
func SharesIOMMUGroup() Detection {
	return func(c *Case) Sight {
		n, done := c.gpuNode()
		if done != nil {
			return *done
		}
		passed := slices.DeleteFunc(slices.Clone(n.functions), func(f map[string]string) bool { return !passedOn(f) })
		if len(n.functions) == 0 {
			return Sight{Outcome: NoTruth, Reason: "simulated GPU: the node has no PCI function of NVIDIA"}
		}
		if len(passed) == 0 {
			return Sight{Outcome: NoTruth, Reason: fmt.Sprintf("none of the node's %d functions of NVIDIA is passed to virtual machines (their drivers: %s): no IOMMU stands between tenants", len(n.functions), shorten(driversOf(n.functions)))}
		}
		members, ok1 := n.values.List("members")
		ports, ok2 := n.values.List("ports")
		if !ok1 || !ok2 {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness told no IOMMU groups"}
		}
		var readings []Reading
		var wrong []string
		for _, f := range passed {
			group := f["group"]
			strangers := strangersIn(members, group, f["bus"])
			switch {
			case group == "":
				wrong = append(wrong, f["bus"]+" has no IOMMU group: the IOMMU is off")
			case len(strangers) > 0:
				wrong = append(wrong, fmt.Sprintf("the IOMMU group of %s holds %s", f["bus"], shorten(strangers)))
			}
			readings = append(readings, Reading{Name: f["bus"] + " group " + group, Truth: "its own functions and bridges", Seen: shorten(strangers), Match: group == "" || len(strangers) > 0})
			for _, above := range strings.Split(f["path"], ",") {
				says, reading, err := portFault(ports, above)
				if err != nil {
					return Sight{Outcome: Unknown, Reason: fmt.Sprintf("cannot be judged: %v", err)}
				}
				if reading.Name != "" {
					readings = append(readings, reading)
				}
				if says != "" && !slices.Contains(wrong, says) {
					wrong = append(wrong, says)
				}
			}
		}
		if override, _ := n.values.Text("acs_override"); override != "" {
			wrong = append(wrong, "the node's kernel was told to split IOMMU groups that are none: "+override)
		}
		if noIOMMU, _ := n.values.Text("noiommu"); noIOMMU == "Y" || noIOMMU == "1" {
			wrong = append(wrong, "vfio of the node works without an IOMMU (enable_unsafe_noiommu_mode)")
		}
		if len(wrong) > 0 {
			return Sight{Outcome: Detected, Readings: readings, Reason: "runs beside GPUs that the IOMMU does not hold apart: " + strings.Join(wrong, "; ")}
		}
		return Sight{Outcome: Undetected, Readings: readings, Reason: fmt.Sprintf("runs beside %d functions that are passed to virtual machines, each in an IOMMU group of its own, below ports that let nothing past it", len(passed))}
	}
}

func driversOf(functions []map[string]string) []string {
	var drivers []string
	for _, f := range functions {
		driver := f["driver"]
		if driver == "" {
			driver = "none"
		}
		if !slices.Contains(drivers, driver) {
			drivers = append(drivers, driver)
		}
	}
	slices.Sort(drivers)
	return drivers
}

// slot is a device's address without its function: all functions of one device belong
// together.
func slot(bus string) string { return bus[:max(0, strings.LastIndexByte(bus, '.'))] }

// strangersIn are the members of an IOMMU group besides a device's own functions and
// bridges (PCI class 0604).
func strangersIn(members []string, group, bus string) []string {
	var strangers []string
	for _, line := range members {
		fields := keyValues(line)
		if fields["group"] != group || strings.HasPrefix(fields["class"], "0604") || fields["bus"] != "" && slot(fields["bus"]) == slot(bus) {
			continue
		}
		strangers = append(strangers, fields["bus"]+" "+fields["id"])
	}
	return strangers
}

// portFault says what is wrong with a port above a GPU. Root ports of processors may do
// without the capability, which the kernel then knows by their model; the downstream
// ports of a switch may not.
func portFault(ports []string, bus string) (says string, reading Reading, err error) {
	if bus == "" {
		return "", Reading{}, nil // right on the root complex
	}
	i := slices.IndexFunc(ports, func(line string) bool { return keyValues(line)["bus"] == bus })
	if i < 0 {
		return "", Reading{}, fmt.Errorf("witness did not look at the port %s", bus)
	}
	fields := keyValues(ports[i])
	if fields["unread"] != "" || fields["type"] == "" {
		return "", Reading{}, fmt.Errorf("witness could not read the configuration space of %s: %s", bus, fields["unread"])
	}
	if fields["type"] != "downstream" && fields["type"] != "root" {
		return "", Reading{}, nil
	}
	reading = Reading{Name: bus + " " + fields["type"] + " port", Truth: "redirects and validates", Seen: "acs " + fields["acs_on"]}
	if fields["acs_on"] == "none" {
		if fields["type"] == "downstream" {
			reading.Match = true
			says = fmt.Sprintf("the switch port %s has no Access Control Services", bus)
		}
		return says, reading, nil
	}
	able, err1 := strconv.ParseUint(fields["acs_able"], 16, 16)
	on, err2 := strconv.ParseUint(fields["acs_on"], 16, 16)
	if err1 != nil || err2 != nil {
		return "", Reading{}, fmt.Errorf("witness told no Access Control Services of %s", bus)
	}
	if missing := requiredACS & able &^ on; missing != 0 {
		reading.Match = true
		says = fmt.Sprintf("the port %s lets functions reach each other past the IOMMU (Access Control Services %#x are off)", bus, missing)
	}
	return says, reading, nil
}

// fabricNodes begin the paths of devices that are all GPUs' together: NVLink's switches,
// and the channels by which GPUs of several machines share memory.
var fabricNodes = []string{"/dev/nvidia-nvswitch", "/dev/nvidia-nvlink", "/dev/nvidia-caps-imex-channels/"}

// isSwitch says whether a function is an NVSwitch (PCI class 0680, other bridge).
func isSwitch(f map[string]string) bool { return strings.HasPrefix(f["class"], "0680") }

// ReachesFabric detects a pod with a part of the node's GPUs that has what connects all
// of them: an NVSwitch, or a device of the fabric.
func ReachesFabric() Detection {
	return func(c *Case) Sight {
		n, done := c.gpuPods(evidence.GPUSubject)
		if done != nil {
			return *done
		}
		gpus := n.gpus()
		switch {
		case len(n.functions) == 0:
			return Sight{Outcome: NoTruth, Reason: "simulated GPU: the node has no PCI function of NVIDIA, and so no fabric"}
		case len(gpus) < 2 && !slices.ContainsFunc(n.functions, isSwitch):
			return Sight{Outcome: NoTruth, Reason: "the node has one GPU and no NVSwitch: there is nothing that it could reach"}
		}
		o, err := c.observe(c.Evidence.View(evidence.GPUSubject), evidence.Look, "gpu-seen")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: gpu-subject " + err.Error()}
		}
		devices, ok1 := o.Values.List("devices")
		functions, ok2 := o.Values.List("functions")
		if !ok1 || !ok2 {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: gpu-subject did not tell which devices it opens: " + why(o)}
		}
		var found []string
		for _, line := range devices {
			fields := keyValues(line)
			if fields["opened"] == "yes" && slices.ContainsFunc(fabricNodes, func(prefix string) bool { return strings.HasPrefix(fields["path"], prefix) }) {
				found = append(found, fields["path"])
			}
		}
		if slices.ContainsFunc(functions, func(line string) bool { return isSwitch(keyValues(line)) }) {
			sandbox, err := c.sandbox(evidence.GPUSubject)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: "gpu-subject " + err.Error()}
			}
			if sandbox.Kind() == KindVM {
				found = append(found, "an NVSwitch on its PCI bus")
			}
		}
		sight := Sight{Outcome: Undetected, Readings: []Reading{{Name: "fabric", Truth: "none", Seen: shorten(found), Match: len(found) > 0}},
			Reason: fmt.Sprintf("has none of the devices that connect the node's %d GPUs", len(gpus))}
		if len(found) > 0 {
			sight.Outcome, sight.Reason = Detected, "was given one GPU and has what reaches all of the node's: "+shorten(found)
		}
		return sight
	}
}

// hostDrivers are those that may hold a GPU: NVIDIA's, or one that passes it on.
var hostDrivers = []string{"nvidia", "vfio-pci", "nvgrace_gpu_vfio_pci", "nvgrace-gpu-vfio-pci"}

// MixesDrivers detects GPUs that are held by a driver which they should not have, by
// several, or by another at the end than at the beginning; and a GPU that a virtual
// machine was given while the node's own driver held it.
func MixesDrivers() Detection {
	return func(c *Case) Sight {
		n, done := c.gpuNode()
		if done != nil {
			return *done
		}
		gpus := n.gpus()
		if len(gpus) == 0 {
			return Sight{Outcome: NoTruth, Reason: "simulated GPU: the node has no GPU on its PCI bus"}
		}
		settled, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Settle, "gpu-functions")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness " + err.Error()}
		}
		lines, ok := settled.Values.List("functions")
		if !ok {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness lists no PCI functions at the end: " + why(settled)}
		}
		after := map[string]map[string]string{}
		for _, line := range lines {
			fields := keyValues(line)
			after[fields["bus"]] = fields
		}
		sandbox, err := c.sandbox(c.Seen.Vantage)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		var wrong []string
		var readings []Reading
		for _, f := range n.functions {
			then, is := after[f["bus"]], f["driver"]
			says := ""
			switch {
			case then == nil:
				says = "is gone from the bus at the end of the run"
			case then["driver"] != is:
				says = fmt.Sprintf("was held by %q and is held by %q at the end", is, then["driver"])
			case strings.HasPrefix(f["class"], "03") && !slices.Contains(hostDrivers, is):
				says = fmt.Sprintf("is held by driver %q", is)
			case sandbox.Kind() == KindVM && slices.Contains(n.given, string(evidence.GPUSubject)) && strings.HasPrefix(f["class"], "03") && !passedOn(f) && f["virtual"] != "true":
				says = fmt.Sprintf("is given to virtual machines and held by the node's driver %q", is)
			}
			readings = append(readings, Reading{Name: f["bus"], Truth: is, Seen: then["driver"], Match: says != ""})
			if says != "" {
				wrong = append(wrong, f["bus"]+" "+says)
			}
		}
		if drivers := driversOf(gpus); len(wrong) == 0 && len(drivers) > 1 {
			wrong = append(wrong, "the node's GPUs are held by several drivers: "+shorten(drivers))
		}
		if len(wrong) > 0 {
			return Sight{Outcome: Detected, Readings: readings, Reason: "runs beside GPUs in the wrong hands: " + strings.Join(wrong, "; ")}
		}
		return Sight{Outcome: Undetected, Readings: readings, Reason: fmt.Sprintf("runs beside %d GPUs, all held by %s from the beginning to the end", len(gpus), gpus[0]["driver"])}
	}
}
