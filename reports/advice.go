package reports

import "github.com/katacert/katacert/suites/judge"

// Advice is one thing to do, and the controls whose fail calls for it.
type Advice struct {
	Text     string
	Controls []string
}

// Advice says what to do about the fails and the findings. Controls that share a
// cause share their advice, and it is given once.
func (r *Report) Advice() []Advice { return advise(failedRows(r.Sheets())) }

func advise(rows []Row) []Advice {
	var all []Advice
	index := map[string]int{}
	seen := map[string]bool{}
	for _, row := range rows {
		c := row.Control
		if c.OnFail == "" || seen[c.ID] {
			continue
		}
		seen[c.ID] = true
		i, ok := index[c.OnFail]
		if !ok {
			i = len(all)
			index[c.OnFail] = i
			all = append(all, Advice{Text: c.OnFail})
		}
		all[i].Controls = append(all[i].Controls, c.ID)
	}
	return all
}

// failedRows returns the fails, then the findings.
func failedRows(sheets []Sheet) (rows []Row) {
	for _, mark := range []string{string(judge.Fail), markFinding} {
		for _, sheet := range sheets {
			for _, row := range sheet.Rows {
				if row.Mark() == mark {
					rows = append(rows, row)
				}
			}
		}
	}
	return rows
}
