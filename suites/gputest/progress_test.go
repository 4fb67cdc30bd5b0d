package gputest

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestOnlyProgressIsWrittenOn(t *testing.T) {
	const said = progressPrefix + "GPU-1: searched 1024 of 2048 MiB\n"
	long := progressPrefix + strings.Repeat("x", 2*lineLimit)
	for name, test := range map[string]struct{ in, want string }{
		"progress":                     {said, "    " + said},
		"a runtime's words":            {"WARN: cgroups\n" + said + "running\n", "    " + said},
		"a line that did not end":      {said + progressPrefix + "GPU-1: sea", "    " + said},
		"a line that is far too long":  {long + "\n" + said, "    " + long[:lineLimit] + "\n    " + said},
		"nothing":                      {"\n", ""},
		"what a terminal would act on": {progressPrefix + "\x1b[2Jall passed\r\n", "    " + progressPrefix + `\x1b[2Jall passed\r` + "\n"},
		"lines without end":            {strings.Repeat(said, 2*mostProgress), strings.Repeat("    "+said, mostProgress)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, at := range []int{len(test.in), 1, 7, 4096} {
				var got bytes.Buffer
				lines := &progressLines{to: &got}
				for in := test.in; in != ""; {
					part := in[:min(at, len(in))]
					if n, err := io.WriteString(lines, part); n != len(part) || err != nil {
						t.Fatalf("wrote %d of %d, %v", n, len(part), err)
					}
					in = in[len(part):]
				}
				if got.String() != test.want {
					t.Errorf("in pieces of %d: %.100q, want %.100q", at, got.String(), test.want)
				}
			}
		})
	}
}
