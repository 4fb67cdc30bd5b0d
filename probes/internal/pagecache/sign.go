// Package pagecache leaves signs in the kernel's page cache and reads them.
package pagecache

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"github.com/katacert/katacert/probes"
)

// Sign says of each page of a region whether it is in memory: bit i stands for
// page i.
type Sign uint64

// MakeSign draws a random half of a region's pages from a secret. A half, because
// a cache that holds nothing and one that holds everything then differ from it
// alike, in 32 pages.
func MakeSign(secret []byte, region string) Sign {
	seed := sha256.Sum256(append([]byte("katacert pages "+region+" "), secret...))
	var sign Sign
	// No secret hangs on the quality of the draw, only that nobody without the
	// seed can repeat it.
	for _, page := range rand.New(rand.NewChaCha8(seed)).Perm(probes.PagesInRegion)[:probes.PagesInRegion/2] { //nolint:gosec // see above
		sign |= 1 << page
	}
	return sign
}

// Has says whether a page is in memory.
func (s Sign) Has(page int) bool { return s&(1<<page) != 0 }

// String writes the sign as 16 hexadecimal digits, the last page first.
func (s Sign) String() string { return fmt.Sprintf("%016x", uint64(s)) }
