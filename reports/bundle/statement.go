package bundle

import (
	"encoding/json"
	"fmt"
	"strings"

	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/judge"
)

const (
	// payloadType is that of in-toto statements in a DSSE envelope
	// (https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md).
	payloadType = "application/vnd.in-toto+json"
	// predicateType is that of results of tests
	// (https://github.com/in-toto/attestation/blob/main/spec/predicates/test-result.md).
	predicateType = "https://in-toto.io/attestation/test-result/v0.1"
)

// What the predicate says a run came to. There is no word for a run that proved
// too little, and that is no pass.
const (
	resultPassed = "PASSED"
	resultWarned = "WARNED"
	resultFailed = "FAILED"
)

func resultOf(r *reports.Report) string {
	switch {
	case r.Outcome != reports.Certified:
		return resultFailed
	case r.Summary.Findings > 0:
		return resultWarned
	default:
		return resultPassed
	}
}

// statement is the in-toto statement of an archive, as JSON. Its first subject is
// the manifest, by which it speaks for every file of the archive; the others are
// what was under test.
func statement(m *Manifest, manifest []byte, r *reports.Report, n nodes) ([]byte, error) {
	subjects := []*intoto.ResourceDescriptor{{Name: manifestFile, Digest: sha256Of(digest(manifest))}}
	for _, a := range n.artefacts(m.Images) {
		subject := &intoto.ResourceDescriptor{Name: a.name, Digest: sha256Of(a.sha256)}
		if len(a.targets) > 0 {
			targets, err := structpb.NewStruct(map[string]any{"targets": anys(a.targets)})
			if err != nil {
				return nil, fmt.Errorf("name the targets of %s: %w", a.name, err)
			}
			subject.Annotations = targets
		}
		subjects = append(subjects, subject)
	}
	predicate, err := predicateOf(m, r)
	if err != nil {
		return nil, err
	}
	s := &intoto.Statement{Type: intoto.StatementTypeUri, Subject: subjects, PredicateType: predicateType, Predicate: predicate}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("make the in-toto statement: %w", err)
	}
	text, err := stable(s)
	if err != nil {
		return nil, fmt.Errorf("write the in-toto statement: %w", err)
	}
	return text, nil
}

// predicateOf is the result of the run by the names that its verdicts have in JUnit,
// too. What does not apply is in no list.
func predicateOf(m *Manifest, r *reports.Report) (*structpb.Struct, error) {
	result := &testresult.TestResult{Result: resultOf(r)}
	for _, v := range r.Verdicts {
		name := v.Control + " [" + v.Target + "]"
		switch {
		case v.Result == judge.Pass:
			result.PassedTests = append(result.PassedTests, name)
		case v.Result == judge.NotApplicable:
		case r.Finding(v):
			result.WarnedTests = append(result.WarnedTests, name)
		default:
			result.FailedTests = append(result.FailedTests, name)
		}
	}
	for _, f := range m.Files {
		if f.Name == ConfigurationFile {
			result.Configuration = append(result.Configuration, &intoto.ResourceDescriptor{Name: f.Name, Digest: sha256Of(f.SHA256)})
		}
	}
	result.Configuration = append(result.Configuration,
		&intoto.ResourceDescriptor{Name: "catalogue of controls", Digest: sha256Of(m.Catalogue.SHA256)},
		&intoto.ResourceDescriptor{Name: m.Tool.Name + " " + m.Tool.Version + " " + m.Tool.Platform, Digest: sha256Of(m.Tool.SHA256)})
	for _, image := range m.Images {
		if sum := imageDigest(image); isDigest(sum) && !image.UnderTest() {
			result.Configuration = append(result.Configuration, &intoto.ResourceDescriptor{Name: "image " + image.Name, Uri: image.Ref, Digest: sha256Of(sum)})
		}
	}
	text, err := stable(result)
	if err != nil {
		return nil, fmt.Errorf("write the in-toto predicate: %w", err)
	}
	predicate := &structpb.Struct{}
	if err := protojson.Unmarshal(text, predicate); err != nil {
		return nil, fmt.Errorf("write the in-toto predicate: %w", err)
	}
	return predicate, nil
}

// stable writes a message the same way each time: protojson changes its white space
// from one build to the next on purpose.
func stable(m proto.Message) ([]byte, error) {
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

func sha256Of(sum string) map[string]string { return map[string]string{"sha256": sum} }

// imageDigest is the digest of an image in hexadecimal.
func imageDigest(image reports.Image) string { return strings.TrimPrefix(image.Digest, "sha256:") }

func anys(texts []string) []any {
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}
