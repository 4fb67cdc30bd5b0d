package gputest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/katacert/katacert/suites/judge"
)

// planted reads what a tenant planted, by GPU, in bytes.
func (r Recorded) planted(p Place, stage string) (map[string]float64, error) {
	lines, err := r.list(target(p, stage), probeTenant, "planted")
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for _, text := range lines {
		l := parse(text)
		bytes, err := l.number("bytes")
		if err != nil {
			return nil, err
		}
		all[l["uuid"]] = bytes
	}
	return all, nil
}

// residue judges what a successor finds in the GPU's memory. Tenant and successor
// both hold nearly all of it, so that they must have held some of the same.
func residue(tenant, successor string) func(Recorded, Place) judge.Verdict {
	return func(r Recorded, p Place) judge.Verdict {
		planted, err := r.planted(p, tenant)
		if err != nil {
			return missing(err)
		}
		lines, err := r.gpus(target(p, successor), "gpu-residue")
		if err != nil {
			return missing(err)
		}
		var said []string
		for _, l := range lines {
			n, err := l.numbers("scanned", "memory", "marks")
			if err != nil {
				return missing(err)
			}
			overlap := planted[l["uuid"]] + n[0] - n[1]
			switch {
			case strings.Contains(l["tokens"], tenantName):
				return verdict(judge.Fail, "%s: the tenant's canary is found again", l["uuid"])
			case n[2] > 0:
				return verdict(judge.Fail, "%s: %.0f canaries of other tenants are found", l["uuid"], n[2])
			case l["own_found"] != "true":
				return verdict(judge.Invalid, "%s: the scan does not find the canary that it planted itself", l["uuid"])
			case n[0] < leastShare*n[1] || overlap <= 0:
				return verdict(judge.Invalid, "%s: %.0f bytes were planted and %.0f of %.0f scanned", l["uuid"], planted[l["uuid"]], n[0], n[1])
			}
			said = append(said, fmt.Sprintf("%.1f GB planted, %.1f GB scanned, at least %.1f GB of them the same", planted[l["uuid"]]/1e9, n[0]/1e9, overlap/1e9))
		}
		return verdict(judge.Pass, "canary not recovered: %s; the same scan finds a canary of its own", strings.Join(said, ", "))
	}
}

// local judges what a successor finds in the shared memory of the multiprocessors
// (the class of CVE-2023-4969).
func local(tenant, successor string) func(Recorded, Place) judge.Verdict {
	return func(r Recorded, p Place) judge.Verdict {
		if _, err := r.planted(p, tenant); err != nil {
			return missing(err)
		}
		lines, err := r.gpus(target(p, successor), "gpu-shared-memory")
		if err != nil {
			return missing(err)
		}
		var dumped float64
		for _, l := range lines {
			n, err := l.numbers("dumped", "unknown_tokens")
			switch {
			case err != nil:
				return missing(err)
			case strings.Contains(l["tokens"], tenantName) || n[1] > 0:
				return verdict(judge.Fail, "%s: a tenant's canary is found again in shared memory", l["uuid"])
			case l["own_found"] != "true":
				return verdict(judge.Invalid, "%s: what the probe itself left in shared memory is not found by its next kernel, so that nothing can be found", l["uuid"])
			}
			dumped += n[0]
		}
		return verdict(judge.Pass, "canary not recovered from %.1f MB of uninitialised shared memory; a canary of the process's own is", dumped/1e6)
	}
}

// releaseSlack is how many bytes more than before the driver may keep after
// tenants: it grows tables of its own.
const releaseSlack = 64 << 20

func release(r Recorded, p Place) judge.Verdict {
	used := func(target string) (total float64, err error) {
		lines, err := r.gpus(target, "gpu-nvml")
		if err != nil {
			return 0, err
		}
		for _, l := range lines {
			n, err := l.number("memory_used")
			if err != nil {
				return 0, err
			}
			total += n
		}
		return total, nil
	}
	before, err1 := used(target(Native, stageBefore))
	held, err2 := used(target(Native, stageHeld))
	freed, err3 := used(target(p, stageFreed))
	users, err4 := r.list(target(p, stageFreed), "gpu-nvml", "processes")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return missing(err)
	}
	if held <= before+releaseSlack {
		return verdict(judge.Invalid, "the memory in use does not show the tenant that holds it: %.1f GB before, %.1f GB meanwhile", before/1e9, held/1e9)
	}
	if freed > before+releaseSlack || len(users) > 0 {
		return verdict(judge.Fail, "%.1f GB are in use after the tenants, %.1f GB were before; processes: %s", freed/1e9, before/1e9, strings.Join(users, ", "))
	}
	rounds, wrong, err := r.repeated(p)
	switch {
	case err != nil:
		return missing(err)
	case wrong != "":
		return verdict(judge.Fail, "%s computes wrong", wrong)
	}
	return verdict(judge.Pass, "%d processes one after the other computed right; %.2f GB in use after tenants as %.2f GB before, %.1f GB while one held it", rounds, freed/1e9, before/1e9, held/1e9)
}

// repeated counts the short rounds at a place, and names the first one that did not
// compute right.
func (r Recorded) repeated(p Place) (rounds int, wrong string, err error) {
	for {
		name := target(p, again(rounds+1))
		if _, ok := r[name]; !ok {
			break
		}
		rounds++
		lines, err := r.gpus(name, "gpu-compute")
		if err != nil {
			return rounds, "", err
		}
		for _, l := range lines {
			n, err := l.numbers("vector_wrong", "matrix_wrong")
			if err != nil {
				return rounds, "", err
			}
			if n[0]+n[1] > 0 {
				return rounds, name, nil
			}
		}
	}
	if rounds == 0 {
		return 0, "", fmt.Errorf("%s was not run", target(p, again(1)))
	}
	return rounds, "", nil
}
