package evidence_test

import (
	"strings"
	"testing"

	"github.com/katacert/katacert/probes/evidence"
)

func TestDecodeRefuses(t *testing.T) {
	sound := observed(`"probe":"p","state":"seen","values":{"r":1},"took_us":1`)
	claim := func(old, new string) string {
		changed := strings.Replace(claimLine, old, new, 1)
		if changed == claimLine {
			t.Fatalf("the claim holds no %s", old)
		}
		return output(changed, endOfNone)
	}
	observation := func(fields string) string { return output(claimLine, observed(fields), endOfOne) }
	for _, test := range []struct{ name, output, says string }{
		{"nothing at all", "", "printed nothing"},
		{"an empty line", "\n", `line 1`},
		{"no end line", output(claimLine, sound), "cut off"},
		{"a line that is cut off", claimLine + "\n" + sound[:len(sound)-9], "unexpected EOF"},
		{"no line feed after the claim", claimLine + endOfNone, "more than one JSON value"},
		{"a shell's message", "sh: /probe: not found\n", "invalid character"},
		{"JSON that is no object", output(claimLine, `[]`, endOfNone), "cannot unmarshal array"},
		{"null", output(claimLine, `null`, endOfNone), "exactly one of"},
		{"an empty object", output(claimLine, `{}`, endOfNone), "exactly one of"},

		{"wrong schema", claim("probe/v1", "probe/v2"), `claims schema "katacert.dev/probe/v2"`},
		{"a replayed nonce", claim("n-1", "n-0"), `claims nonce "n-0"`},
		{"another vantage", claim("subject", "witness"), `claims vantage "witness"`},
		{"another round", claim(`"look"`, `"settle"`), `claims round "settle"`},
		{"another pod", claim("uid-1", "uid-2"), `claims pod UID "uid-2"`},
		{"another node", claim("node-1", "node-2"), `claims node "node-2"`},
		{"no node", claim(`,"node":"node-1"`, ""), `claims node ""`},
		{"another letter case", claim("node-1", "NODE-1"), `claims node "NODE-1"`},

		{"an observation before the claim", output(sound, claimLine, endOfOne), "does not begin with a claim"},
		{"an end before the claim", output(endOfNone, claimLine), "does not begin with a claim"},
		{"two claims", output(claimLine, claimLine, endOfNone), "a second claim"},
		{"two ends", output(claimLine, endOfNone, endOfNone), "after the end line"},
		{"an observation after the end", output(claimLine, endOfNone, sound), "after the end line"},
		{"an empty line after the end", output(claimLine, endOfNone, ""), "after the end line"},
		{"claim and end on one line", output(claimLine[:len(claimLine)-1] + "," + endOfNone[1:]), "exactly one of"},
		{"two values on one line", output(claimLine, sound+" "+endOfOne), "more than one JSON value"},
		{"one probe twice", output(claimLine, sound, sound, `{"end":{"observations":2,"cpu_us":7}}`), "observed twice"},
		{"fewer than counted", output(claimLine, endOfOne), "counts 1 observations, 0 arrived"},
		{"more than counted", output(claimLine, sound, endOfNone), "counts 0 observations, 1 arrived"},
		{"a negative count", output(claimLine, `{"end":{"observations":-1,"cpu_us":7}}`), "counts -1 observations"},
		{"negative CPU time", output(claimLine, `{"end":{"observations":0,"cpu_us":-1}}`), "-1 microseconds of CPU time"},
		{"CPU time that overflows a sum", output(claimLine, `{"end":{"observations":0,"cpu_us":9223372036854775807}}`), "microseconds of CPU time"},

		{"unknown field of a line", output(claimLine, `{"verdict":"pass"}`, endOfNone), `unknown field`},
		{"unknown field of the claim", claim(`"node"`, `"image":"x","node"`), "unknown field"},
		{"unknown field of an observation", observation(`"probe":"p","state":"seen","pass":true,"took_us":1`), "unknown field"},
		{"unknown field of the end", output(claimLine, `{"end":{"observations":0,"cpu_us":7,"ok":1}}`), "unknown field"},
		{"a field in other letters", output(strings.Replace(claimLine, `"nonce"`, `"Nonce"`, 1), endOfNone), `"Nonce" is no name of a field`},
		{"a claim twice in one line", output(`{"claim":{},`+claimLine[1:], endOfNone), `"claim" is there twice`},
		{"a field twice", claim(`"nonce"`, `"nonce":"n-0","nonce"`), `"nonce" is there twice`},
		{"a reading twice", observation(`"probe":"p","state":"seen","values":{"r":1,"r":2},"took_us":1`), `"r" is there twice`},

		{"a number for a text", claim(`"n-1"`, "1"), "cannot unmarshal number"},
		{"a text for a number", output(claimLine, `{"end":{"observations":"0","cpu_us":7}}`), "cannot unmarshal string"},
		{"a fraction for a count", output(claimLine, `{"end":{"observations":0.5,"cpu_us":7}}`), "cannot unmarshal number"},
		{"a list for an observation", output(claimLine, `{"observation":[]}`, endOfOne), "cannot unmarshal array"},
		{"a list for the readings", observation(`"probe":"p","state":"seen","values":[1],"took_us":1`), "cannot unmarshal array"},

		{"no probe id", observation(`"state":"seen","took_us":1`), "no probe id"},
		{"a probe id with a path", observation(`"probe":"../p","state":"seen","took_us":1`), "no probe id"},
		{"a probe id without end", observation(`"probe":"` + strings.Repeat("p", 65) + `","state":"seen","took_us":1`), "no probe id"},
		{"no state", observation(`"probe":"p","took_us":1`), "unknown state"},
		{"a state of its own", observation(`"probe":"p","state":"isolated","took_us":1`), `unknown state "isolated"`},
		{"negative duration", observation(`"probe":"p","state":"seen","took_us":-1`), "-1 microseconds"},
		{"a duration of centuries", observation(`"probe":"p","state":"seen","took_us":9223372036854775807`), "microseconds"},
		{"a reading without a name", observation(`"probe":"p","state":"seen","values":{"":1},"took_us":1`), "no name"},
		{"a reading's name in capitals", observation(`"probe":"p","state":"seen","values":{"BOOT":1},"took_us":1`), "no name"},

		{"a fraction", reading("1.5"), "no whole number"},
		{"a whole number written as a fraction", reading("1.0"), "no whole number"},
		{"an exponent", reading("1e3"), "no whole number"},
		{"a number beyond 64 bits", reading("9223372036854775808"), "no whole number"},
		{"a number beyond any float", reading("1e999"), "no whole number"},
		{"a truth value", reading("true"), "neither text, number nor list"},
		{"null for a reading", reading("null"), "neither text, number nor list"},
		{"an object", reading(`{"a":1}`), "neither text, number nor list"},
		{"a list of numbers", reading(`[1]`), "no list of texts"},
		{"a list of lists", reading(`[["a"]]`), "no list of texts"},
		{"a list with a hole", reading(`["a",null]`), "no list of texts"},

		{"a line feed in a text", reading(`"a\nb"`), "unprintable"},
		{"a NUL in a text", reading(`"a\u0000b"`), "unprintable"},
		{"an ANSI escape", reading(`"\u001b[2J\u001b[31mPASS"`), "unprintable"},
		{"a C1 control", reading(`"\u009b31m"`), "unprintable"},
		{"a bidirectional override", reading(`"\u202Egpj.exe"`), "unprintable"},
		{"a bidirectional isolate", reading(`"\u2066x\u2069"`), "unprintable"},
		{"a zero-width space", reading(`"sub\u200bject"`), "unprintable"},
		{"a byte order mark", reading(`"\ufeffx"`), "unprintable"},
		{"a line separator", reading(`"a\u2028b"`), "unprintable"},
		{"a private character", reading(`"\ue000"`), "unprintable"},
		{"an escape in a list", reading(`["a","\u001b[0m"]`), "unprintable"},
		{"an escape in a detail", observation(`"probe":"p","state":"failed","detail":"\u001b[0m","took_us":1`), "unprintable"},
		{"an escape in an errno", observation(`"probe":"p","state":"denied","errno":"E\u0007","took_us":1`), "unprintable"},
		{"an escape in a probe id", observation(`"probe":"\u001b[0m","state":"seen","took_us":1`), "no probe id"},
		{"invalid UTF-8", reading("\"a\xff\""), "not UTF-8"},
		{"an overlong encoding", reading("\"\xc0\xaf\""), "not UTF-8"},
		{"half of a surrogate pair as bytes", reading("\"\xed\xa0\x80\""), "not UTF-8"},
		{"a raw control character", reading("\"a\tb\""), "invalid character"},
		{"nesting without end", reading(strings.Repeat("[", 100_000)), "line 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, end, err := decode(test.output)
			if err == nil {
				t.Fatalf("accepted: %+v", got)
			}
			if got != nil || end != (evidence.End{}) {
				t.Errorf("returned %+v, %+v with an error", got, end)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %q, want one with %q", err, test.says)
			}
			fitForReports(t, err)
		})
	}
}

// fitForReports checks that an error can be shown to people, whatever a hostile
// pod sent: short, on one line, and without a character that a terminal obeys.
func fitForReports(t *testing.T, err error) {
	t.Helper()
	if len(err.Error()) > 1000 {
		t.Errorf("the error has %d bytes: %.200q ...", len(err.Error()), err)
	}
	if r, ok := obeyed(err.Error()); ok {
		t.Errorf("the error holds %U: %q", r, err)
	}
}

// obeyed finds a character that a terminal obeys instead of showing it.
func obeyed(text string) (rune, bool) {
	for _, r := range text {
		switch {
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xad, r == 0x61c, r >= 0x200b && r <= 0x200f,
			r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
			return r, true
		}
	}
	return 0, false
}

// A pod can choose what the JSON package quotes in its errors.
func TestDecodeErrorsAreShort(t *testing.T) {
	long := strings.Repeat("9", 100_000)
	for name, text := range map[string]string{
		"number":        output(claimLine, `{"end":{"observations":`+long+`,"cpu_us":1}}`),
		"reading":       reading(long),
		"field":         output(claimLine, `{"`+strings.Repeat(`\u202e`, 30_000)+`":1}`),
		"probe id":      output(claimLine, observed(`"probe":"`+strings.Repeat(`\u202e`, 30_000)+`"`)),
		"state":         output(claimLine, observed(`"probe":"p","state":"`+long+`"`)),
		"claim":         output(strings.Replace(claimLine, "n-1", long, 1)),
		"no JSON":       long + "\x1b[0m\n",
		"text":          reading(`"` + strings.Repeat(`\u001b`, 30_000) + `"`),
		"reading's key": output(claimLine, observed(`"probe":"p","state":"seen","values":{"`+long+`":1},"took_us":1`)),
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := decode(text)
			if err == nil {
				t.Fatal("accepted")
			}
			fitForReports(t, err)
		})
	}
}
