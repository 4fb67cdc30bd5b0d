package doctor

import (
	"errors"
	"strings"
	"testing"

	nodev1 "k8s.io/api/node/v1"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/certification"
	"github.com/katacert/katacert/suites/katanode"
)

// recorded is what a witness told of the files of a node with Kata, and the handler
// that it was asked about.
func recorded(t *testing.T, name string) (evidence.Record, string) {
	t.Helper()
	recording, err := recordings.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	records, err := recording.Records()
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if o, ok := record.Observation(probeKata); ok {
			handler, _ := o.Values.Text("handler")
			return record, handler
		}
	}
	t.Fatalf("%s holds no observation %s", name, probeKata)
	return evidence.Record{}, ""
}

// looked is the diagnosis of a node on which the witness saw the records.
func looked(t *testing.T, handler string, look certification.NodeLook) *Diagnosis {
	t.Helper()
	n, c := node("one", nil, handler), class("kata", handler, nil)
	d := &Diagnosis{Targets: []Target{target(*n, *c)}}
	d.node(*n)
	look.Node = "one"
	d.look(look, []nodev1.RuntimeClass{*c})
	return d
}

// with replaces an observation of a record.
func with(record evidence.Record, o evidence.Observation) evidence.Record {
	kept := []evidence.Observation{o}
	for _, other := range record.Observations {
		if other.Probe != o.Probe {
			kept = append(kept, other)
		}
	}
	record.Observations = kept
	return record
}

func TestKataBehindAHandler(t *testing.T) {
	for _, test := range []struct{ recording, says string }{
		{"kata-4.1-qemu-rs", "runtime-rs, hypervisor qemu"},
		{"kata-4.1-qemu-go", "the Go shim, hypervisor qemu"},
		{"kata-4.1-clh-go", "the Go shim, hypervisor clh"},
		{"kata-4.1-qemu-crio", "the Go shim, hypervisor qemu"},
	} {
		record, handler := recorded(t, test.recording)
		d := looked(t, handler, certification.NodeLook{Records: map[string]evidence.Record{handler: record}})
		if f := d.finding("node one", "handler "+handler); f.State != OK || !strings.Contains(f.Detail, test.says) {
			t.Errorf("%s: %+v", test.recording, f)
		}
		if f := d.finding("node one", nameVersion); f.State != OK || !strings.Contains(f.Detail, "4.1.0, by /opt/kata/") {
			t.Errorf("%s: %+v", test.recording, f)
		}
		if d.Targets[0].State != OK {
			t.Errorf("%s: %+v", test.recording, d.Targets)
		}
	}
}

// shimOf is the path of the shim that the container runtime starts.
func shimOf(t *testing.T, o evidence.Observation) string {
	t.Helper()
	n, err := katanode.Read(o)
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := n.Runtime()
	if err != nil || runtime.Path == "" {
		t.Fatalf("%+v, %v", runtime, err)
	}
	return runtime.Path
}

// What the node says of itself is hostile no more than it is believed: what cannot
// be read is said, and what is missing stands in the way of its target alone.
func TestKataThatIsBroken(t *testing.T) {
	record, handler := recorded(t, "kata-4.1-qemu-rs")
	files, _ := record.Observation(probeKata)
	shim := shimOf(t, files)
	change := func(name string, value evidence.Value) evidence.Record {
		changed := files
		changed.Values = evidence.Values{}
		for key, kept := range files.Values {
			changed.Values[key] = kept
		}
		changed.Values[name] = value
		return with(record, changed)
	}
	for _, test := range []struct {
		name   string
		record evidence.Record
		state  State
		says   string
		target State
	}{
		{"no such handler", change("handler", evidence.Text("kata-other")), Problem, "knows the handler", Problem},
		{"no shim", change("programs", evidence.List(`{"role":"shim","path":"`+shim+`","bytes":0,"uid":0,"problem":"no such file or directory"}`)), Problem, "Kata's shim " + shim, Problem},
		{"another shim is not there", change("programs", evidence.List(`{"role":"shim","path":"/elsewhere","bytes":0,"uid":0,"problem":"no such file or directory"}`)), OK, "hypervisor qemu", OK},
		{"a file that is none", change("files", evidence.List(`{"path":`)), Unknown, "a file of the witness", OK},
		{"unreadable", with(record, evidence.Observation{Probe: probeKata, State: evidence.Denied, Errno: "EACCES"}), Unknown, "could not read", OK},
	} {
		d := looked(t, handler, certification.NodeLook{Records: map[string]evidence.Record{handler: test.record}})
		if f := d.finding("node one", "handler "+handler); f.State != test.state || !strings.Contains(f.Detail, test.says) || (f.State == OK) != (f.Mend == "") {
			t.Errorf("%s: %+v", test.name, f)
		}
		if d.Targets[0].State != test.target {
			t.Errorf("%s: %+v", test.name, d.Targets)
		}
	}
}

func TestHardware(t *testing.T) {
	record := func(cpu, nested string, groups int64, present, gpus []string) evidence.Record {
		return evidence.Record{Observations: []evidence.Observation{
			{Probe: probeDevices, State: evidence.Seen, Values: evidence.Values{"present": evidence.List(present...)}},
			{Probe: probeVirtualisation, State: evidence.Seen, Values: evidence.Values{"cpu": evidence.Text(cpu), "nested": evidence.Text(nested),
				"iommu_groups": evidence.Number(groups), "gpus": evidence.List(gpus...)}},
		}}
	}
	whole := []string{"/dev/kvm", "/dev/vhost-net", "/dev/vhost-vsock", "/dev/vfio/vfio"}
	for _, test := range []struct {
		name   string
		record evidence.Record
		about  string
		state  State
		says   string
	}{
		{"bare metal", record("vmx", "on", 80, whole, nil), "virtualisation", OK, "/dev/kvm, processor with vmx, nested virtualisation on"},
		{"bare metal", record("vmx", "on", 80, whole, nil), "iommu", OK, "80 groups"},
		{"bare metal", record("vmx", "on", 80, whole, nil), "vhost-vsock", OK, "/dev/vhost-vsock"},
		{"no module", record("svm", "off", 0, nil, nil), "virtualisation", Missing, "there is no /dev/kvm (processor with svm)"},
		{"a cloud without it", record("none", "off", 0, nil, nil), "virtualisation", Missing, "shows no virtualisation"},
		{"a device that may hang", record("none", "off", 0, whole, nil), "virtualisation", Missing, "may hang"},
		{"arm64", record("unknown", "off", 1, whole, nil), "virtualisation", OK, "/dev/kvm"},
		{"no vsock", record("svm", "off", 0, []string{"/dev/kvm"}, nil), "vhost-vsock", Missing, "there is no /dev/vhost-vsock"},
		{"no IOMMU", record("svm", "off", 0, whole, nil), "iommu", Missing, "no IOMMU group"},
		{"a GPU for VMs", record("svm", "off", 9, whole, []string{"0000:41:00.0 vfio-pci 17"}), "gpu-driver", OK, "0000:41:00.0 is bound to vfio-pci, IOMMU group 17"},
		{"a GPU of the node", record("svm", "off", 9, whole, []string{"0000:41:00.0 nvidia 17"}), "gpu-driver", Missing, "held by driver nvidia"},
		{"a witness that says nothing", evidence.Record{}, "hardware", Unknown, "did not tell"},
	} {
		d := &Diagnosis{}
		d.hardware("node one", test.record)
		if f := d.finding("node one", test.about); f.State != test.state || !strings.Contains(f.Detail, test.says) || (f.State == OK) != (f.Mend == "") {
			t.Errorf("%s: %+v of %+v", test.name, f, d.Findings)
		}
	}
}

// A node on which the witness cannot look cannot be certified.
func TestAWitnessThatCannotLook(t *testing.T) {
	d := looked(t, "kata-qemu", certification.NodeLook{Err: errors.New("pod katacert/witness:\nErrImagePull")})
	if f := d.finding("node one", "witness"); f.State != Problem || strings.Contains(f.Detail, "\n") {
		t.Errorf("%+v", f)
	}
	if d.Targets[0].State != Problem {
		t.Errorf("%+v", d.Targets)
	}
}

func TestHandlersAreLookedAtOnce(t *testing.T) {
	classes := []nodev1.RuntimeClass{*class("b", "kata-qemu", nil), *class("a", "kata-qemu", nil), *class("c", "kata-clh", nil)}
	if got := handlersIn(classes); len(got) != 2 || got[0] != "kata-clh" {
		t.Errorf("%v", got)
	}
	if got := handlersIn(nil); len(got) != 1 || got[0] != "" {
		t.Errorf("%v", got)
	}
}
