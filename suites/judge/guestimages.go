package judge

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// WritableImage detects a guest whose kernel, initrd or image could be changed: a file
// that others than root may write, that its monitor holds open for writing, or that
// did change while the pod ran. All guests start from these files.
func WritableImage() Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		// Whether its monitor could write is told by what the monitor holds open.
		if _, err := h.of(vmmRole); err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		before, err := c.images(h, evidence.Look)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		after, err := c.images(h, evidence.Settle)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		var wrong, paths []string
		sight := Sight{Outcome: Undetected}
		for _, path := range slices.Sorted(maps.Keys(after)) {
			now := after[path]
			paths = append(paths, path)
			then, was := before[path]
			says := imageFault(now)
			if says == "" && (!was || then["file"] != now["file"]) {
				says = "changed while the pod ran"
			}
			sight.Readings = append(sight.Readings, Reading{Name: path, Truth: "root's to write, and unchanged", Match: says != "",
				Seen: fmt.Sprintf("mode %s, owner %s, held for writing by [%s]", now["mode"], now["owner"], now["writers"])})
			if says != "" {
				wrong = append(wrong, path+" "+says)
			}
		}
		for _, path := range slices.Sorted(maps.Keys(before)) {
			if _, still := after[path]; !still && len(wrong) == 0 {
				return Sight{Outcome: Unknown, Readings: sight.Readings, Reason: fmt.Sprintf("has image files that cannot be looked at: %s is not named at the end any more", path)}
			}
		}
		if len(wrong) > 0 {
			sight.Outcome, sight.Reason = Detected, "starts from files that could be changed: "+strings.Join(wrong, ", ")
			return sight
		}
		sight.Reason = "starts from files that only root may write, that its processes hold for reading and that did not change: " + strings.Join(paths, ", ")
		return sight
	}
}

// images are the files of the guest in a round, by path.
func (c *Case) images(h *hosted, round evidence.Round) (map[string]map[string]string, error) {
	o, err := c.observe(c.Evidence.View(evidence.Witness), round, "guest-images")
	if err != nil {
		return nil, fmt.Errorf("has image files that cannot be looked at: witness %w", err)
	}
	lines, ok := o.Values.List("images")
	if _, cut := o.Values.Number("truncated"); cut || !ok {
		return nil, fmt.Errorf("has image files that cannot be looked at: witness told none, or not all: %s", why(o))
	}
	found := map[string]map[string]string{}
	for _, line := range lines {
		fields := keyValues(line)
		if fields["pod_uid"] != h.sandbox.PodUID {
			continue
		}
		path := decoded(fields["path"])
		if cause, unread := fields["unread"]; unread || fields["file"] == "" {
			return nil, fmt.Errorf("starts from %s, which the witness could not read: %s", path, decoded(cause))
		}
		found[path] = fields
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("has a runtime whose state names neither kernel nor image")
	}
	return found, nil
}

func imageFault(fields map[string]string) string {
	mode, err := strconv.ParseUint(fields["mode"], 8, 32)
	switch {
	case err != nil:
		return "has a mode that cannot be read"
	case mode&0o022 != 0:
		return fmt.Sprintf("may be written by others than its owner (mode %04o)", mode)
	case fields["owner"] != "0":
		return "belongs to user " + fields["owner"]
	case fields["writers"] != "":
		return "is held open for writing by " + fields["writers"]
	default:
		return ""
	}
}
