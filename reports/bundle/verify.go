package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/reports/internal/numbers"
	"github.com/katacert/katacert/suites/catalogue"
)

// Judge is with what the evidence of an archive is judged again.
type Judge struct {
	// Controls is the whole catalogue.
	Controls []catalogue.Control
	// Version is that of the program.
	Version string
}

// Verify checks the archive at path against the keys, of which one must have signed
// it. Without a key it says that nobody's signature was checked. Its only errors are
// those of a file that cannot be read, see ErrUnreadable; all else is in the result.
func Verify(ctx context.Context, path string, keys []PublicKey, by Judge) (*Result, error) {
	v := &verification{Result: newResult(path), by: by}
	var err error
	if v.opened, err = open(path, v.fault); err != nil {
		return nil, err
	}
	defer v.close()
	if v.manifest != nil {
		v.note(freshKey(v.manifest))
		v.Run, v.Finished, v.Tool, v.Signing = v.manifest.Run, v.manifest.Finished, &v.manifest.Tool, &v.manifest.Signing
	}
	payload := v.signature(ctx, keys)
	if v.whole {
		v.note(v.checkContainer(v.fault))
		v.sound(checkArchive, numbers.Plural(len(archived()), "file")+", packed as katacert packs them")
		v.sound(checkFiles, "every file has the size and the SHA-256 that the manifest lists")
		v.insides(payload)
	}
	for _, name := range checks() {
		v.skipped(name, "what comes before it could not be read")
	}
	return v.Result, nil
}

// verification is the work on one archive.
type verification struct {
	*Result
	*opened
	by Judge
	// what could be read of the archive
	configuration *Configuration
	report        *reports.Report
	journal       *journal
	nodes         nodes
	// sameJudge is set when this program has the catalogue and the version of the one
	// that made the run, so that all that it says must be the same.
	sameJudge bool
}

func freshKey(m *Manifest) string {
	if m.Signing.By != ByFreshKey {
		return ""
	}
	return "The bundle says that it was signed with a key that was made for it alone: the signature shows that nothing was changed since, and not who made it."
}

// insides checks what the files say.
func (v *verification) insides(payload []byte) {
	if !v.read() {
		return
	}
	v.Outcome, v.Headline = v.report.Outcome, v.report.Headline()
	mine, err := CatalogueOf(v.by.Controls)
	if err != nil {
		v.fault(checkVerdicts, err.Error())
		return
	}
	sameCatalogue := mine == v.manifest.Catalogue
	v.sameJudge = sameCatalogue && v.by.Version == v.manifest.Tool.Version
	if !sameCatalogue {
		v.note(fmt.Sprintf("The run was judged with the catalogue of katacert %s (%d controls, SHA-256 %.12s…), this is %s (%d controls, SHA-256 %.12s…): controls may be told, judged and demanded otherwise.",
			v.manifest.Tool.Version, v.manifest.Catalogue.Controls, v.manifest.Catalogue.SHA256, v.by.Version, mine.Controls, mine.SHA256))
	}
	v.complete(sameCatalogue)
	v.ran()
	v.attested(payload)
	v.judgeAgain()
}

// read reads report, configuration and evidence; it says whether there is a report
// to go on with.
func (v *verification) read() bool {
	var err error
	if v.configuration, err = decodeConfiguration(v.texts[ConfigurationFile]); err != nil {
		v.fault(checkSchema, ConfigurationFile+": "+err.Error())
	} else if v.configuration.Tool != v.manifest.Tool || v.configuration.Catalogue != v.manifest.Catalogue {
		v.fault(checkSchema, ConfigurationFile+" names another program or catalogue than the manifest")
	}
	if err := decodeJSON(v.texts[nodesFile], &v.nodes); err != nil {
		v.fault(checkSchema, nodesFile+": "+err.Error())
	}
	if v.report, err = reports.Decode(v.texts[reportFile]); err != nil {
		v.fault(checkSchema, reportFile+": "+err.Error())
		return false
	}
	run := v.report.Run
	switch {
	case run.ID != v.manifest.Run:
		v.fault(checkSchema, fmt.Sprintf("%s is of run %.60s, the manifest of run %.60s", reportFile, run.ID, v.manifest.Run))
	case !run.Finished.Equal(v.manifest.Finished):
		v.fault(checkSchema, fmt.Sprintf("%s says that the run ended at %s, the manifest %s", reportFile, run.Finished, v.manifest.Finished))
	case run.Version != v.manifest.Tool.Version:
		v.fault(checkSchema, fmt.Sprintf("%s is of katacert %.60s, the manifest names %.60s", reportFile, run.Version, v.manifest.Tool.Version))
	case !reflect.DeepEqual(append([]reports.Image{}, v.report.Images...), v.manifest.Images):
		v.fault(checkSchema, reportFile+" and the manifest name other images")
	}
	targets := map[string]bool{}
	for _, t := range v.report.Targets {
		targets[t.ID] = true
	}
	v.journal, err = readJournal(v.evidence, v.evidenceSize, belongs(run, targets), func(line int, err error) {
		v.fault(checkSchema, fmt.Sprintf("%s, line %d: %v", evidenceFile, line, err))
	})
	if err != nil {
		v.fault(checkSchema, fmt.Sprintf("%s, %v", evidenceFile, err))
	}
	v.sound(checkSchema, fmt.Sprintf("report, configuration, nodes and %s of evidence of this run, its targets and its time", numbers.Plural(v.journal.records, "record")))
	return true
}

// ran checks that nodes.json says what report and evidence say.
func (v *verification) ran() {
	want, err := whatRan(v.report, v.journal)
	if err != nil {
		v.fault(checkNodes, err.Error())
		return
	}
	if text, err := encodeJSON(want); err != nil || bytes.Equal(text, v.texts[nodesFile]) {
		v.sound(checkNodes, "versions and digests are those of report and evidence")
		return
	}
	if v.manifest.Packer.Version != v.by.Version {
		v.skipped(checkNodes, "another version of katacert gathered them")
		return
	}
	v.fault(checkNodes, nodesFile+" does not say what report and evidence say")
}

// attested checks that the statement which was signed speaks of this manifest and
// says what the report says.
func (v *verification) attested(payload []byte) {
	if payload == nil {
		return
	}
	want, err := statement(v.manifest, v.texts[manifestFile], v.report, v.nodes)
	if err != nil {
		v.fault(checkAttestation, err.Error())
		return
	}
	if !bytes.Equal(want, payload) {
		differs, told := difference(want, payload)
		if told && v.manifest.Packer.Version != v.by.Version {
			v.skipped(checkAttestation, "another version of katacert told what was under test: verify with katacert "+v.manifest.Packer.Version)
			return
		}
		v.fault(checkAttestation, attestationFile+" does not say what manifest and report say: "+differs)
		return
	}
	v.sound(checkAttestation, fmt.Sprintf("it speaks of this manifest and says %s, as the report does", resultOf(v.report)))
}

// difference names the part of a statement that is not as it has to be, and says
// whether that part is told in words that another version of katacert may choose
// otherwise.
func difference(want, have []byte) (part string, told bool) {
	type statement struct {
		Type          string            `json:"_type"`
		Subject       []json.RawMessage `json:"subject"`
		PredicateType string            `json:"predicateType"`
		Predicate     map[string]json.RawMessage
	}
	var wanted, had statement
	if json.Unmarshal(want, &wanted) != nil || json.Unmarshal(have, &had) != nil {
		return "it is no statement of in-toto", false
	}
	switch {
	case had.Type != wanted.Type || had.PredicateType != wanted.PredicateType:
		return "its type", false
	case len(had.Subject) == 0 || !bytes.Equal(had.Subject[0], wanted.Subject[0]):
		return "its first subject is not the manifest of this bundle", false
	}
	for _, field := range []string{"result", "passedTests", "warnedTests", "failedTests"} {
		if !bytes.Equal(had.Predicate[field], wanted.Predicate[field]) {
			return "its predicate's " + field, false
		}
	}
	switch {
	case !reflect.DeepEqual(had.Subject, wanted.Subject):
		return "its subjects", true
	case !bytes.Equal(had.Predicate["configuration"], wanted.Predicate["configuration"]):
		return "its predicate's configuration", true
	default:
		return "its form", true
	}
}
