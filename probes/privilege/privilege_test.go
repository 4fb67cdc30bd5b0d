package privilege

import (
	"os"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

func TestParseStatus(t *testing.T) {
	status, err := os.ReadFile("testdata/status-root.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		status           string
		capEff, capBnd   string
		seccomp, noPrivs int64
		readings         int
	}{
		"root without seccomp": {status: string(status), capEff: "000001fffeffffff", capBnd: "000001fffeffffff", readings: 4},
		"confined": {
			status: "Name:\tprobe\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n",
			capEff: "0000000000000000", capBnd: "00000000a80425fb", noPrivs: 1, seccomp: 2, readings: 4,
		},
		"kernel without seccomp": {status: "CapEff:\t0000000000000001\nCapBnd:\t0000000000000001\n", capEff: "0000000000000001", capBnd: "0000000000000001", readings: 2},
	} {
		t.Run(name, func(t *testing.T) {
			values := parseStatus([]byte(test.status))
			eff, _ := values.Text("cap_eff")
			bnd, _ := values.Text("cap_bnd")
			seccomp, _ := values.Number("seccomp")
			noPrivs, _ := values.Number("no_new_privs")
			if eff != test.capEff || bnd != test.capBnd || seccomp != test.seccomp || noPrivs != test.noPrivs || len(values) != test.readings {
				t.Errorf("got %v", values)
			}
		})
	}
}

func TestOnThisMachine(t *testing.T) {
	o := posture(&probes.Context{})
	if o.State != evidence.Seen {
		t.Fatalf("got %s: %s", o.State, o.Detail)
	}
	if uid, ok := o.Values.Number("uid"); !ok || uid != int64(os.Getuid()) {
		t.Errorf("got uid %d, want %d", uid, os.Getuid())
	}
}
