package katanode

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// crioNode is a node with a CRI-O whose files these are.
func crioNode(handler string, files map[string]string) *Node {
	n := node(handler, files)
	n.CRIOConfig, n.CRIOFolder, n.Engine = "/etc/crio/crio.conf", "/etc/crio/crio.conf.d", "cri-o://1.36.1"
	return n
}

const crioTable = "crio.runtime.runtimes."

func TestCRIO(t *testing.T) {
	kata := "[" + crioTable + "kata]\nruntime_type = 'vm'\nruntime_path = '/usr/bin/containerd-shim-kata-v2'\nprivileged_without_host_devices = true\nruntime_config_path = '/k'\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  Runtime
		says  string
	}{
		{name: "a drop-in", files: map[string]string{"/etc/crio/crio.conf": "[crio.runtime]\ndefault_runtime = 'crun'\n", "/etc/crio/crio.conf.d/99-kata-deploy": kata},
			want: Runtime{Type: "vm", Path: "/usr/bin/containerd-shim-kata-v2", ConfigPath: "/k", HostDevicesWithheld: true, Files: []string{"/etc/crio/crio.conf", "/etc/crio/crio.conf.d/99-kata-deploy"}}},
		{name: "a later table stands in place of the one before, whole", files: map[string]string{"/etc/crio/crio.conf.d/50-kata": kata, "/etc/crio/crio.conf.d/99": "[" + crioTable + "kata]\nruntime_type = 'vm'\nruntime_path = '/other-kata'\n"},
			want: Runtime{Type: "vm", Path: "/other-kata", Files: []string{"/etc/crio/crio.conf.d/50-kata", "/etc/crio/crio.conf.d/99"}}},
		{name: "other handlers stay", files: map[string]string{"/etc/crio/crio.conf": kata, "/etc/crio/crio.conf.d/99": "[" + crioTable + "crun]\nruntime_path = '/crun'\n"},
			want: Runtime{Type: "vm", Path: "/usr/bin/containerd-shim-kata-v2", ConfigPath: "/k", HostDevicesWithheld: true, Files: []string{"/etc/crio/crio.conf", "/etc/crio/crio.conf.d/99"}}},
		{name: "a folder comes where its name stands", files: map[string]string{"/etc/crio/crio.conf.d/b.d/x": "[" + crioTable + "kata]\nruntime_path = '/kata-of-b.d'\n", "/etc/crio/crio.conf.d/b/x": kata},
			want: Runtime{Path: "/kata-of-b.d", Files: []string{"/etc/crio/crio.conf.d/b/x", "/etc/crio/crio.conf.d/b.d/x"}}},
		{name: "inherited from the default", files: map[string]string{"/etc/crio/crio.conf": "[crio.runtime]\ndefault_runtime = 'kata'\n" + kata + "[" + crioTable + "other]\ninherit_default_runtime = true\n[" + crioTable + "rest]\n"},
			want: Runtime{Handler: "other", Type: "vm", Path: "/usr/bin/containerd-shim-kata-v2", ConfigPath: "/k", Files: []string{"/etc/crio/crio.conf"}}},
		{name: "no handler", files: map[string]string{"/etc/crio/crio.conf": ""}, says: "knows the handler \"kata\""},
		{name: "no TOML", files: map[string]string{"/etc/crio/crio.conf.d/1": "[crio"}, says: "/etc/crio/crio.conf.d/1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := "kata"
			if test.want.Handler != "" {
				handler = test.want.Handler
			}
			got, err := crioNode(handler, test.files).Runtime()
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%v, want %q", err, test.says)
				}
				return
			}
			test.want.Handler, test.want.Engine, test.want.PodAnnotations = handler, CRIO, everyAnnotation
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, %v; want %+v", got, err, test.want)
			}
		})
	}
}

// Of a handler's table the last file that has one counts, whatever stands in the
// others, and in whatever order the witness read them.
func TestTheLastTableOfCRIOCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	names := []string{"00", "10-crio", "50-kata", "99-kata-deploy", "a.conf", "b.d/1", "b/2"}
	for range 500 {
		files, last := map[string]string{}, ""
		for _, name := range names {
			if r.IntN(2) == 0 {
				continue
			}
			text := "[" + crioTable + "crun]\nruntime_path = '/crun'\n"
			if r.IntN(3) > 0 {
				text += "[" + crioTable + "kata]\nruntime_path = '/kata/" + name + "'\n"
				if before := strings.Split(last, "/"); last == "" || slices.Compare(before, strings.Split(name, "/")) < 0 {
					last = name
				}
			}
			files["/etc/crio/crio.conf.d/"+name] = text
		}
		n := crioNode("kata", files)
		r.Shuffle(len(n.Files), func(i, j int) { n.Files[i], n.Files[j] = n.Files[j], n.Files[i] })
		got, err := n.Runtime()
		if last == "" && !errors.Is(err, ErrNoHandler) || last != "" && got.Path != "/kata/"+last {
			t.Fatalf("%v: %+v, %v; want that of %q", files, got, err, last)
		}
	}
}

// Which container runtime counts is what the kubelet says, and not what lies about.
func TestTheEngineThatCounts(t *testing.T) {
	n := crioNode("kata", map[string]string{
		"/etc/containerd/config.toml": "[" + runtimes + "]\nruntime_type = 'io.containerd.runc.v2'\n",
		"/etc/crio/crio.conf":         "[" + crioTable + "kata]\nruntime_path = '/kata'\n",
	})
	for engine, want := range map[string]string{"cri-o://1.36.1": "/kata", "containerd://2.4.2": "", "": "both know the handler"} {
		n.Engine = engine
		r, err := n.Runtime()
		if err == nil && r.Path != want || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %+v, %v", engine, r, err)
		}
	}
	n.Engine, n.CRIOOverridden = "cri-o://1.36.1", true
	if _, err := n.Runtime(); err == nil || !strings.Contains(err.Error(), "--runtimes") {
		t.Errorf("overridden: %v", err)
	}
	n.CRIOConfig = ""
	if _, err := n.Runtime(); err == nil || !strings.Contains(err.Error(), "found no configuration") {
		t.Errorf("without its files: %v", err)
	}
}
