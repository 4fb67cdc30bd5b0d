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
// katacert: the folder that KATACERT_SCHEMAS names, or one beside the project.
func schemas() string {
	if folder, set := os.LookupEnv("KATACERT_SCHEMAS"); set {
		return folder
	}
	return "../../shared/schemas"
}

// publishedSchema is the path of one of them. A test is skipped where it is not there,
// and fails where somebody said that it is.
func publishedSchema(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(schemas(), name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && os.Getenv("KATACERT_SCHEMAS") == "" {
		t.Skipf("the published schema is not at %s: what katacert writes was held against its own, narrower one alone (KATACERT_SCHEMAS names another folder)", path)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

func compiled(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(contents(t, path)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(path, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// requireValid holds a format of every sample against a schema.
func requireValid(t *testing.T, file, schemaPath string) {
	t.Helper()
	schema := compiled(t, schemaPath)
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
}

// Every build holds what katacert writes against schemas of its own, which are
// narrower than those of the formats' makers.
func TestJSONFormatsAreValid(t *testing.T) {
	for _, format := range []string{"ctrf", "oscal"} {
		t.Run(format, func(t *testing.T) {
			requireValid(t, format+".json", filepath.Join("testdata", format+".schema.json"))
		})
	}
}

func TestJSONFormatsAreValidForTheirPublishedSchemas(t *testing.T) {
	for file, published := range map[string]string{"ctrf.json": "ctrf.schema.json", "oscal.json": "oscal_complete_schema-1-1-3.json"} {
		t.Run(file, func(t *testing.T) {
			requireValid(t, file, publishedSchema(t, published))
		})
	}
}
