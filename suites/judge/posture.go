package judge

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/evidence"
)

// DefaultCapabilities is the capability set that containerd and CRI-O give a
// container that asks for nothing (CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL,
// SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD,
// AUDIT_WRITE, SETFCAP), as a bit mask.
const DefaultCapabilities uint64 = 0xa80425fb

// Looser detects that a pod runs with more privilege than its spec asks for:
// capabilities beyond the runtime's default set, no_new_privs unset although
// allowPrivilegeEscalation is false, no seccomp filter although the profile is
// RuntimeDefault, or no profile of the security module although a plain container
// of the same spec has one.
func Looser() Detection {
	return func(c *Case) Sight {
		o, err := c.observe(c.Seen, evidence.Look, "posture")
		if err != nil {
			return Sight{Outcome: Unknown, Reason: err.Error()}
		}
		if done := notSeen(o); done != nil {
			return *done
		}
		var readings []Reading
		var looser []string
		add := func(name, want, got string, ok bool, finding string) {
			readings = append(readings, Reading{Name: name, Truth: want, Seen: got, Match: !ok})
			if !ok {
				looser = append(looser, finding)
			}
		}
		text, has := o.Values.Text("cap_eff")
		switch {
		case has:
			mask, err := strconv.ParseUint(text, 16, 64)
			if err != nil {
				return Sight{Outcome: Unknown, Reason: fmt.Sprintf("gave %.40q as its capabilities", text)}
			}
			extra := mask &^ DefaultCapabilities
			add("cap_eff", fmt.Sprintf("within %016x", DefaultCapabilities), text, extra == 0,
				fmt.Sprintf("%d capabilities beyond the default set (%#x)", bits.OnesCount64(extra), extra))
		case len(o.Values) > 0:
			return Sight{Outcome: Unknown, Reason: "gave no reading cap_eff"}
		}
		if n, has := o.Values.Number("no_new_privs"); has {
			add("no_new_privs", "1", strconv.FormatInt(n, 10), n == 1, "no_new_privs unset")
		}
		if n, has := o.Values.Number("seccomp"); has {
			add("seccomp", "2 (filter)", strconv.FormatInt(n, 10), n == 2, "no seccomp filter")
		} else if text != "" { // a kernel without seccomp leaves the line out (proc_pid_status(5))
			add("seccomp", "2 (filter)", "not told", false, "no seccomp filter, of which the kernel tells nothing")
		}
		label, _ := o.Values.Text("lsm")
		wanted, loose, err := c.label(label)
		if err == nil && wanted != "" {
			add("lsm", wanted, label, !loose, "not confined by the security module")
		}
		switch {
		case err != nil && len(looser) == 0:
			return Sight{Outcome: Unknown, Readings: readings, Reason: "is not confined by its security module, and cannot be compared: reference " + err.Error()}
		case len(readings) == 0:
			return Sight{Outcome: AbsentThere, Reason: "shows no capabilities, no_new_privs or seccomp mode"}
		case len(looser) > 0:
			return Sight{Outcome: Detected, Readings: readings, Reason: "runs with more than its spec asks for: " + strings.Join(looser, ", ")}
		default:
			return Sight{Outcome: Undetected, Readings: readings, Reason: "runs with no more than its spec asks for"}
		}
	}
}
