package probes

import "slices"

// PagesFile is the file of the probe's image whose pages in the page cache carry
// signs: who reads some of them leaves them in the memory of the kernel that
// answered, and who shares that kernel can tell which they were. Containers of
// one image share the file's inode wherever the image's layers are mounted and
// not copied.
const PagesFile = "/pages"

const (
	// PageBytes is the granularity of the signs. A kernel with larger pages
	// brings several of these into its memory at once; the witness then finds
	// that its sign does not come out as it was made, and says so.
	PageBytes = 4096
	// PagesInRegion is the length of a sign, in pages.
	PagesInRegion = 64
)

// The regions of PagesFile, one for everyone who leaves a sign.
const (
	RegionNode      = "node"
	RegionTenantA   = "tenant-a"
	RegionTenantB   = "tenant-b"
	RegionReference = "reference"
)

// PageRegions lists the regions in the order in which they lie in the file. The
// tenants' come last: what serves a sandbox its files from the node reads ahead
// of what it is asked for, which would blur the sign in the region after it.
func PageRegions() []string {
	return []string{RegionNode, RegionReference, RegionTenantA, RegionTenantB}
}

// PageRegion returns where a region begins, in bytes, and whether there is one
// of that name.
func PageRegion(name string) (offset int64, ok bool) {
	index := slices.Index(PageRegions(), name)
	return int64(index) * PagesInRegion * PageBytes, index >= 0
}
