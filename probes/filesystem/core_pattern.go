package filesystem

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// corePatternFile names the program that the kernel starts, as root of the node
// and outside of every container, whenever a process dumps core (core(5)).
const corePatternFile = "/proc/sys/kernel/core_pattern"

// corePattern asks whether that setting could be changed, by opening it for
// writing. It writes nothing: a pattern that is wrong for an instant only is one
// for every process of the node that dies in it.
func corePattern(*probes.Context) evidence.Observation { return openForWriting(corePatternFile) }

func openForWriting(path string) evidence.Observation {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	switch {
	case errors.Is(err, unix.EROFS):
		return evidence.Observation{State: evidence.Denied, Errno: "EROFS", Detail: err.Error()}
	case err != nil:
		return probes.Unreadable(err)
	}
	if err := file.Close(); err != nil {
		return probes.Unreadable(err)
	}
	return probes.Seen(evidence.Values{"opened": evidence.List(path)})
}
