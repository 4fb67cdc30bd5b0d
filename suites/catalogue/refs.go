package catalogue

import "strings"

// Refs reads references from short forms such as "NIST SC-39", "SP800-190 3.5",
// "CIS 5.2.12", "ATT&CK T1611" and "CVE-2024-21626".
func Refs(short ...string) []Ref {
	refs := make([]Ref, len(short))
	for i, s := range short {
		prefix, id, _ := strings.Cut(s, " ")
		switch prefix {
		case "NIST":
			refs[i] = Ref{Source: "NIST SP 800-53 rev 5", ID: id}
		case "SP800-190":
			refs[i] = Ref{Source: "NIST SP 800-190", ID: id}
		case "CIS":
			refs[i] = Ref{Source: CISBenchmark, ID: id}
		case "ATT&CK":
			refs[i] = Ref{Source: "MITRE ATT&CK", ID: id}
		default:
			refs[i] = Ref{Source: "CVE", ID: s}
			if strings.HasPrefix(s, "GHSA-") {
				refs[i].Source = "GHSA"
			}
		}
	}
	return refs
}

// CISBenchmark names the edition whose numbering the references use.
const CISBenchmark = "CIS Kubernetes Benchmark v1.11"

// String shows a reference in one piece.
func (r Ref) String() string {
	if r.Source == "CVE" || r.Source == "GHSA" {
		return r.ID
	}
	return r.Source + " " + r.ID
}
