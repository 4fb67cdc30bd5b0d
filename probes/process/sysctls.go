package process

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
)

// settings belong to the whole kernel and to none of its namespaces
// (Documentation/admin-guide/sysctl of the kernel). Some change how it behaves,
// some name a program that it runs as root.
var settings = []string{
	"fs.file-max", "fs.protected_symlinks", "fs.suid_dumpable",
	"kernel.core_pattern", "kernel.hotplug", "kernel.kptr_restrict", "kernel.modprobe", "kernel.panic", "kernel.poweroff_cmd",
	"kernel.printk_ratelimit_burst", "kernel.randomize_va_space", "kernel.sysrq",
	"vm.drop_caches", "vm.overcommit_memory", "vm.swappiness",
}

// sysrqTrigger takes a letter as if it was typed on the console after SysRq:
// reboot, crash, remount everything read-only, kill all processes
// (Documentation/admin-guide/sysrq.rst). The setting kernel.sysrq does not hold
// for it.
const sysrqTrigger = "sysrq-trigger"

// sysctls tells which of the kernel's settings can be opened for writing, and
// whether its SysRq trigger can. It never writes: not for an instant may the
// node's settings be others. Opening says all that is to be known, because a
// setting takes what its open file is given.
func sysctls(*probes.Context) evidence.Observation {
	var opened, refused []string
	for _, name := range append(slices.Clone(settings), sysrqTrigger) {
		if err := openSetting(settingPath(name)); err == nil {
			opened = append(opened, name)
		} else {
			refused = append(refused, name+" "+errnoName(err))
		}
	}
	return probes.Seen(evidence.Values{"opened": evidence.List(opened...), "refused": evidence.List(refused...)})
}

func settingPath(name string) string {
	if name == sysrqTrigger {
		return "/proc/" + name
	}
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
}

func openSetting(path string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// errnoName names the error number of an error.
func errnoName(err error) string {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return unix.ErrnoName(errno)
	}
	return "failed"
}
