package platform

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes/internal/kernfs"
)

// kataState is what Kata's runtime itself keeps of a running sandbox.
type kataState struct {
	// hypervisor is its type: qemu, clh, firecracker, stratovirt, dragonball, remote.
	hypervisor string
	// sharedFS is by what the guest is given its files: virtio-fs, none …
	sharedFS string
	// cid is the guest's address on vsock, where there is one on the node.
	cid string
	// netns is the path of the pod's network namespace.
	netns string
	// pids are those of the VMM and virtiofsd, where the runtime notes them.
	pids []int
	// images are the files of the node from which the guest was started.
	images []string
}

// started notes the files that a configuration names.
func (s *kataState) started(paths ...string) {
	for _, path := range paths {
		if strings.HasPrefix(path, "/") {
			s.images = append(s.images, path)
		}
	}
}

// readState reads the state files of a sandbox: the Go shim's persist.json
// (virtcontainers/persist) and pid file, runtime-rs' state.json
// (crates/persist). What neither tells stays empty.
func readState(root, id string) kataState {
	var state kataState
	if id == "" || strings.ContainsAny(id, `/*?[\`) || strings.HasPrefix(id, ".") {
		return state
	}
	var persist struct {
		HypervisorState struct {
			Type                   string
			Pid, VirtiofsDaemonPid int
		}
		AgentState struct{ URL string }
		Network    struct{ NetworkID string }
		Config     struct {
			HypervisorType   string
			HypervisorConfig struct{ SharedFS, KernelPath, InitrdPath, ImagePath, FirmwarePath string }
		}
	}
	const ofGo = "/run/vc"
	of := ofGo
	if path := decode(root, &persist, filepath.Join(ofGo, "sbs", id, "persist.json")); path != "" {
		of = strings.TrimSuffix(path, filepath.Join("/sbs", id, "persist.json"))
		// The hypervisor remote keeps no state of its own.
		state.hypervisor = cmp.Or(persist.HypervisorState.Type, persist.Config.HypervisorType)
		state.sharedFS, state.netns = persist.Config.HypervisorConfig.SharedFS, persist.Network.NetworkID
		config := persist.Config.HypervisorConfig
		state.started(config.KernelPath, config.InitrdPath, config.ImagePath, config.FirmwarePath)
		state.pids = append(state.pids, persist.HypervisorState.Pid, persist.HypervisorState.VirtiofsDaemonPid)
		if address, ok := strings.CutPrefix(persist.AgentState.URL, "vsock://"); ok {
			state.cid, _, _ = strings.Cut(address, ":")
		}
	}
	if line, err := kernfs.Line(kernfs.Below(root, filepath.Join(of, "vm", id, "pid"))); err == nil {
		if pid, err := strconv.Atoi(line); err == nil {
			state.pids = append(state.pids, pid)
		}
	}
	var rs struct {
		Hypervisor struct {
			Type   string `json:"hypervisor_type"`
			PID    int    `json:"pid"`
			Daemon int    `json:"virtiofs_daemon_pid"`
			Netns  string `json:"netns"`
			Config struct {
				SharedFS string `json:"shared_fs"`
				Kernel   string `json:"kernel"`
				Initrd   string `json:"initrd"`
				Image    string `json:"image"`
				Firmware string `json:"firmware"`
			} `json:"config"`
		} `json:"hypervisor"`
	}
	jailed := filepath.Join("/run/kata/firecracker", id, "root/state.json")
	if decode(root, &rs, filepath.Join("/run/kata", id, "state.json"), jailed) != "" {
		state.hypervisor, state.sharedFS = rs.Hypervisor.Type, rs.Hypervisor.Config.SharedFS
		config := rs.Hypervisor.Config
		state.started(config.Kernel, config.Initrd, config.Image, config.Firmware)
		state.pids = append(state.pids, rs.Hypervisor.PID, rs.Hypervisor.Daemon)
		if rs.Hypervisor.Netns != "" {
			state.netns = rs.Hypervisor.Netns
		}
	}
	return state
}

// decode reads the first of the files that is there, or, for a monitor that does not run
// as root, is below the runtime folder of its user (rootlessfs.go of virtcontainers,
// prefix_with_rootless_dir of runtime-rs), and gives its path on the node. A folder there,
// and that of a jailed monitor, belongs to the monitor's user, so only a file is believed
// that root wrote, as the shim does.
func decode(root string, into any, paths ...string) (path string) {
	for _, path := range paths {
		found, _ := filepath.Glob(kernfs.Below(root, "/run/user/*"+path)) // the pattern is sound
		for _, file := range append(found, kernfs.Below(root, path)) {
			if data, err := readRoots(file); err == nil && json.Unmarshal(data, into) == nil {
				return strings.TrimPrefix(file, strings.TrimRight(root, "/"))
			}
		}
	}
	return ""
}

// readRoots reads a regular file that belongs to root.
func readRoots(path string) ([]byte, error) {
	// A pipe or device in its place must hold nobody up.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var status unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &status); err != nil {
		return nil, fmt.Errorf("look at %s: %w", path, err)
	}
	if status.Mode&unix.S_IFMT != unix.S_IFREG || status.Uid != 0 {
		return nil, fmt.Errorf("%s is no file of root's", path)
	}
	return kernfs.ReadFile(file)
}
