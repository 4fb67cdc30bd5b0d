package certification

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"unicode"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/katacert/katacert/probes/evidence"
)

// Results of one question.
const (
	granted = "granted"
	refused = "refused"
	// erred is for everything that is neither: nobody answered, the account has no
	// right to ask, the webhook that should answer is not there.
	erred = "error"
)

// reply is what the API server said to one question.
type reply struct {
	what, result string
	// notes are further "key=value" pairs.
	notes []string
	// said is the API server's message, if it refused or failed.
	said string
}

// replies collects them.
type replies struct {
	mu          sync.Mutex
	asked, show []reply
}

func (a *replies) add(list *[]reply, one reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*list = append(*list, one)
}

// seen is the observation of all answers. Messages are kept of what was asked
// where it must be refused, and of errors.
func (a *replies) seen(further evidence.Values) evidence.Observation {
	values := evidence.Values{}
	var said []string
	for name, list := range map[string][]reply{"asked": a.asked, "shown": a.show} {
		lines := []string{}
		for _, one := range list {
			lines = append(lines, strings.Join(append([]string{"what=" + one.what, "result=" + one.result}, one.notes...), " "))
			if one.said != "" && (name == "asked" || one.result != granted) {
				said = append(said, name+" "+one.what+": "+printable(one.said))
			}
		}
		values[name] = evidence.List(lines...)
	}
	values["said"] = evidence.List(said...)
	for name, value := range further {
		values[name] = value
	}
	return evidence.Observation{State: evidence.Seen, Values: values}
}

// saidLimit bounds what is kept of one message, in characters.
const saidLimit = 320

// printable is a message of others on one line of bounded length.
func printable(text string) string {
	short := []rune(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsPrint(r):
			return r
		default:
			return -1
		}
	}, text))
	if len(short) > saidLimit {
		return string(short[:saidLimit]) + "…"
	}
	return string(short)
}

// noRight recognises the refusal of the authorizer, which is before admission
// (k8s.io/apiserver, endpoints/handlers/responsewriters).
var noRight = regexp.MustCompile(`cannot [a-z]+ resource`)

// refusers recognise who refused a request from the message, most telling first.
var refusers = []struct {
	by      string
	message *regexp.Regexp
}{
	{"webhook", regexp.MustCompile(`admission webhook "([^"]+)" denied the request`)},
	{"policy", regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)'`)},
	{"pod-security", regexp.MustCompile(`violates PodSecurity`)},
	{"security-context-constraint", regexp.MustCompile(`unable to validate against any security context constraint`)},
}

// admitted is the answer to a request that admission decides: granted without an
// error, refused with one that admission gives, and otherwise neither.
func admitted(what string, err error) reply {
	if err == nil {
		return reply{what: what, result: granted}
	}
	one := reply{what: what, result: erred, said: err.Error()}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return one
	}
	switch code := status.Status().Code; {
	case code != http.StatusForbidden && code != http.StatusBadRequest && code != http.StatusUnprocessableEntity,
		noRight.MatchString(one.said), strings.Contains(one.said, "does not support dry run"):
		return one
	}
	one.result = refused
	for _, r := range refusers {
		if match := r.message.FindStringSubmatch(one.said); match != nil {
			one.notes = []string{"by=" + strings.Join(append([]string{r.by}, match[1:]...), "/")}
			return one
		}
	}
	by := "admission"
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		by = "validation"
	}
	one.notes = []string{"by=" + by}
	return one
}
