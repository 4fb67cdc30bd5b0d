package judge

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// toolkitFlaw is a published flaw of NVIDIA's container toolkit that lets an image take
// over the node, or change its files.
type toolkitFlaw struct {
	id string
	// fixed is the first version without it.
	fixed [3]int
	// off is the setting that takes the flawed hook away, where there is one.
	off string
}

// toolkitFlaws and their versions are those of NVIDIA's bulletins up to August 2026, read
// as CSAF (https://github.com/NVIDIA/product-security, YEAR/NUMBER/NUMBER.json). Their
// number is that of the page, https://nvidia.custhelp.com/app/answers/detail/a_id/NUMBER.
//
// Left out are CVE-2024-0133 and CVE-2024-0134 (5582, 5585: files whose contents the image
// does not choose), and CVE-2024-0136 and CVE-2024-0137 (5599: only where ldconfig is the
// container's, and fixed with CVE-2024-0135).
var toolkitFlaws = []toolkitFlaw{
	{id: "CVE-2024-0132", fixed: [3]int{1, 16, 2}},                                       // 5582: the node's files from a race over mounts
	{id: "CVE-2024-0135", fixed: [3]int{1, 17, 1}},                                       // 5599: a program of the node is changed
	{id: "CVE-2025-23359", fixed: [3]int{1, 17, 4}},                                      // 5616: the race of CVE-2024-0132 again
	{id: "CVE-2025-23266", fixed: [3]int{1, 17, 8}, off: "disable-cuda-compat-lib-hook"}, // 5659: the image's code in a hook
	{id: "CVE-2025-23267", fixed: [3]int{1, 17, 8}},                                      // 5659: update-ldcache follows the image's links
	{id: "CVE-2026-24260", fixed: [3]int{1, 19, 1}},                                      // 5850: another race
}

// unflawed is the first version without any of them.
func unflawed() string {
	last := slices.MaxFunc(toolkitFlaws, func(a, b toolkitFlaw) int { return slices.Compare(a.fixed[:], b.fixed[:]) }).fixed
	return fmt.Sprintf("%d.%d.%d", last[0], last[1], last[2])
}

// toolkitVersion is that of a package or a program. A release candidate ("1.17.8~rc.1-1",
// "1.17.8-rc.1") may come before the fix.
var toolkitVersion = regexp.MustCompile(`^(?:\d+:)?(\d+)\.(\d+)\.(\d+)([~-]rc)?`)

// parseToolkitVersion reads a version; that of a candidate is [3]int{1, 17, 7} for
// 1.17.8-rc.1, or lower.
func parseToolkitVersion(text string) (version [3]int, ok bool) {
	m := toolkitVersion.FindStringSubmatch(text)
	if m == nil {
		return version, false
	}
	for i := range version {
		n, err := strconv.Atoi(m[i+1])
		if err != nil {
			return version, false
		}
		version[i] = n
	}
	if m[4] != "" {
		version[2]--
	}
	return version, true
}

// HasFlawedHook detects a container toolkit on the node with a flaw by which an image
// becomes root of the node, or changes its files, while its container is made.
func HasFlawedHook() Detection {
	return func(c *Case) Sight {
		if _, done := c.gpuNode(); done != nil {
			return *done
		}
		o, err := c.observe(c.Evidence.View(evidence.Witness), evidence.Look, "gpu-files")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness " + err.Error()}
		}
		programs, ok1 := o.Values.List("programs")
		packages, ok2 := o.Values.List("packages")
		settings, ok3 := o.Values.List("settings")
		unread, ok4 := o.Values.List("unread")
		if !ok1 || !ok2 || !ok3 || !ok4 {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness told nothing of the container toolkit: " + why(o)}
		}
		if i := slices.IndexFunc(unread, func(line string) bool {
			return strings.Contains(line, "nvidia") || strings.HasPrefix(line, "/var/lib/dpkg")
		}); i >= 0 {
			return Sight{Outcome: Unknown, Reason: "cannot be judged: witness could not read " + unread[i]}
		}
		if len(programs) == 0 && len(packages) == 0 {
			return Sight{Outcome: NoTruth, Reason: "the node has no container toolkit of NVIDIA's: no hook of it runs for any pod"}
		}
		return judgeToolkit(programs, packages, settings)
	}
}

func judgeToolkit(programs, packages, settings []string) Sight {
	on := map[string]bool{}
	for _, line := range settings {
		for name, value := range keyValues(line) {
			on[name] = on[name] || value == "true"
		}
	}
	sight := Sight{Outcome: Undetected}
	var wrong, good []string
	unknown := ""
	for _, line := range slices.Concat(packages, programs) {
		fields := keyValues(line)
		name := fields["name"] + fields["path"]
		version, ok := parseToolkitVersion(fields["version"])
		if !ok {
			unknown = name
			continue
		}
		sight.Readings = append(sight.Readings, Reading{Name: name, Truth: unflawed() + " or later", Seen: fields["version"]})
		reading := &sight.Readings[len(sight.Readings)-1]
		flawed := false
		for _, flaw := range toolkitFlaws {
			if slices.Compare(version[:], flaw.fixed[:]) < 0 && (flaw.off == "" || !on[flaw.off]) {
				wrong = append(wrong, fmt.Sprintf("%s %s has %s", name, fields["version"], flaw.id))
				flawed = true
			}
		}
		reading.Match = flawed
		if !flawed {
			good = append(good, name+" "+fields["version"])
		}
	}
	if name := "allow-cuda-compat-libs-from-container"; on[name] {
		wrong = append(wrong, "the toolkit is told "+name+", which brings CVE-2025-23359 back")
	}
	switch {
	case len(wrong) > 0:
		sight.Outcome, sight.Reason = Detected, "runs on a node whose container toolkit an image can take over: "+shorten(wrong)
	case len(good) == 0:
		return Sight{Outcome: Unknown, Reason: fmt.Sprintf("runs on a node with %s, whose version cannot be told: neither a package of dpkg's nor its build says it", unknown)}
	default:
		sight.Reason = "runs on a node whose container toolkit has none of the flaws of NVIDIA's bulletins up to August 2026: " + shorten(good)
	}
	return sight
}
