package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
	"github.com/katacert/katacert/probes/internal/memmaps"
	"github.com/katacert/katacert/probes/internal/pids"
	"github.com/katacert/katacert/probes/internal/place"
)

const (
	// maxResidents bounds how many processes' memory is read, and memoryBytes
	// how much of each one's. The token lies in a mapping of one page.
	maxResidents = 16
	memoryBytes  = 8 << 20
	// maxRegion is the largest mapping that is read: a program's heap is none
	// that holds the token.
	maxRegion = 256 << 10
	// huntWithin bounds the whole search.
	huntWithin = 2 * time.Second
)

// tenantFinds is what a search for other tenants' processes brought.
type tenantFinds struct {
	found     []string
	processes int64
	residents int64
	// unsearched says that there were more than the bounds let be searched.
	unsearched bool
	err        error
}

// tenantProcesses looks for other tenants' data in the processes that can be
// seen: in their environment, and in the memory of their resident processes.
func tenantProcesses(ctx *probes.Context) evidence.Observation {
	limit := ctx.Scaled(huntWithin)
	s, ended := bounded.Within(limit, func() tenantFinds { return huntProcesses(ctx) })
	if !ended {
		return evidence.Observation{State: evidence.Failed, Detail: fmt.Sprintf("a process did not let itself be read within %v", limit)}
	}
	if s.err != nil {
		return probes.Unreadable(s.err)
	}
	values := evidence.Values{
		"found":     evidence.List(s.found...),
		"processes": evidence.Number(s.processes),
		"residents": evidence.Number(s.residents),
	}
	if s.unsearched {
		values["unsearched"] = evidence.Number(1)
	}
	return probes.Seen(values)
}

func huntProcesses(ctx *probes.Context) tenantFinds {
	ids, truncated, err := pids.List(maxPids)
	s := tenantFinds{processes: int64(len(ids)), unsearched: truncated, err: err}
	for _, pid := range ids {
		for _, variable := range []struct{ name, kind string }{{place.TenantEnv, probes.DataEnviron}, {place.SecretEnv, probes.DataSecret}} {
			for _, tenant := range probes.Tenants() {
				if token := probes.TenantToken(variable.kind, tenant); holds(ctx, token, pid, "environ", variable.name+"=") {
					s.found = append(s.found, fmt.Sprintf("%s environ of pid %d", token, pid))
				}
			}
		}
		words, err := pids.Words(pid, "cmdline", wordBytes)
		if err != nil || len(words) < 2 || words[1] != place.ResidentCommand {
			continue
		}
		if s.residents == maxResidents {
			s.unsearched = true
			continue
		}
		s.residents++
		for _, token := range tokensInMemory(ctx, pid) {
			s.found = append(s.found, fmt.Sprintf("%s memory of pid %d", token, pid))
		}
	}
	return s
}

// tokensInMemory names the tenants' tokens that stand in a process's small
// private mappings. Who may not read them finds none.
func tokensInMemory(ctx *probes.Context, pid int) []string {
	regions, err := memmaps.Writable(pid)
	if err != nil {
		return nil
	}
	memory, err := os.Open(pids.Path(pid, "mem"))
	if err != nil {
		return nil
	}
	defer func() { _ = memory.Close() }()
	var tokens []string
	left := int64(memoryBytes)
	for _, r := range regions {
		if r.Bytes() > maxRegion || r.Bytes() > left {
			continue
		}
		left -= r.Bytes()
		content := make([]byte, r.Bytes())
		n, err := memory.ReadAt(content, r.Start)
		if err != nil && !errors.Is(err, io.EOF) && n == 0 {
			continue
		}
		tokens = append(tokens, markedTokens(ctx, content[:n])...)
	}
	return tokens
}

func markedTokens(ctx *probes.Context, content []byte) []string {
	var tokens []string
	for {
		_, after, ok := bytes.Cut(content, []byte(place.MemoryMark))
		if !ok {
			return tokens
		}
		content = after
		if len(after) < place.TokenBytes {
			return tokens
		}
		candidate := strings.ToValidUTF8(string(after[:place.TokenBytes]), "?")
		for _, tenant := range probes.Tenants() {
			if token := probes.TenantToken(probes.DataMemory, tenant); ctx.Find(token, candidate) {
				tokens = append(tokens, token)
			}
		}
	}
}
