package reports

import "time"

// span is from when to when something went on.
type span struct{ began, ended time.Time }

// spans are those of the targets.
type spans struct {
	ofTarget map[string]span
	ofRun    span
}

// spans tells from when to when the phases of each target went on together.
func (r *Report) spans() spans {
	all := spans{map[string]span{}, span{r.Run.Started, r.Run.Finished}}
	for _, t := range r.Timings {
		ended := t.Started.Add(t.Duration)
		known, ok := all.ofTarget[t.Target]
		if !ok {
			all.ofTarget[t.Target] = span{t.Started, ended}
			continue
		}
		if t.Started.Before(known.began) {
			known.began = t.Started
		}
		if ended.After(known.ended) {
			known.ended = ended
		}
		all.ofTarget[t.Target] = known
	}
	return all
}

// of returns the span of a target, and that of the run where the target has none.
func (s spans) of(target string) span {
	if known, ok := s.ofTarget[target]; ok {
		return known
	}
	return s.ofRun
}
