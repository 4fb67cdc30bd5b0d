package judge_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

func TestReached(t *testing.T) {
	detects := judge.Reached("search", "found", evidence.LookAgain)
	searched := func(seen values) *scene.Scene {
		return scene.New().Saw(evidence.Subject, evidence.LookAgain, "search", seen)
	}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"something", searched(values{"found": evidence.List("/proc/1/root/canary")}), judge.Detected},
		{"nothing", searched(values{"found": evidence.List()}), judge.Undetected},
		{"no list", searched(values{}), judge.Unknown},
		{"a text for the list", searched(values{"found": evidence.Text("")}), judge.Unknown},
		{"refused", scene.New().Got(evidence.Subject, evidence.LookAgain, "search", evidence.Denied, "EPERM"), judge.Undetected},
		{"nothing to search", scene.New().Got(evidence.Subject, evidence.LookAgain, "search", evidence.Absent, ""), judge.AbsentThere},
		{"failed", scene.New().Got(evidence.Subject, evidence.LookAgain, "search", evidence.Failed, ""), judge.Unknown},
		{"cut off too soon", searched(values{"found": evidence.List(), "unsearched": evidence.Number(1)}), judge.Unknown},
		{"found, and then cut off", searched(values{"found": evidence.List("/canary"), "unsearched": evidence.Number(1)}), judge.Detected},
		{"in another round only", scene.New().Saw(evidence.Subject, evidence.Look, "search", values{"found": evidence.List()}), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, detects), test.want) })
	}
	bounded := sight(searched(values{"found": evidence.List(), "truncated": evidence.Number(1)}), detects)
	if !strings.Contains(bounded.Reason, "up to its bound") {
		t.Errorf("a search that was cut short says %q", bounded.Reason)
	}
}

func TestPlanted(t *testing.T) {
	detects := judge.Planted("file", "search", "found")
	planted := func(plants values, found ...string) *scene.Scene {
		return scene.New().Saw(evidence.Witness, evidence.Act, "plants", plants).
			Saw(evidence.Subject, evidence.LookAgain, "search", values{"found": evidence.List(found...)})
	}
	made := values{"planted": evidence.List("file /run/canary"), "failed": evidence.List()}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"found", planted(made, "/run/canary"), judge.Detected},
		{"not found", planted(made), judge.Undetected},
		{"could not be planted", planted(values{"planted": evidence.List(), "failed": evidence.List("file: read-only file system")}), judge.NoTruth},
		{"something else was planted", planted(values{"planted": evidence.List("filesystem x"), "failed": evidence.List()}), judge.Unknown},
		{"nothing was planted, and nothing said", planted(values{}), judge.Unknown},
		{"the witness was refused", planted(made).Got(evidence.Witness, evidence.Act, "plants", evidence.Denied, "EPERM"), judge.Unknown},
		{"no act", planted(made).Drop(evidence.Witness, evidence.Act), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, detects), test.want) })
	}
}

func TestSeesLoopDevice(t *testing.T) {
	attached := values{"loop_device": evidence.Text("/dev/loop7"), "loop_sectors": evidence.Number(8198)}
	listed := func(plants values, entries ...string) *scene.Scene {
		return scene.New().Saw(evidence.Witness, evidence.Act, "plants", plants).
			Saw(evidence.Subject, evidence.LookAgain, "partitions", values{"entries": evidence.List(entries...)})
	}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"name and size", listed(attached, "vda 2048", "loop7 8198"), judge.Detected},
		{"a loop device of its own", listed(attached, "loop7 4096"), judge.Undetected},
		{"the size alone", listed(attached, "loop0 8198"), judge.Undetected},
		{"no block device at all", listed(attached), judge.Undetected},
		{"no list of them", listed(attached).Saw(evidence.Subject, evidence.LookAgain, "partitions", values{}), judge.Unknown},
		{"no interface", listed(attached).Got(evidence.Subject, evidence.LookAgain, "partitions", evidence.Absent, ""), judge.AbsentThere},
		{"refused", listed(attached).Got(evidence.Subject, evidence.LookAgain, "partitions", evidence.Denied, ""), judge.Undetected},
		{"none was attached", listed(values{"failed": evidence.List("loop: no free device")}, "loop7 8198"), judge.NoTruth},
		{"no act", listed(attached).Break(evidence.Witness, evidence.Act, "cut off"), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, judge.SeesLoopDevice()), test.want) })
	}
	none := sight(listed(values{"failed": evidence.List("loop: no free device")}), judge.SeesLoopDevice())
	if !strings.Contains(none.Reason, "no free device") {
		t.Errorf("the reason %q does not say why none was attached", none.Reason)
	}
}

func TestOpensDevices(t *testing.T) {
	devices := func(onNode []string, opened ...string) *scene.Scene {
		return first("device-nodes", values{"present": evidence.List(onNode...)}, values{"opened": evidence.List(opened...)})
	}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"handed out", devices([]string{"/dev/kvm"}, "/dev/kvm"), judge.Detected},
		{"not handed out", devices([]string{"/dev/kvm"}), judge.Undetected},
		{"none on the node", devices(nil), judge.NoTruth},
		{"opened although the node lists none", devices(nil, "/dev/vfio/vfio"), judge.Detected},
		{"the witness did not look", devices(nil).Drop(evidence.Witness, evidence.Look), judge.Unknown},
		{"the subject did not look", devices([]string{"/dev/kvm"}).Drop(evidence.Subject, evidence.Look), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, judge.OpensDevices()), test.want) })
	}
}

func TestSharesDiskIDs(t *testing.T) {
	const fileSystem = evidence.FileSystemUUID + "0a1b"
	ids := func(onNode []string, seen ...string) *scene.Scene {
		return first("disk-ids", values{"ids": evidence.List(onNode...)}, values{"ids": evidence.List(seen...)})
	}
	for _, test := range []struct {
		name  string
		scene *scene.Scene
		want  judge.Outcome
	}{
		{"the node's serial", ids([]string{"serial:QM00005", fileSystem}, "serial:QM00005"), judge.Detected},
		{"the node's file system", ids([]string{"serial:QM00005", fileSystem}, fileSystem), judge.Detected},
		{"disks of its own", ids([]string{"serial:QM00005", fileSystem}, "serial:QM00007"), judge.Undetected},
		{"no ids", ids([]string{"serial:QM00005"}), judge.Undetected},
		{"a node whose disks have none", ids([]string{fileSystem}), judge.NoTruth},
		{"the file system of such a node", ids([]string{fileSystem}, fileSystem), judge.Detected},
		{"a node without any", ids(nil, "serial:QM00007"), judge.NoTruth},
		{"the witness did not look", ids(nil).Drop(evidence.Witness, evidence.Look), judge.Unknown},
		{"the subject did not look", ids([]string{fileSystem}).Drop(evidence.Subject, evidence.Look), judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(test.scene, judge.SharesDiskIDs()), test.want) })
	}
}

func TestLooser(t *testing.T) {
	posture := func(caps string, noNewPrivs, seccomp int64) values {
		return values{"cap_eff": evidence.Text(caps), "no_new_privs": evidence.Number(noNewPrivs), "seccomp": evidence.Number(seccomp)}
	}
	for _, test := range []struct {
		name string
		seen values
		want judge.Outcome
		says string
	}{
		{"the default set", posture("00000000a80425fb", 1, 2), judge.Undetected, ""},
		{"less than the default set", posture("0000000000000000", 1, 2), judge.Undetected, ""},
		{"one capability more", posture("00000000a82425fb", 1, 2), judge.Detected, "1 capabilities beyond"},
		{"all 41 capabilities", posture("000001ffffffffff", 1, 2), judge.Detected, "27 capabilities beyond"},
		{"no_new_privs unset", posture("00000000a80425fb", 0, 2), judge.Detected, "no_new_privs unset"},
		{"no seccomp filter", posture("00000000a80425fb", 1, 0), judge.Detected, "no seccomp filter"},
		{"seccomp in strict mode", posture("00000000a80425fb", 1, 1), judge.Detected, "no seccomp filter"},
		{"capabilities that are no number", posture("all", 1, 2), judge.Unknown, `"all"`},
		{"capabilities of more than 64 bits", posture("1ffffffffffffffff", 1, 2), judge.Unknown, ""},
		{"capabilities alone, on a kernel without seccomp", values{"cap_eff": evidence.Text("0")}, judge.Detected, "of which the kernel tells nothing"},
		{"no no_new_privs, which old kernels do not tell", values{"cap_eff": evidence.Text("0"), "seccomp": evidence.Number(2)}, judge.Undetected, ""},
		{"no capabilities told", values{"no_new_privs": evidence.Number(1), "seccomp": evidence.Number(2)}, judge.Unknown, "cap_eff"},
		{"nothing", values{}, judge.AbsentThere, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sight(scene.New().Saw(evidence.Subject, evidence.Look, "posture", test.seen), judge.Looser())
			expectSight(t, got, test.want)
			if !strings.Contains(got.Reason, test.says) {
				t.Errorf("the reason is %q, it should say %q", got.Reason, test.says)
			}
		})
	}
}
