package plant

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// The stand-in tells a stranger its pods, as an open kubelet does, for as long as
// the holder lives.
func TestStandInOfAnOpenKubelet(t *testing.T) {
	root, run := node(t), newRun()
	t.Cleanup(func() {
		if _, err := Sweep(root, run); err != nil {
			t.Error(err)
		}
	})
	ctx := witness(t, evidence.Act, root, run)
	ctx.Params = map[string]string{probes.ParamNodeIP: "127.0.0.1"}
	o := observe(ctx)
	port, ok := o.Values.Text(probes.GivePrefix + probes.ParamOpenKubelet)
	if !ok {
		t.Fatalf("no stand-in: %v", o.Values)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	address := net.JoinHostPort("127.0.0.1", port)
	response, err := client.Get("http://" + address + "/pods")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var pods struct{ Kind string }
	if err := json.NewDecoder(response.Body).Decode(&pods); err != nil || response.StatusCode != http.StatusOK || pods.Kind != "PodList" {
		t.Errorf("status %s, %+v, %v", response.Status, pods, err)
	}
	settled := *ctx
	settled.Round = evidence.Settle
	reverted, _ := observe(&settled).Values.List("reverted")
	if !hasKind(reverted, plantKubelet) {
		t.Errorf("reverted only %q", reverted)
	}
	if connection, err := net.Dial("tcp", address); err == nil {
		_ = connection.Close()
		t.Error("somebody listens after settle")
	}
}

func TestNoStandInWithoutAnAddress(t *testing.T) {
	root, run := node(t), newRun()
	_, lines, values := planted(t, root, run)
	failed, _ := values.List("failed")
	if hasKind(lines, plantKubelet) || !slices.ContainsFunc(failed, func(line string) bool { return strings.Contains(line, "was not told an address of the node") }) {
		t.Errorf("planted %q, failed %q", lines, failed)
	}
}
