package plant

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/internal/keys"
)

// putKey adds a key to the keyring of the node's root, where every process of
// root on this kernel finds it. If the holder does not take it back, the kernel
// does when its time is over.
func putKey(s *site, r *report) {
	serial, err := keys.Add(s.name(), s.token(probes.TokenKey), s.scaled(timeToLive))
	if err != nil {
		r.failed("key", err)
		return
	}
	r.planted("key", "%d", serial)
}

func findKeys(s *site) []string {
	serials, err := keys.Described(s.owns)
	if err != nil || len(serials) == 0 {
		return nil
	}
	return []string{s.name()}
}

func removeKeys(s *site) error {
	serials, err := keys.Described(s.owns)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOKEY) {
		return nil // nothing can have been planted
	}
	failures := err
	for _, serial := range serials {
		failures = errors.Join(failures, keys.Remove(serial))
	}
	return failures
}
