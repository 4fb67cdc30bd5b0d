package tenancy

import (
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/suites/catalogue"
	"github.com/katacert/katacert/suites/judge"
)

// pageCache asks between two tenants what kernel-page-cache asks between a pod
// and its node.
func pageCache() catalogue.Control {
	return catalogue.Control{
		ID:           "tenant-page-cache",
		Group:        catalogue.Tenancy,
		Title:        "A tenant cannot tell from the page cache what the other one read",
		Why:          "Two tenants that run one image share its pages wherever they share a kernel: which parts of a library or of a model one of them uses can be read by the other.",
		Proves:       "Neither of two tenants' pods recovered which random half of an image file's pages the other had just read.",
		ProvesNot:    "That no timing of reads tells it: a shared folder such as virtio-fs is served from the node's page cache.",
		OnFail:       "The tenants share a kernel: look at tenant-kernel and runtimeclass-handler first. Until that is mended, give every tenant images of its own.",
		Level:        catalogue.Isolation,
		Profile:      catalogue.Nightly,
		Safety:       catalogue.Plants,
		Shown:        "a plain runc pod must recover which pages another plain runc pod read",
		NeedsTenants: true,
		Also:         []evidence.Vantage{evidence.Reference},
		// Any weakness will do: what counts is that it is a second pod on runc, and
		// this one runs in profile quick already.
		Rule: &judge.Rule{Detects: judge.TenantsSharePageCache(), Control: evidence.Weakened("host-pid")},
		// gVisor's mincore(2) calls every page resident.
		Expected: map[judge.Kind]judge.Result{judge.KindUserKernel: judge.NotApplicable},
		Refs:     catalogue.Refs("NIST SC-4", "NIST AC-4", "SP800-190 3.5", "ATT&CK T1082", "CVE-2019-5489"),
	}
}
