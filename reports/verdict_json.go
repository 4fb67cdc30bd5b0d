package reports

// The fields of a verdict in the order and under the names of its types.
func (v *Verdict) writeJSON(t *jsonText) {
	t.object(func() {
		t.field("control", v.Control)
		t.field("target", v.Target)
		t.field("result", string(v.Result))
		t.field("reason", v.Reason)
		if v.Shown {
			t.flag("shown", true)
		}
		if len(v.Compared) > 0 {
			t.list("compared", func() { v.writeCompared(t) })
		}
		if len(v.Rests) > 0 {
			t.list("rests_on", func() { v.writeRests(t) })
		}
	})
}

func (v *Verdict) writeCompared(t *jsonText) {
	for i := range v.Compared {
		c := &v.Compared[i]
		t.next()
		t.object(func() {
			t.field("reading", c.Reading)
			t.field("truth", c.Truth)
			t.some("control", c.Control)
			t.field("subject", c.Subject)
			t.flag("match", c.Match)
		})
	}
}

func (v *Verdict) writeRests(t *jsonText) {
	for i := range v.Rests {
		b := &v.Rests[i]
		t.next()
		t.object(func() {
			t.field("vantage", string(b.Vantage))
			t.field("round", string(b.Round))
			t.field("probe", b.Probe)
			t.some("state", string(b.State))
		})
	}
}
