package reports

import (
	"strings"

	"github.com/google/uuid"
)

// identities is the name space of the UUIDs in reports.
var identities = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://katacert.dev/report/v1"))

// identity derives a UUID (version 5, RFC 9562) from what it names, so that a
// report that is made again is the same to the byte, and one thing has one
// identity in every format.
func (r *Report) identity(parts ...string) string {
	return uuid.NewSHA1(identities, []byte(r.Run.ID+"\x00"+strings.Join(parts, "\x00"))).String()
}
