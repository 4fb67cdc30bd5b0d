package judge

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// SharesMemory detects a guest whose memory others can read or learn from: mapped
// from a file that others may open by its name, cloned from a template that all
// guests start from, or merged by the node with equal pages of other guests (KSM,
// CVE-2015-2877). A file without a name, which QEMU's memory is by design where a
// file server shares it, is open to holders of a descriptor alone.
func SharesMemory() Detection {
	return func(c *Case) Sight {
		h, done := c.hosted()
		if done != nil {
			return *done
		}
		monitors, err := h.of(vmmRole)
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		var readings []Reading
		var wrong []string
		merges, _ := h.values.Number("ksm_run")
		if cause, unread := h.values.Text("ksm_unread"); unread {
			return Sight{Outcome: Unknown, Reason: "cannot be told apart in memory: the witness could not read whether the node merges pages: " + cause}
		}
		told, untold := 0, ""
		for _, p := range monitors {
			if merges == 1 && len(h.lines("unflagged", p.pid)) > 0 {
				untold = fmt.Sprintf("cannot be told apart in memory: the node merges pages, and its kernel does not say whether those of %s are among them (no smaps)", p)
			}
			for _, m := range h.lines("memory", p.pid) {
				if m["role"] != vmmRole {
					continue
				}
				path, kib := decoded(m["path"]), m["kib"]
				says, what := memoryFault(m, path, merges == 1)
				if says != "" && private(m) {
					// QEMU maps kernel and initrd to load them. What the guest changes of
					// that goes to pages of its own, never into the file.
					boots, err := c.images(h, evidence.Look)
					if err != nil {
						return Sight{Outcome: Unknown, Reason: err.Error()}
					}
					if _, boot := boots[path]; boot {
						readings = append(readings, Reading{Name: kib + " KiB at " + path, Seen: "what the guest starts from"})
						continue
					}
				}
				told++
				readings = append(readings, Reading{Name: kib + " KiB at " + path, Truth: "open to this guest's processes alone", Seen: what, Match: says != ""})
				if says != "" {
					wrong = append(wrong, fmt.Sprintf("%s %s", p, says))
				}
			}
		}
		readings = append(readings, Reading{Name: "ksm_run", Seen: strconv.FormatInt(merges, 10)})
		switch {
		case len(wrong) > 0:
			return Sight{Outcome: Detected, Readings: readings, Reason: "has guest memory that others may read or learn from: " + strings.Join(wrong, "; ")}
		case untold != "":
			return Sight{Outcome: Unknown, Reason: untold}
		case told == 0:
			return Sight{Outcome: Undetected, Readings: readings, Reason: "has its guest's memory in private anonymous pages of its monitor alone, which it does not let the node merge"}
		default:
			return Sight{Outcome: Undetected, Readings: readings, Reason: "has its guest's memory in files without a name, or open to their owner alone, and merged with nobody's"}
		}
	}
}

// private says whether what is written to a mapping stays with the process
// (proc_pid_maps(5)).
func private(m map[string]string) bool { return strings.HasSuffix(m["perms"], "p") }

// memoryFault says what is wrong with a mapping of guest memory, and what it is.
func memoryFault(m map[string]string, path string, merges bool) (says, what string) {
	if m["mergeable"] == "1" && merges {
		return "lets the node merge its guest's memory with other guests' (KSM)", "merged by KSM"
	}
	if strings.Contains(path, "/template/") && m["named"] == "1" {
		return fmt.Sprintf("has its guest's memory from a template that guests share (%s)", path), "a template"
	}
	if m["named"] != "1" {
		return "", "a file without a name"
	}
	mode, err := strconv.ParseUint(m["mode"], 8, 32)
	switch {
	case err != nil && strings.HasPrefix(m["perms"], "r--"), strings.HasPrefix(m["perms"], "r-x"):
		return "", "read only"
	case err != nil:
		return fmt.Sprintf("maps %s, of which the witness cannot tell who may open it", path), "a file of unknown mode"
	case mode&0o066 != 0 && strings.Contains(m["perms"], "w"):
		return fmt.Sprintf("has its guest's memory in %s, which others than its owner may open (mode %04o)", path, mode), fmt.Sprintf("a file of mode %04o", mode)
	default:
		return "", fmt.Sprintf("a file of mode %04o", mode)
	}
}
