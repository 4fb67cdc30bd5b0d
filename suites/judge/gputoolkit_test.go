package judge

import (
	"strings"
	"testing"
)

// Which flaws each version has, as NVIDIA's bulletins say.
func TestFlawsOfToolkits(t *testing.T) {
	const hookOff = "file=/etc/nvidia-container-runtime/config.toml disable-cuda-compat-lib-hook=true"
	for name, test := range map[string]struct {
		version  string
		settings []string
		want     []string
		good     bool
	}{
		"of 2024":                     {version: "1.16.1-1", want: []string{"CVE-2024-0132", "CVE-2024-0135", "CVE-2025-23359", "CVE-2025-23266", "CVE-2025-23267", "CVE-2026-24260"}},
		"after the first":             {version: "1.16.2-1", want: []string{"CVE-2024-0135", "CVE-2025-23359", "CVE-2025-23266", "CVE-2025-23267", "CVE-2026-24260"}},
		"before its second half":      {version: "1.17.3-1", want: []string{"CVE-2025-23359", "CVE-2025-23266", "CVE-2025-23267", "CVE-2026-24260"}},
		"after it":                    {version: "1.17.4-1", want: []string{"CVE-2025-23266", "CVE-2025-23267", "CVE-2026-24260"}},
		"a hook switched off":         {version: "1.17.7-1", settings: []string{hookOff}, want: []string{"CVE-2025-23267", "CVE-2026-24260"}},
		"of 2025":                     {version: "1.17.8-1", want: []string{"CVE-2026-24260"}},
		"before the last":             {version: "1.19.0-1", want: []string{"CVE-2026-24260"}},
		"a candidate for it":          {version: "1.19.1~rc.1-1", want: []string{"CVE-2026-24260"}},
		"after the last":              {version: "1.19.1-1", good: true},
		"later":                       {version: "1:1.20.0-1", good: true},
		"told to bring one back":      {version: "1.20.0-1", settings: []string{"file=/x allow-cuda-compat-libs-from-container=true"}, want: []string{"CVE-2025-23359"}},
		"told not to bring one back":  {version: "1.20.0-1", settings: []string{"file=/x allow-cuda-compat-libs-from-container=false"}, good: true},
		"a switch that is not thrown": {version: "1.17.7-1", settings: []string{"file=/x disable-cuda-compat-lib-hook=false"}, want: []string{"CVE-2025-23266", "CVE-2025-23267", "CVE-2026-24260"}},
	} {
		t.Run(name, func(t *testing.T) {
			sight := judgeToolkit(nil, []string{"name=nvidia-container-toolkit version=" + test.version}, test.settings)
			if (sight.Outcome == Undetected) != test.good {
				t.Fatalf("outcome %v: %s", sight.Outcome, sight.Reason)
			}
			for _, flaw := range toolkitFlaws {
				if want := strings.Join(test.want, " "); strings.Contains(sight.Reason, flaw.id) != strings.Contains(want, flaw.id) {
					t.Errorf("%s: want %s, got %s", flaw.id, want, sight.Reason)
				}
			}
		})
	}
}

// A program whose build says no version is no evidence for a good one.
func TestToolkitOfNoVersion(t *testing.T) {
	sight := judgeToolkit([]string{"path=/usr/bin/nvidia-ctk version="}, nil, nil)
	if sight.Outcome != Unknown || !strings.Contains(sight.Reason, "/usr/bin/nvidia-ctk") {
		t.Errorf("outcome %v: %s", sight.Outcome, sight.Reason)
	}
}
