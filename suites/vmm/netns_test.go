package vmm_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/fixtures/recordings"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/judge"
)

// A monitor in a network namespace of its own is in its pod's when the runtime names that
// one, and it was found.
func TestThePodsNetworkIsCompared(t *testing.T) {
	for netns, want := range map[string]struct {
		result judge.Result
		says   string
	}{
		"":           {judge.Pass, "the runtime names none"},
		"own":        {judge.Pass, "in the pod's network namespace"},
		"4026599999": {judge.Fail, "not its pod's"},
		"lost":       {judge.Error, "was not found"},
	} {
		recording, records := recorded(t, recordings.GoShim)
		for _, record := range records {
			for _, o := range record.Observations {
				processes, ok := o.Values.List("processes")
				sandboxes, told := o.Values.List("sandboxes")
				if !ok || !told || record.Vantage != evidence.Witness {
					continue
				}
				number := netns
				for _, line := range processes {
					if _, after, found := strings.Cut(line, ",net:"); found && netns == "own" && strings.Contains(line, "role=vmm") {
						number, _, _ = strings.Cut(after, ",")
					}
				}
				changed := make([]string, len(sandboxes))
				for i, line := range sandboxes {
					before, _, _ := strings.Cut(line, "netns=")
					changed[i] = before + "netns=" + number
				}
				o.Values["sandboxes"] = evidence.List(changed...)
			}
		}
		if v := judged(t, recording, records)["vmm-netns"]; v.Result != want.result || !strings.Contains(v.Reason, want.says) {
			t.Errorf("netns=%s: %s (%s), want %s (%s)", netns, v.Result, v.Reason, want.result, want.says)
		}
	}
}
