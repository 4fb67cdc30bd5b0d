package platform

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

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
	of := shimFolder(root, id)
	var persist struct {
		HypervisorState struct {
			Type                   string
			Pid, VirtiofsDaemonPid int
		}
		AgentState struct{ URL string }
		Network    struct{ NetworkID string }
		Config     struct {
			HypervisorConfig struct{ SharedFS, KernelPath, InitrdPath, ImagePath, FirmwarePath string }
		}
	}
	if decode(root, filepath.Join(of, "sbs", id, "persist.json"), &persist) {
		state.hypervisor, state.sharedFS, state.netns = persist.HypervisorState.Type, persist.Config.HypervisorConfig.SharedFS, persist.Network.NetworkID
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
	if decode(root, filepath.Join("/run/kata", id, "state.json"), &rs) {
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

// shimFolder is where the Go shim keeps what it knows of a sandbox: /run/vc, and for a
// monitor that does not run as root the same below the runtime folder of its user
// (virtcontainers/persist/fs/rootlessfs.go). That folder belongs to the monitor's user, so
// only a file is believed that root wrote there, as the shim does.
func shimFolder(root, id string) string {
	const folder = "/run/vc"
	found, _ := filepath.Glob(kernfs.Below(root, filepath.Join("/run/user/*", folder, "sbs", id, "persist.json"))) // the pattern is sound
	for _, path := range found {
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid == 0 {
			user := strings.TrimSuffix(path, filepath.Join(folder, "sbs", id, "persist.json"))
			return strings.TrimPrefix(user, strings.TrimRight(root, "/")) + folder
		}
	}
	return folder
}

func decode(root, path string, into any) bool {
	data, err := kernfs.Read(kernfs.Below(root, path))
	return err == nil && json.Unmarshal(data, into) == nil
}
