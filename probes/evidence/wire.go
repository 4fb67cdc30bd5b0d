package evidence

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Claim is the first line of a probe's output: what the pod says of itself.
type Claim struct {
	Schema  string  `json:"schema"`
	Nonce   string  `json:"nonce"`
	Vantage Vantage `json:"vantage"`
	Round   Round   `json:"round"`
	PodUID  string  `json:"pod_uid"`
	Node    string  `json:"node"`
}

// End is the last line of a probe's output; without it the output was cut off.
type End struct {
	Observations int   `json:"observations"`
	CPUMicros    int64 `json:"cpu_us"`
}

type line struct {
	Claim       *Claim       `json:"claim,omitempty"`
	Observation *Observation `json:"observation,omitempty"`
	End         *End         `json:"end,omitempty"`
}

// Limits bounds what is accepted from one pod in one round.
type Limits struct {
	// Bytes is the whole output, in bytes.
	Bytes int64
	// LineBytes is one line, in bytes.
	LineBytes int
	// Observations is how many observations may come.
	Observations int
	// Readings is how many readings one observation may have, lists counted by
	// their items.
	Readings int
}

// DefaultLimits are several times what the largest honest probe sends.
func DefaultLimits() Limits {
	return Limits{Bytes: 1 << 20, LineBytes: 256 << 10, Observations: 128, Readings: 4096}
}

// maxMicros is more than any round lasts, and little enough for durations to be
// added up without overflow.
const maxMicros = int64(24 * time.Hour / time.Microsecond)

// Write prints the claim, the observations and the end line.
func Write(w io.Writer, claim Claim, observations []Observation, cpuMicros int64) error {
	claim.Schema = WireSchema
	out := bufio.NewWriter(w)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line{Claim: &claim}); err != nil {
		return fmt.Errorf("write the claim of round %s: %w", claim.Round, err)
	}
	for i := range observations {
		o := clean(observations[i])
		if err := encoder.Encode(line{Observation: &o}); err != nil {
			return fmt.Errorf("write the observation of probe %s: %w", o.Probe, err)
		}
	}
	if err := encoder.Encode(line{End: &End{Observations: len(observations), CPUMicros: cpuMicros}}); err != nil {
		return fmt.Errorf("write the end of round %s: %w", claim.Round, err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write the evidence of round %s: %w", claim.Round, err)
	}
	return nil
}

// ErrTooLarge says that a pod sent more than the limits allow.
var ErrTooLarge = errors.New("more output than any honest probe sends")

// Decode reads the output of one pod in one round and accepts it only if it is
// whole, within the limits, and claims exactly what want says (the schema is
// checked by Decode itself). Errors name the line, and quote what a hostile pod
// sent in printable form.
func Decode(r io.Reader, want Claim, limits Limits) ([]Observation, End, error) {
	limited := &io.LimitedReader{R: r, N: limits.Bytes + 1}
	scanner := bufio.NewScanner(limited)
	scanner.Buffer(make([]byte, 0, min(64<<10, limits.LineBytes)), limits.LineBytes)
	var (
		observations []Observation
		claimed      bool
		end          *End
		number       int
		seen         = map[string]bool{}
	)
	for scanner.Scan() {
		number++
		if limited.N <= 0 {
			return nil, End{}, fmt.Errorf("line %d: %w (limit %d bytes)", number, ErrTooLarge, limits.Bytes)
		}
		if end != nil {
			return nil, End{}, fmt.Errorf("line %d: output after the end line", number)
		}
		l, err := decodeLine(scanner.Bytes())
		if err != nil {
			return nil, End{}, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case l.Claim != nil:
			if claimed {
				return nil, End{}, fmt.Errorf("line %d: a second claim", number)
			}
			claimed = true
			if err := checkClaim(*l.Claim, want); err != nil {
				return nil, End{}, fmt.Errorf("line %d: %w", number, err)
			}
		case !claimed:
			return nil, End{}, fmt.Errorf("line %d: the output does not begin with a claim", number)
		case l.Observation != nil:
			o := *l.Observation
			if err := checkObservation(o, limits); err != nil {
				return nil, End{}, fmt.Errorf("line %d: %w", number, err)
			}
			if seen[o.Probe] {
				return nil, End{}, fmt.Errorf("line %d: probe %s observed twice in one round", number, o.Probe)
			}
			seen[o.Probe] = true
			if len(observations) == limits.Observations {
				return nil, End{}, fmt.Errorf("line %d: %w (limit %d observations)", number, ErrTooLarge, limits.Observations)
			}
			observations = append(observations, o)
		default:
			end = l.End
		}
	}
	if err := scanner.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, End{}, fmt.Errorf("line %d: %w (limit %d bytes a line)", number+1, ErrTooLarge, limits.LineBytes)
		}
		return nil, End{}, fmt.Errorf("read the probe's output after line %d: %w", number, err)
	}
	if limited.N <= 0 {
		return nil, End{}, fmt.Errorf("after line %d: %w (limit %d bytes)", number, ErrTooLarge, limits.Bytes)
	}
	switch {
	case number == 0:
		return nil, End{}, errors.New("the probe printed nothing")
	case end == nil:
		return nil, End{}, fmt.Errorf("after line %d: the output is cut off (no end line)", number)
	case end.Observations != len(observations):
		return nil, End{}, fmt.Errorf("the end line counts %d observations, %d arrived", end.Observations, len(observations))
	case end.CPUMicros < 0 || end.CPUMicros > maxMicros:
		return nil, End{}, fmt.Errorf("the end line claims %d microseconds of CPU time", end.CPUMicros)
	}
	return observations, *end, nil
}

func decodeLine(data []byte) (line, error) {
	var l line
	if err := strictUnmarshal(data, &l); err != nil {
		return line{}, err
	}
	kinds := 0
	for _, present := range []bool{l.Claim != nil, l.Observation != nil, l.End != nil} {
		if present {
			kinds++
		}
	}
	if kinds != 1 {
		return line{}, fmt.Errorf("a line must be exactly one of claim, observation or end, %.60q is not", data)
	}
	return l, nil
}

func checkClaim(got, want Claim) error {
	for _, field := range []struct{ name, got, want string }{
		{"schema", got.Schema, WireSchema},
		{"nonce", got.Nonce, want.Nonce},
		{"vantage", string(got.Vantage), string(want.Vantage)},
		{"round", string(got.Round), string(want.Round)},
		{"pod UID", got.PodUID, want.PodUID},
		{"node", got.Node, want.Node},
	} {
		if field.got != field.want {
			return fmt.Errorf("the pod claims %s %.80q, expected %q: the evidence is not of this pod and round", field.name, field.got, field.want)
		}
	}
	return nil
}

func checkObservation(o Observation, limits Limits) error {
	if !validName(o.Probe) {
		return fmt.Errorf("%.60q is no probe id", o.Probe)
	}
	if !o.State.known() {
		return fmt.Errorf("probe %s: unknown state %.40q", o.Probe, o.State)
	}
	if o.Micros < 0 || o.Micros > maxMicros {
		return fmt.Errorf("probe %s claims to have taken %d microseconds", o.Probe, o.Micros)
	}
	for _, text := range []string{o.Errno, o.Detail} {
		if !printable(text) {
			return fmt.Errorf("probe %s: unprintable text %.60q", o.Probe, text)
		}
	}
	readings := 0
	for name, value := range o.Values {
		if !validName(name) {
			return fmt.Errorf("probe %s: %.60q is no name of a reading", o.Probe, name)
		}
		if value.kind == kindNone {
			return fmt.Errorf("probe %s: reading %s has no value", o.Probe, name)
		}
		readings += max(1, len(value.list))
		if readings > limits.Readings {
			return fmt.Errorf("probe %s: %w (limit %d readings)", o.Probe, ErrTooLarge, limits.Readings)
		}
		for _, text := range append([]string{value.text}, value.list...) {
			if !printable(text) {
				return fmt.Errorf("probe %s: reading %s holds unprintable text %.60q", o.Probe, name, text)
			}
		}
	}
	return nil
}

// validName accepts what probe ids and reading names are made of.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// printable refuses control characters, and the format characters with which
// text can be made to look like other text on a terminal (bidirectional
// overrides, zero-width characters).
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, hidden)
}

func hidden(r rune) bool {
	if r >= ' ' && r <= '~' { // nearly all there ever is
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r)
}

// clean makes an honest probe's texts acceptable to Decode.
func clean(o Observation) Observation {
	o.Errno, o.Detail = cleanText(o.Errno), cleanText(o.Detail)
	values := make(Values, len(o.Values))
	for name, value := range o.Values {
		value.text = cleanText(value.text)
		if value.kind == kindList {
			items := make([]string, len(value.list))
			for i, item := range value.list {
				items[i] = cleanText(item)
			}
			value = List(items...) // cleaning may have made items equal
		}
		values[name] = value
	}
	o.Values = values
	return o
}

func cleanText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || hidden(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
