package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/katacert/katacert/reports"
	"github.com/katacert/katacert/suites/catalogue"
)

// ConfigurationSchema names the format of configuration.json.
const ConfigurationSchema = "katacert.dev/configuration/v1"

// Configuration is with what a run was made: the program, its catalogue, and every
// option as it was in force. It holds no secret; see Set.
type Configuration struct {
	Schema    string    `json:"schema"`
	Tool      Tool      `json:"tool"`
	Catalogue Catalogue `json:"catalogue"`
	// Options are those of `katacert certify` by name: a text, or a list of texts.
	Options map[string]any `json:"options"`
	// Given are the options that were chosen, and are not defaults.
	Given []string `json:"given"`
}

// Tool identifies a program.
type Tool struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// SHA256 is that of the program file, in hexadecimal.
	SHA256 string `json:"sha256"`
}

// ThisTool identifies the running program.
func ThisTool(version string) (Tool, error) {
	tool := Tool{Name: "katacert", Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	path, err := os.Executable()
	if err != nil {
		return tool, fmt.Errorf("find the program's own file: %w", err)
	}
	file, err := os.Open(path)
	if err != nil {
		return tool, fmt.Errorf("read the program's own file: %w", err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return tool, fmt.Errorf("read the program's own file %s: %w", path, err)
	}
	tool.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return tool, nil
}

// Catalogue identifies a catalogue of controls by all that its entries say.
type Catalogue struct {
	SHA256   string `json:"sha256"`
	Controls int    `json:"controls"`
}

// CatalogueOf identifies the given catalogue.
func CatalogueOf(controls []catalogue.Control) (Catalogue, error) {
	entries := make([]reports.Control, len(controls))
	for i, c := range controls {
		entries[i] = reports.Entry(c)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return Catalogue{}, fmt.Errorf("compute the digest of the catalogue: %w", err)
	}
	return Catalogue{SHA256: digest(text), Controls: len(controls)}, nil
}

// secretOptions are those whose values may hold a secret: a command line takes PINs
// and tokens.
var secretOptions = []string{"signing-command"}

const withheld = "(given, and not kept: it may hold a secret)"

// Set notes an option as it was in force. What may be a secret in it is left out:
// user, password and query of an address, and all of a command.
func (c *Configuration) Set(name string, given, list bool, values ...string) {
	kept := make([]string, len(values))
	for i, value := range values {
		kept[i] = withoutSecret(value)
		if value != "" && slices.Contains(secretOptions, name) {
			kept[i] = withheld
		}
	}
	if c.Options == nil {
		c.Options, c.Given = map[string]any{}, []string{}
	}
	switch {
	case list:
		c.Options[name] = kept
	case len(kept) == 1:
		c.Options[name] = kept[0]
	}
	if given {
		c.Given = append(c.Given, name)
		slices.Sort(c.Given)
	}
}

func withoutSecret(value string) string {
	if !strings.Contains(value, "://") {
		return value
	}
	address, err := url.Parse(value)
	if err != nil {
		return "(an address that cannot be read, not kept)"
	}
	if address.User == nil && address.RawQuery == "" && address.Fragment == "" {
		return value
	}
	address.User, address.RawQuery, address.Fragment, address.RawFragment = nil, "", "", ""
	return address.String()
}

// Write writes the configuration into the folder of a run.
func (c *Configuration) Write(dir string) error {
	path := filepath.Join(dir, ConfigurationFile)
	err := reports.WriteWhole(path, func(w io.Writer) error { return writeJSON(w, c) })
	if err != nil {
		return fmt.Errorf("write the configuration of the run to %s: %w", path, err)
	}
	return nil
}

func decodeConfiguration(text []byte) (*Configuration, error) {
	c := &Configuration{}
	if err := decodeJSON(text, c); err != nil {
		return nil, err
	}
	if c.Schema != ConfigurationSchema {
		return nil, fmt.Errorf("schema %q, but this katacert reads %q", c.Schema, ConfigurationSchema)
	}
	for name, value := range c.Options {
		if !isText(value) {
			return nil, fmt.Errorf("option %.60q is neither a text nor a list of texts", name)
		}
	}
	return c, nil
}

// isText says whether a value is a text, or a list of texts.
func isText(value any) bool {
	if list, ok := value.([]any); ok {
		return !slices.ContainsFunc(list, func(item any) bool { _, text := item.(string); return !text })
	}
	_, text := value.(string)
	return text
}

// text is the value of an option that is one text.
func (c *Configuration) text(name string) string {
	text, _ := c.Options[name].(string)
	return text
}
