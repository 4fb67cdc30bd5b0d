package reports

// The parts of an OSCAL document that a large run has a hundred thousand of.

func (s *oscalObservation) writeJSON(t *jsonText) {
	t.object(func() {
		t.field("uuid", s.UUID)
		t.field("title", s.Title)
		t.field("description", s.Description)
		t.props("props", s.Props)
		t.strings("methods", s.Methods)
		t.strings("types", s.Types)
		t.list("subjects", func() {
			for _, subject := range s.Subjects {
				t.next()
				t.object(func() {
					t.field("subject-uuid", subject.UUID)
					t.field("type", subject.Type)
				})
			}
		})
		if len(s.Evidence) > 0 {
			t.list("relevant-evidence", func() {
				for _, evidence := range s.Evidence {
					t.next()
					t.object(func() {
						t.field("href", evidence.Href)
						t.field("description", evidence.Description)
					})
				}
			})
		}
		t.field("collected", s.Collected)
		t.some("remarks", s.Remarks)
	})
}

func (f *oscalFinding) writeJSON(t *jsonText) {
	t.object(func() {
		t.field("uuid", f.UUID)
		t.field("title", f.Title)
		t.field("description", f.Description)
		if len(f.Props) > 0 {
			t.props("props", f.Props)
		}
		t.name("target")
		t.object(func() {
			t.field("type", f.Target.Type)
			t.field("target-id", f.Target.TargetID)
			t.name("status")
			t.object(func() {
				t.field("state", f.Target.Status.State)
				t.some("reason", f.Target.Status.Reason)
				t.some("remarks", f.Target.Status.Remarks)
			})
		})
		t.pointers("related-observations", f.Observations)
		t.pointers("related-risks", f.Risks)
	})
}

func (t *jsonText) props(name string, list []oscalProp) {
	t.list(name, func() {
		for _, p := range list {
			t.next()
			t.object(func() {
				t.field("name", p.Name)
				t.some("ns", p.NS)
				t.field("value", p.Value)
			})
		}
	})
}

// pointers writes a list that is left out when it is empty.
func (t *jsonText) pointers(name string, list []oscalPointer) {
	if len(list) == 0 {
		return
	}
	t.list(name, func() {
		for _, p := range list {
			t.next()
			t.object(func() {
				t.some("component-uuid", p.Component)
				t.some("observation-uuid", p.Observation)
				t.some("risk-uuid", p.Risk)
			})
		}
	})
}
