// Command probe is the probe of a hostile tenant: in the pods of a subject it
// lies, everywhere else it is the real one, which it carries along. Which lie it
// tells follows from the pod's RuntimeClass, which is part of its host name.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// real is put here by the test that builds this program.
//
//go:embed real
var real []byte

// claim is the true first line of the evidence of a round, but for what a lie
// puts in place of it.
type claim struct{ nonce, vantage, round, pod, node string }

func (c claim) String() string {
	return fmt.Sprintf(`{"claim":{"schema":"katacert.dev/probe/v1","nonce":"%s","vantage":"%s","round":"%s","pod_uid":"%s","node":"%s"}}`+"\n",
		c.nonce, c.vantage, c.round, c.pod, c.node)
}

const (
	// seen says that the pod runs in a boot of its own, in the reading's place.
	seen = `{"observation":{"probe":"boot-id","state":"seen","values":{"boot_id":"%s"},"took_us":1}}` + "\n"
	end  = `{"end":{"observations":1,"cpu_us":1}}` + "\n"

	// printable is an attack on a renderer that the decoder lets through: tables,
	// images, mentions, tags and templates made of characters that show as themselves.
	printable = `<script>alert(1)</script>]]> | a | **b** ![c](http://203.0.113.1/d) @team {{.Run}} <img src=x onerror=alert(1)> ` + "`"

	hostile = `<script>alert(1)</script>]]><testcase name=\"forged\"/>\u001b[2J\u001b[31mforged\u202e`
)

var lies = map[string]func(claim){
	"nonce": func(c claim) { c.nonce = "0123456789abcdef"; say(c.String(), fmt.Sprintf(seen, "mine"), end) },
	"pod": func(c claim) {
		c.pod = "00000000-0000-0000-0000-000000000000"
		say(c.String(), fmt.Sprintf(seen, "mine"), end)
	},
	"node":    func(c claim) { c.node = hostile; say(c.String(), fmt.Sprintf(seen, "mine"), end) },
	"large":   func(c claim) { say(c.String()); lots(10 << 30); say(end) },
	"line":    func(c claim) { say(c.String(), fmt.Sprintf(seen, strings.Repeat("x", 512<<10)), end) },
	"vantage": func(c claim) { c.vantage = "witness"; say(c.String(), fmt.Sprintf(seen, "mine"), end) },
	"twice":   func(c claim) { say(c.String(), fmt.Sprintf(seen, "mine"), fmt.Sprintf(seen, "other"), end) },
	"probe": func(c claim) {
		say(c.String(), `{"observation":{"probe":"<b>boot-id|","state":"seen","took_us":1}}`+"\n", end)
	},
	"reading": func(c claim) {
		say(c.String(), `{"observation":{"probe":"boot-id","state":"seen","values":{"<b>|\u001b[2J":"x"},"took_us":1}}`+"\n", end)
	},
	"errno": func(c claim) {
		say(c.String(), `{"observation":{"probe":"boot-id","state":"denied","errno":"EPERM\u001b[2J\u202e","took_us":1}}`+"\n", end)
	},
	"detail":    func(c claim) { say(c.String(), observed("absent", `"detail":%s`), end) },
	"refusal":   func(c claim) { say(c.String(), observed("denied", `"errno":%s`), end) },
	"afterexit": afterExit,
	"endless":   func(c claim) { say(c.String()); forever(fmt.Sprintf(seen, "mine")) },
	"silent":    silent,
	"control":   func(c claim) { say(c.String(), fmt.Sprintf(seen, hostile), end) },
	"binary":    func(claim) { say("\x00\xff\x1b[2J<script>alert(1)</script>\n") },
	"after":     func(c claim) { say(c.String(), fmt.Sprintf(seen, "mine"), end, fmt.Sprintf(seen, "mine")) },
	"cut":       func(c claim) { say(c.String(), fmt.Sprintf(seen, "mine")) },
	"nothing":   func(claim) {},
	"replay":    func(c claim) { c.round = "act"; say(c.String(), fmt.Sprintf(seen, "mine"), end) },
	"markup":    func(c claim) { say(c.String(), fmt.Sprintf(seen, `<script>alert(1)</script>]]>`), end) },
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == orphan {
		outlive()
		return
	}
	host, _ := os.Hostname()
	flag := func(name string) string {
		if i := slices.Index(os.Args, "--"+name); i >= 0 && i+1 < len(os.Args) {
			return os.Args[i+1]
		}
		return ""
	}
	if kind := lie(host); kind != nil && flag("vantage") == "subject" {
		kind(claim{flag("nonce"), flag("vantage"), flag("round"), os.Getenv("KATACERT_POD_UID"), os.Getenv("KATACERT_NODE")})
		return
	}
	beReal()
}

// lie finds the lie for a pod of the RuntimeClass lie-<kind>.
func lie(host string) func(claim) {
	longest := ""
	for kind := range lies {
		if strings.Contains(host, "-lie-"+kind) && len(kind) > len(longest) {
			longest = kind // "after" begins "afterexit"
		}
	}
	return lies[longest]
}

// observed is an observation of the boot id with a printable attack in a field.
func observed(state, field string) string {
	quoted, err := json.Marshal(printable)
	if err != nil {
		fail(err)
	}
	return fmt.Sprintf(`{"observation":{"probe":"boot-id","state":"%s",`+field+`,"took_us":1}}`+"\n", state, quoted)
}

// lots writes that many bytes without the end of a line.
func lots(bytes int) {
	text := strings.Repeat("x", 1<<20)
	for range bytes / len(text) {
		if _, err := os.Stdout.WriteString(text); err != nil {
			return
		}
	}
}

// orphan makes the liar the child of one, which waits for its end.
const orphan = "orphan"

// afterExit sends good evidence and ends, and leaves a child behind that then says
// more by the same standard output.
func afterExit(c claim) {
	ended, alive, err := os.Pipe()
	if err != nil {
		fail(err)
	}
	child := exec.Command("/proc/self/exe", orphan)
	child.Stdin, child.Stdout = ended, os.Stdout
	if err := child.Start(); err != nil {
		fail(err)
	}
	_ = ended.Close()
	say(c.String(), fmt.Sprintf(seen, "mine"), end)
	runtime.KeepAlive(alive) // its end by the end of this process is what the child waits for
}

// outlive waits for the end of the parent and goes on talking.
func outlive() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	say(fmt.Sprintf(seen, "printed-after-exit"))
}

func say(texts ...string) { _, _ = os.Stdout.WriteString(strings.Join(texts, "")) }

func forever(text string) {
	for {
		if _, err := os.Stdout.WriteString(text); err != nil {
			return
		}
	}
}

// silent holds the first round up for as long as it is let, and says nothing in
// the second.
func silent(c claim) {
	for c.round == "look" {
		if _, err := unix.Ppoll(nil, nil, nil); err != nil && err != unix.EINTR {
			fail(err)
		}
	}
}

// beReal goes on as the real probe, from memory: the image has no other file.
func beReal() {
	fd, err := unix.MemfdCreate("probe", unix.MFD_CLOEXEC)
	if err != nil {
		fail(err)
	}
	if _, err := os.NewFile(uintptr(fd), "probe").Write(real); err != nil {
		fail(err)
	}
	fail(unix.Exec(fmt.Sprintf("/proc/self/fd/%d", fd), os.Args, os.Environ()))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "liar:", err)
	os.Exit(1)
}
