package filesystem

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/bounded"
)

const (
	// maxVolumes bounds how many folders that may be volumes are looked into.
	maxVolumes = 256
	// tenantWalkCPU bounds the search beyond the volumes; the one for the witness's
	// canaries walks the same roots and gets further.
	tenantWalkCPU = 60 * time.Millisecond
)

// volumePatterns are where a node keeps the volumes of its pods, as they appear
// below a mount of the node's root or of a part of it: the kubelet's folder of
// every pod, and those of provisioners of local volumes.
func volumePatterns() []string {
	return []string{
		"var/lib/kubelet/pods/*/volumes/*/*",
		"var/lib/kubelet/pods/*/volumes/*/*/mount",
		"lib/kubelet/pods/*/volumes/*/*",
		"kubelet/pods/*/volumes/*/*",
		"pods/*/volumes/*/*",
		"volumes/*/*",
		"tmp/hostpath_pv/*",
		"opt/local-path-provisioner/*",
		"var/local-path-provisioner/*",
		"var/lib/rancher/k3s/storage/*",
	}
}

// tenantFiles looks for other tenants' files by their content: first where a node
// keeps volumes, then by a walk from every root that can be reached.
func tenantFiles(ctx *probes.Context) evidence.Observation {
	w := newWalk(func(content, path string) (string, bool) {
		token, ok := tenantToken(ctx, content)
		return token + " " + path, ok
	})
	w.within, w.withinCPU = ctx.Scaled(walkWithin), ctx.Scaled(tenantWalkCPU)
	grace := ctx.Scaled(walkGrace)
	_, ended := bounded.Within(w.within+grace, func() struct{} {
		all := reachableRoots()
		w.first, w.missed = volumesBelow(all.paths)
		w.from(all)
		return struct{}{}
	})
	result := w.result()
	values := result.values(ended)
	values["volumes"] = evidence.Number(result.first)
	o := probes.Seen(values)
	if !ended {
		o.Detail = fmt.Sprintf("a file system did not answer within %v", grace)
	}
	return o
}

// tenantToken names the token of a tenant's file that the content is.
func tenantToken(ctx *probes.Context, content string) (string, bool) {
	hash := probes.TokenHash(content)
	for _, kind := range []string{probes.DataDataset, probes.DataCheckpoint, probes.DataSecret} {
		for _, tenant := range probes.Tenants() {
			if name := probes.TenantToken(kind, tenant); ctx.Seek[name] == hash {
				return name, true
			}
		}
	}
	return "", false
}

// volumesBelow lists the folders below the roots that may be volumes, and says
// whether there are more than are looked into.
func volumesBelow(roots []string) (volumes []string, more bool) {
	for _, root := range roots {
		for _, pattern := range volumePatterns() {
			// Only a malformed pattern is an error.
			matches, _ := filepath.Glob(filepath.Join(escape(root), pattern))
			if room := maxVolumes - len(volumes); len(matches) > room {
				return append(volumes, matches[:room]...), true
			}
			volumes = append(volumes, matches...)
		}
	}
	return volumes, false
}

// escape makes a path match itself as a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
