package main

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// applyConfig sets every flag that the command line left alone from a YAML file
// whose fields are named as the flags. Unknown and repeated fields, values that
// the flag would refuse, and a second document are errors.
func applyConfig(cmd *cobra.Command, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return usagef("read the configuration file: %v", err)
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	_, first := documents.Read()
	if _, second := documents.Read(); first == nil && second == nil {
		return usagef("configuration file %s: holds more than one YAML document", path)
	}
	var whole any
	if err := yaml.Unmarshal(data, &whole); err == nil {
		if _, fields := whole.(map[string]any); !fields && whole != nil {
			return usagef("configuration file %s: holds no fields: write them as `profile: nightly`", path)
		}
	}
	fields := map[string]any{}
	if err := yaml.UnmarshalStrict(data, &fields); err != nil {
		// The YAML library lists its complaints line by line.
		return usagef("configuration file %s: %s", path, strings.Join(strings.Fields(err.Error()), " "))
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		flag := cmd.Flags().Lookup(name)
		if flag == nil || name == "config" || name == "help" {
			return usagef("configuration file %s: unknown field %q: the fields are named as the flags of `%s`", path, name, cmd.CommandPath())
		}
		if flag.Changed {
			continue // the command line wins
		}
		if fields[name] == false && flag.NoOptDefVal != "" && flag.Value.Type() != "bool" {
			continue // as if it were left out
		}
		if err := setFlag(flag, fields[name]); err != nil {
			return usagef("configuration file %s: field %q: %v", path, name, err)
		}
		if empty(flag) {
			return usagef("configuration file %s: field %q has no value: give it one, or leave it out", path, name)
		}
		flag.Changed = true // what asks whether a flag was given means the file too
	}
	return nil
}

func setFlag(flag *pflag.Flag, value any) error {
	switch v := value.(type) {
	case string:
		return flag.Value.Set(v)
	case bool:
		if v && flag.NoOptDefVal != "" {
			return flag.Value.Set(flag.NoOptDefVal) // as the flag without a value
		}
		return flag.Value.Set(strconv.FormatBool(v))
	case float64:
		return flag.Value.Set(strconv.FormatFloat(v, 'f', -1, 64))
	case []any:
		list, ok := flag.Value.(pflag.SliceValue)
		if !ok {
			return fmt.Errorf("takes one value and not a list")
		}
		texts := make([]string, len(v))
		for i, item := range v {
			text, ok := item.(string)
			if !ok {
				return fmt.Errorf("item %d is no text", i+1)
			}
			texts[i] = text
		}
		return list.Replace(texts)
	default:
		return fmt.Errorf("a value of this kind is not understood: give a text, a number, true or false, or a list of texts")
	}
}
