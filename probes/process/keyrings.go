package process

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/keys"
	"github.com/katacert/katacert/probes/internal/place"
)

// keyrings looks for the planted key by its payload: in the keyrings that the
// process has, and among the keys that /proc/keys shows it, by serial number.
func keyrings(ctx *probes.Context) evidence.Observation {
	if ctx.Seek[probes.TokenKey] == "" {
		return untold(probes.TokenKey)
	}
	var (
		found, readings []string
		failures        []error
		ways            = []struct {
			name string
			list func() ([]int, error)
		}{
			{"user", func() ([]int, error) { return keys.List(unix.KEY_SPEC_USER_KEYRING) }},
			{"user-session", func() ([]int, error) { return keys.List(unix.KEY_SPEC_USER_SESSION_KEYRING) }},
			{"session", func() ([]int, error) { return keys.List(unix.KEY_SPEC_SESSION_KEYRING) }},
			{"proc-keys", keys.Visible},
		}
	)
	for _, way := range ways {
		serials, err := way.list()
		if err != nil {
			failures = append(failures, err)
			readings = append(readings, way.name+" "+errnoName(err))
			continue
		}
		readings = append(readings, fmt.Sprintf("%s %d", way.name, len(serials)))
		for _, serial := range serials {
			payload, err := keys.Payload(serial)
			if err == nil && len(payload) == place.TokenBytes && ctx.Find(probes.TokenKey, payload) {
				found = append(found, way.name)
			}
		}
	}
	if len(failures) == len(ways) {
		o := refused(failures)
		o.Detail = strings.ReplaceAll(o.Detail, "\n", "; ")
		return o
	}
	return probes.Seen(evidence.Values{"found": evidence.List(found...), "keyrings": evidence.List(readings...)})
}
