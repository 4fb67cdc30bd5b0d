package judge_test

import (
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/internal/scene"
	"github.com/katacert/katacert/suites/judge"
)

// sound is the whole session of a sound sandbox, changed by the given edits.
func sound(edits ...func(*scene.Scene)) *scene.Scene {
	s := scene.Whole(scene.ShimKata, scene.Guest())
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// touches replaces the witness's record by calls of the vantages.
func touches(lines ...string) func(*scene.Scene) {
	return func(s *scene.Scene) {
		s.Set(evidence.Witness, evidence.Settle, "plants", "touched", evidence.List(lines...))
	}
}

// sign is what a vantage leaves on a plant.
func sign(plant string, v evidence.Vantage) string {
	return plant + " " + scene.Nonce(v, evidence.LookAgain)
}

func untold(v evidence.Vantage, round evidence.Round, probe string) func(*scene.Scene) {
	return func(s *scene.Scene) { s.Got(v, round, probe, evidence.Absent, "was not told") }
}

func set(v evidence.Vantage, round evidence.Round, probe, reading string, value evidence.Value) func(*scene.Scene) {
	return func(s *scene.Scene) { s.Set(v, round, probe, reading, value) }
}

type edits []func(*scene.Scene)

func TestCallsAreJudgedByTheRecordOfTheCalled(t *testing.T) {
	subject, neighbour := evidence.Subject, evidence.Neighbour
	loopback, other := judge.CallsLoopback(), judge.CallsOtherTenant()
	heardBy := func(called evidence.Vantage, callers ...evidence.Vantage) func(*scene.Scene) {
		var lines []string
		for _, caller := range callers {
			lines = append(lines, sign("listener", caller))
		}
		return set(called, evidence.Settle, "listener-log", "touched", evidence.List(lines...))
	}
	for _, test := range []struct {
		name    string
		edits   edits
		detects judge.Detection
		want    judge.Outcome
	}{
		{"loopback: nobody", nil, loopback, judge.Undetected},
		{"loopback: by TCP", edits{touches(sign("loopback", subject))}, loopback, judge.Detected},
		{"loopback: by UDP alone", edits{touches(sign("loopback-udp", subject))}, loopback, judge.Detected},
		{"loopback: who says that it did not", edits{touches(sign("loopback", subject)), untold(subject, evidence.LookAgain, "loopback")}, loopback, judge.Detected},
		{"loopback: another plant", edits{touches(sign("raw-frame", subject))}, loopback, judge.Undetected},
		{"loopback: another's nonce", edits{touches(sign("loopback", neighbour))}, loopback, judge.Undetected},
		{"loopback: was not told", edits{untold(subject, evidence.LookAgain, "loopback")}, loopback, judge.AbsentThere},
		{"loopback: did not try", edits{set(subject, evidence.LookAgain, "loopback", "tried", evidence.List())}, loopback, judge.Unknown},
		{"loopback: the record is lost", edits{set(evidence.Witness, evidence.Settle, "plants", "untold", evidence.List("loopback: EOF"))}, loopback, judge.Unknown},
		{"loopback: not planted", edits{set(evidence.Witness, evidence.Act, "plants", "planted", evidence.List()),
			set(evidence.Witness, evidence.Act, "plants", "failed", evidence.List("loopback: EPERM", "loopback-udp: EPERM"))}, loopback, judge.NoTruth},
		{"frames: nobody", nil, judge.ForgesFrames(), judge.Undetected},
		{"frames: one", edits{touches(sign("raw-frame", subject))}, judge.ForgesFrames(), judge.Detected},
		{"tenants: neither", nil, other, judge.Undetected},
		{"tenants: there", edits{heardBy(neighbour, neighbour, subject)}, other, judge.Detected},
		{"tenants: back", edits{heardBy(subject, subject, neighbour)}, other, judge.Detected},
		{"tenants: a deaf listener", edits{heardBy(subject)}, other, judge.Unknown},
		{"tenants: a deaf listener, and a call heard by the other", edits{heardBy(subject), heardBy(neighbour, neighbour, subject)}, other, judge.Detected},
		{"tenants: one did not call", edits{untold(neighbour, evidence.LookAgain, "tenant-call")}, other, judge.AbsentThere},
		{"tenants: a log that could not be asked", edits{func(s *scene.Scene) {
			s.Got(neighbour, evidence.Settle, "listener-log", evidence.Failed, "ECONNREFUSED")
		}}, other, judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(sound(test.edits...), test.detects), test.want) })
	}
}

func TestServicesOfTheNodeAndItsCloud(t *testing.T) {
	subject, witness := evidence.Subject, evidence.Witness
	cloud, kubelet, services := judge.AnswersMetadata(), judge.OpensKubelet(), judge.ReachesNodeServices()
	reaches := set(subject, evidence.LookAgain, "kubelet", "reached", evidence.List("10250"))
	for _, test := range []struct {
		name    string
		edits   edits
		detects judge.Detection
		want    judge.Outcome
	}{
		{"metadata: silence", nil, cloud, judge.Undetected},
		{"metadata: an answer", edits{set(subject, evidence.Look, "metadata", "answered", evidence.List("gce"))}, cloud, judge.Detected},
		{"metadata: none on this node", edits{set(witness, evidence.Look, "metadata", "answered", evidence.List())}, cloud, judge.NoTruth},
		{"metadata: an answer, though the node has none", edits{set(witness, evidence.Look, "metadata", "answered", evidence.List()),
			set(subject, evidence.Look, "metadata", "answered", evidence.List("azure"))}, cloud, judge.Detected},
		{"metadata: the node did not ask", edits{func(s *scene.Scene) { s.Forget(witness, evidence.Look, "metadata") }}, cloud, judge.Unknown},
		{"kubelet: not reached", nil, kubelet, judge.Undetected},
		{"kubelet: reached, and strangers are refused", edits{reaches}, kubelet, judge.Undetected},
		{"kubelet: reached, and strangers are told", edits{reaches, strangers("granted", "refused")}, kubelet, judge.Detected},
		{"kubelet: strangers are told, but not reached", edits{strangers("granted", "granted")}, kubelet, judge.Undetected},
		{"kubelet: reached, and strangers were not heard", edits{reaches, strangers("refused", "error")}, kubelet, judge.Unknown},
		{"kubelet: reached, and strangers did not ask", edits{reaches, func(s *scene.Scene) { s.Forget(evidence.API, evidence.Look, "kubelet-anonymous") }}, kubelet, judge.Unknown},
		{"kubelet: open without TLS", edits{set(subject, evidence.LookAgain, "kubelet", "open", evidence.List("10255"))}, kubelet, judge.Detected},
		{"kubelet: the stand-in alone", edits{set(subject, evidence.LookAgain, "kubelet", "stand_in", evidence.Text("open"))}, kubelet, judge.Undetected},
		{"kubelet: none on this node", edits{set(witness, evidence.LookAgain, "kubelet", "reached", evidence.List())}, kubelet, judge.NoTruth},
		{"services: none", nil, services, judge.Undetected},
		{"services: one", edits{set(subject, evidence.LookAgain, "node-services", "reached", evidence.List("9100"))}, services, judge.Detected},
		{"services: one that the node does not have", edits{set(subject, evidence.LookAgain, "node-services", "reached", evidence.List("4711"))}, services, judge.Undetected},
		{"services: the node has none", edits{set(witness, evidence.Act, "node-services", "ports", evidence.List())}, services, judge.Undetected},
		{"services: the planted one alone", edits{set(subject, evidence.LookAgain, "node-services", "stand_in", evidence.Text("done"))}, services, judge.Undetected},
		{"services: the node did not list them", edits{func(s *scene.Scene) { s.Forget(witness, evidence.Act, "node-services") }}, services, judge.Unknown},
		{"services: was not told", edits{untold(subject, evidence.LookAgain, "node-services")}, services, judge.AbsentThere},
		{"kubelet: was not told", edits{untold(subject, evidence.LookAgain, "kubelet")}, kubelet, judge.AbsentThere},
		{"kubelet: a reading is missing", edits{func(s *scene.Scene) { s.Unset(subject, evidence.LookAgain, "kubelet", "open") }}, kubelet, judge.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(sound(test.edits...), test.detects), test.want) })
	}
}

func TestDevicesAndSettings(t *testing.T) {
	subject, witness := evidence.Subject, evidence.Witness
	passed := func(nodes ...string) func(*scene.Scene) {
		return set(subject, evidence.Look, "device-set", "nodes", evidence.List(nodes...))
	}
	ownBoot := set(subject, evidence.Look, "boot-id", "boot_id", evidence.Text(scene.Node().BootID))
	opened := set(subject, evidence.Look, "sysctls", "opened", evidence.List("kernel.modprobe"))
	for _, test := range []struct {
		name    string
		edits   edits
		detects judge.Detection
		want    judge.Outcome
	}{
		{"set: none", nil, judge.HasDevicesOf(), judge.Undetected},
		{"set: one of four", edits{passed("/dev/kvm c 10:232")}, judge.HasDevicesOf(), judge.Undetected},
		{"set: half, with numbers of their own", edits{passed("/dev/sda b 254:0", "/dev/sda1 b 254:1")}, judge.HasDevicesOf(), judge.Detected},
		{"set: of another type", edits{passed("/dev/sda c 8:0", "/dev/sda1 c 8:1")}, judge.HasDevicesOf(), judge.Undetected},
		{"set: the node has two", edits{set(witness, evidence.Look, "device-set", "nodes", evidence.List("/dev/kvm c 10:232", "/dev/sda b 8:0"))}, judge.HasDevicesOf(), judge.NoTruth},
		{"settings: refused", nil, judge.OpensLikeNode("sysctls"), judge.Undetected},
		{"settings: of a kernel of its own", edits{opened}, judge.OpensLikeNode("sysctls"), judge.Undetected},
		{"settings: of the node's", edits{opened, ownBoot}, judge.OpensLikeNode("sysctls"), judge.Detected},
		{"settings: of a kernel that cannot be told", edits{opened, untold(subject, evidence.Look, "boot-id")}, judge.OpensLikeNode("sysctls"), judge.Unknown},
		{"settings: the node's root opens none", edits{set(witness, evidence.Look, "sysctls", "opened", evidence.List())}, judge.OpensLikeNode("sysctls"), judge.NoTruth},
	} {
		t.Run(test.name, func(t *testing.T) { expectSight(t, sight(sound(test.edits...), test.detects), test.want) })
	}
}
