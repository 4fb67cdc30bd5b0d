// Package privilege observes with which rights a container runs.
package privilege

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// Probes returns the probes of the group in the order in which they run.
func Probes() []probes.Probe {
	return []probes.Probe{
		{ID: "posture", Rounds: []evidence.Round{evidence.Look, evidence.Trial}, Observe: posture},
		{ID: "covered-paths", Rounds: []evidence.Round{evidence.Look}, From: probes.NotWitness, OptIn: true, Observe: coveredPaths},
	}
}

// posture reads the process's capabilities (16 hexadecimal digits), identity,
// seccomp mode (0 off, 1 strict, 2 filter), no_new_privs and security label.
func posture(*probes.Context) evidence.Observation {
	status, err := kernfs.Read("/proc/self/status")
	if err != nil {
		return probes.Unreadable(err)
	}
	values := parseStatus(status)
	values["uid"] = evidence.Number(int64(os.Getuid()))
	values["gid"] = evidence.Number(int64(os.Getgid()))
	// The file cannot be read where no security module keeps labels.
	if label, err := kernfs.Line("/proc/self/attr/current"); err == nil {
		values["lsm"] = evidence.Text(label)
	}
	return probes.Seen(values)
}

// parseStatus picks the readings out of /proc/<pid>/status
// (proc_pid_status(5)). A kernel without a feature leaves its line out.
func parseStatus(status []byte) evidence.Values {
	values := evidence.Values{}
	for line := range bytes.Lines(status) {
		key, value, found := strings.Cut(string(line), ":")
		if !found {
			continue
		}
		value = strings.TrimSpace(value)
		switch key {
		case "CapEff":
			values["cap_eff"] = evidence.Text(value)
		case "CapBnd":
			values["cap_bnd"] = evidence.Text(value)
		case "Seccomp":
			if mode, err := strconv.ParseInt(value, 10, 64); err == nil {
				values["seccomp"] = evidence.Number(mode)
			}
		case "NoNewPrivs":
			if set, err := strconv.ParseInt(value, 10, 64); err == nil {
				values["no_new_privs"] = evidence.Number(set)
			}
		}
	}
	return values
}
