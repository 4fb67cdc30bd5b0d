package isolation

import (
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// pageCache judges by the node's page cache. Both flaws that it names wrote into
// pages of files that the writer could only read: who shares the pages of a file
// with the node shares its kernel's mistakes with them.
func pageCache() catalogue.Control {
	return catalogue.Control{
		ID:        "kernel-page-cache",
		Title:     "The pod's files are not in the node's page cache",
		Why:       "Containers of one image share the pages of its files in the node's memory: what others read can be told from which pages are there, and a kernel flaw that writes into them reaches every container of the image.",
		Proves:    "The pod's kernel did not hold the random half of an image file's pages that the node had just read.",
		ProvesNot: "That no timing of reads tells which pages the node holds: a shared folder such as virtio-fs is served from the node's page cache.",
		Profile:   catalogue.Nightly,
		Safety:    catalogue.Plants,
		Signal:    catalogue.Instance,
		Rule:      byReference(judge.SharesPageCache()),
		// gVisor's mincore(2) calls every page resident.
		Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
		Refs: catalogue.Refs("NIST SC-4", "NIST SC-39", "SP800-190 3.5", "ATT&CK T1082", "CVE-2016-5195", "CVE-2022-0847",
			"CVE-2019-5489"),
	}
}
