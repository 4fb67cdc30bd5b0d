package reports

// Longest texts that the formats for people show, in characters. report.json
// keeps every text of the report whole.
const (
	longestCell   = 400
	longestReason = 1000
)
