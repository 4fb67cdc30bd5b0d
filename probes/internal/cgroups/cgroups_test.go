package cgroups

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
)

func TestLocateAll(t *testing.T) {
	for _, test := range []struct {
		name, memberships, mounts string
		want                      []string
	}{
		{
			"version 1, host's cgroup namespace, the container's directory mounted",
			"9:name=systemd:/kubepods/pod1/c1\n8:cpu,cpuacct:/kubepods/pod1/c1\n0::/\n",
			`40 39 0:30 /kubepods/pod1/c1 /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
41 39 0:31 /kubepods/pod1/c1 /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
42 39 0:31 / /host/sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
43 39 0:32 /kubepods/pod10 /other rw - cgroup cgroup rw,cpu,cpuacct
`,
			[]string{"/sys/fs/cgroup/systemd", "/sys/fs/cgroup/cpu,cpuacct", "/host/sys/fs/cgroup/cpu,cpuacct/kubepods/pod1/c1"},
		},
		{
			"version 2, cgroup namespace of its own",
			"0::/\n",
			`30 29 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate
31 29 0:26 /../../.. /host/sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate
`,
			[]string{"/sys/fs/cgroup"},
		},
		{"no cgroup file system", "0::/\n", "", nil},
		{"not what cgroups(7) describes", "garbage\n", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", nil},
	} {
		mounts, err := mountinfo.GetMountsFromReader(strings.NewReader(test.mounts), notCgroup)
		if err != nil {
			t.Fatal(err)
		}
		var dirs []string
		for _, own := range locateAll(test.memberships, mounts) {
			dirs = append(dirs, own.Dir)
		}
		if !slices.Equal(dirs, test.want) {
			t.Errorf("%s: %q", test.name, dirs)
		}
	}
}
