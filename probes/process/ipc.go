package process

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/ipc"
	"github.com/katacert/katacert/probes/internal/place"
)

// interprocess looks for the planted shared memory by its content, and for the
// planted message queue by its name, which nobody can guess without the token's
// hash, and its attributes. Receiving the message would hide it from others.
func interprocess(ctx *probes.Context) evidence.Observation {
	hash := ctx.Seek[probes.TokenIPC]
	if hash == "" {
		return untold(probes.TokenIPC)
	}
	var found []string
	_, there, memoryErr := ipc.FindSegment(place.TokenBytes, func(content string) bool { return ctx.Find(probes.TokenIPC, content) })
	if there {
		found = append(found, "sysv-shm")
	}
	there, queueErr := ipc.HoldsMessage(place.QueueName(ctx.Run, hash), place.TokenBytes)
	if there {
		found = append(found, "posix-mqueue")
	}
	if errors.Is(queueErr, unix.ENOENT) {
		queueErr = nil
	}
	if len(found) == 0 {
		if o := undecided([]error{memoryErr, queueErr}); o != nil {
			return *o
		}
	}
	if memoryErr != nil && queueErr != nil {
		return refused([]error{memoryErr, queueErr})
	}
	return probes.Seen(evidence.Values{"found": evidence.List(found...)})
}
