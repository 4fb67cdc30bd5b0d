package bundle

import (
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/reports"
)

// The files of NVIDIA's driver that the witness hashed are subjects, and so is every
// file of the handler, whatever its role.
func TestFilesUnderTestAreSubjects(t *testing.T) {
	sum := strings.Repeat("0123456789abcdef", 4)
	r := ran{Target: "a/kata", Runtime: reports.Runtime{Shim: "containerd-shim-kata-v2", Digest: sum}, Programs: []program{{Role: "firmware", Path: "/opt/kata/edk2.fd", SHA256: sum}, {Role: "jailer", Path: "/opt/kata/jailer", SHA256: sum}}}
	r.add(evidence.Record{Round: evidence.Look, Vantage: evidence.Witness, Observations: []evidence.Observation{{
		Probe: "gpu-files", State: evidence.Seen, Values: evidence.Values{"driver": evidence.List(
			"role=module path=/lib/modules/6.8.0/nvidia.ko bytes=6 sha256="+sum, "role=library path=/usr/lib64/libcuda.so.570.1 bytes=7 sha256=short", "nonsense")},
	}}})
	if want := (program{Role: "module", Path: "/lib/modules/6.8.0/nvidia.ko", Bytes: 6, SHA256: sum}); !slices.Equal(r.DriverFiles, []program{want}) {
		t.Errorf("the driver's files are %+v, want %+v", r.DriverFiles, want)
	}
	var names []string
	for _, a := range (nodes{Targets: []ran{r}}).artefacts(nil) {
		names = append(names, a.name)
	}
	want := []string{"guest firmware /opt/kata/edk2.fd", "jailer /opt/kata/jailer", "NVIDIA driver module /lib/modules/6.8.0/nvidia.ko", "shim containerd-shim-kata-v2"}
	if !slices.Equal(names, want) {
		t.Errorf("the subjects are %q, want %q", names, want)
	}
}
