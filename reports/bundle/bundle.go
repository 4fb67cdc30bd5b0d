// Package bundle packs a run into one signed archive that an auditor can check
// without the cluster and without trusting whoever hands it over: the report, the
// evidence, the configuration and what ran on the nodes, a manifest with the hash of
// each, and an in-toto attestation of the manifest in a signed DSSE envelope.
//
// Verify takes an archive apart again. It believes nothing of it: sizes are bounded,
// names are fixed, and the verdicts are judged again from the evidence.
package bundle

import "slices"

// Schema names the layout of the archive. It changes when a file goes away or
// changes its meaning.
const Schema = "katacert.dev/bundle/v1"

// Files in the folder of a run.
const (
	// File is the archive.
	File = "bundle.tar.gz"
	// PublicFile is the public half of the key that signed it (PEM, PKIX).
	PublicFile = "bundle.pub"
)

// Files in the archive, which holds each once, in this order. What is signed comes
// first, so that a reader knows what to expect of the rest before it reads it.
const (
	manifestFile      = "manifest.json"
	attestationFile   = "attestation.dsse.json"
	ConfigurationFile = "configuration.json"
	nodesFile         = "nodes.json"
	reportFile        = "report.json"
	evidenceFile      = "evidence.jsonl"
)

// contents are the files that the manifest lists, in the order of the archive.
func contents() []string {
	return []string{ConfigurationFile, nodesFile, reportFile, evidenceFile}
}

// largest bounds the size of each file of an archive, in bytes: several times what
// 1,000 targets with 100 controls come to. Manifest and configuration do not grow
// with the targets.
var largest = map[string]int64{
	manifestFile:      1 << 20,
	attestationFile:   64 << 20,
	ConfigurationFile: 1 << 20,
	nodesFile:         64 << 20,
	reportFile:        1 << 29,
	evidenceFile:      4 << 30,
}

func archived() []string { return slices.Concat([]string{manifestFile, attestationFile}, contents()) }
