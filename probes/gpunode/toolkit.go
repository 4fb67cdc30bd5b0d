package gpunode

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"
)

// wanted are the settings of the toolkit that decide who is given which GPU, and which
// hooks run as root of the node
// (github.com/NVIDIA/nvidia-container-toolkit, internal/config).
var wanted = []string{
	"accept-nvidia-visible-devices-envvar-when-unprivileged",
	"accept-nvidia-visible-devices-as-volume-mounts",
	"disable-cuda-compat-lib-hook",
	"allow-cuda-compat-libs-from-container",
	"mode",
	"no-cgroups",
}

var assignment = regexp.MustCompile(`^\s*([A-Za-z-]+)\s*=\s*(.+?)\s*(?:#.*)?$`)

// settings lists what is set, "file=… disable-cuda-compat-lib-hook=true". Every key
// that is wanted has one meaning, whatever its table.
func (f *files) settings() []string {
	var lines []string
	for _, file := range toolkitConfigs {
		text := f.read(file, maxFileBytes)
		for line := range strings.Lines(text) {
			m := assignment.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
			if m == nil {
				continue
			}
			for _, key := range wanted {
				if m[1] == key {
					lines = append(lines, fmt.Sprintf("file=%s %s=%s", file, key, word(strings.Trim(m[2], `"'`))))
				}
			}
		}
		if text != "" {
			lines = append(lines, "file="+file)
		}
	}
	return lines
}

// programs lists the toolkit's programs that the node has, with the version that their
// build says: "path=/usr/bin/nvidia-ctk version=1.17.8".
func (f *files) programs() []string {
	var lines []string
	for _, name := range toolkitPrograms {
		file, err := f.open(name)
		if err != nil {
			if !os.IsNotExist(err) {
				f.unread = append(f.unread, name+": "+err.Error())
			}
			continue
		}
		version := builtVersion(file)
		_ = file.Close()
		lines = append(lines, fmt.Sprintf("path=%s version=%s", name, version))
	}
	return lines
}

// linked is the version that NVIDIA's build sets by the linker.
var linked = regexp.MustCompile(`internal/info\.version=([0-9][^\s"']*)`)

// builtVersion is the version in a Go program's build information; "" where it says
// none, as programs built with -trimpath do not.
func builtVersion(file *os.File) string {
	info, err := buildinfo.Read(file)
	if err != nil {
		return ""
	}
	for _, setting := range info.Settings {
		if m := linked.FindStringSubmatch(setting.Value); setting.Key == "-ldflags" && m != nil {
			return m[1]
		}
	}
	if strings.HasPrefix(info.Main.Version, "v") {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return ""
}

// hooks lists the files that make CRI-O and Podman run a hook of NVIDIA's in every
// container.
func (f *files) hooks() []string {
	var lines []string
	for _, folder := range hookFolders {
		for _, name := range f.names(folder) {
			if strings.Contains(name, "nvidia") {
				lines = append(lines, word(path.Join(folder, name)))
			}
		}
	}
	return lines
}

// packages lists the toolkit's packages that dpkg has installed, "name=… version=…".
func (f *files) packages() []string {
	var lines []string
	for entry := range strings.SplitSeq(f.read(dpkgStatus, maxStatus), "\n\n") {
		name, version, installed := "", "", false
		for line := range strings.Lines(entry) {
			key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			switch key {
			case "Package":
				name = value
			case "Version":
				version = value
			case "Status":
				installed = strings.HasSuffix(value, " installed")
			}
		}
		if installed && strings.HasPrefix(name, "nvidia-container-toolkit") {
			lines = append(lines, fmt.Sprintf("name=%s version=%s", word(name), word(version)))
		}
	}
	return lines
}
