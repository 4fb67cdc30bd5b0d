package reports_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas holds the published schemas of other makers, which are not part of
// katacert.
const schemas = "../../shared/schemas"

// publishedSchema compiles one of them, and skips the test where it is not there.
func publishedSchema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	path := filepath.Join(schemas, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("the published schema is not at %s", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestJSONFormatsAreValidForTheirPublishedSchemas(t *testing.T) {
	for file, published := range map[string]string{"ctrf.json": "ctrf.schema.json", "oscal.json": "oscal_complete_schema-1-1-3.json"} {
		t.Run(file, func(t *testing.T) {
			schema := publishedSchema(t, published)
			for name, build := range samples() {
				document, err := jsonschema.UnmarshalJSON(bytes.NewReader(contents(t, filepath.Join(written(t, build()), file))))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(document); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				// A schema that takes anything would prove nothing.
				document.(map[string]any)["unheard-of"] = true
				if schema.Validate(document) == nil {
					t.Error("the schema takes a field that it does not know")
				}
			}
		})
	}
}
