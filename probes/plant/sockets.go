package plant

import (
	"os"
	"strconv"
	"strings"

	"github.com/katacert/katacert/probes/internal/pids"
)

// HeldSockets are the inode numbers of the sockets that holders hold on this
// node, of whichever run: they are planted, and no services of the node.
func HeldSockets() map[uint64]bool {
	held := map[uint64]bool{}
	for _, m := range findMembers(func(m member) bool { return m.command == holdCommand }) {
		descriptors, err := os.ReadDir(pids.Path(m.pid, "fd"))
		if err != nil {
			continue // it has ended, and its sockets with it
		}
		for _, d := range descriptors {
			target, _ := os.Readlink(pids.Path(m.pid, "fd/"+d.Name()))
			number, isSocket := strings.CutPrefix(target, "socket:[")
			if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); isSocket && err == nil {
				held[inode] = true
			}
		}
	}
	return held
}
