package reports

// A test of CTRF, of which a large run has a hundred thousand.
func (c *ctrfTest) writeJSON(t *jsonText) {
	t.object(func() {
		t.field("testId", c.TestID)
		t.field("executionId", c.ExecutionID)
		t.field("name", c.Name)
		t.field("status", c.Status)
		t.field("rawStatus", c.RawStatus)
		t.number("duration", c.Duration)
		t.strings("suite", c.Suite)
		t.some("message", c.Message)
		t.some("trace", c.Trace)
		t.name("labels")
		t.object(func() {
			t.field("control", c.Labels.Control)
			t.field("target", c.Labels.Target)
			t.field("group", c.Labels.Group)
			t.field("level", c.Labels.Level)
			t.some("profile", c.Labels.Profile)
			if len(c.Labels.Refs) > 0 {
				t.strings("references", c.Labels.Refs)
			}
			t.flag("shown", c.Labels.Shown)
		})
	})
}
