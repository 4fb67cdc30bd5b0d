package reports

import "strconv"

// Longest texts that the formats for people show, in characters. report.json
// keeps every text of the report whole.
const (
	longestCell   = 400
	longestReason = 1000
)

// plural is "1 control", "2 controls".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
