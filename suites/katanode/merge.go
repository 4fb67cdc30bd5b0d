package katanode

import (
	"fmt"
	"maps"

	toml "github.com/pelletier/go-toml/v2"
)

// table is a decoded TOML table.
type table = map[string]any

// decode reads a TOML text. The decoder takes texts and numbers as they stand and
// never runs anything; its depth is bounded by the size of the text.
func decode(f File) (table, error) {
	if len(f.Text) > maxFileBytes {
		return nil, fmt.Errorf("%s has %d bytes, more than any configuration", f.Path, len(f.Text))
	}
	var decoded table
	if err := toml.Unmarshal([]byte(f.Text), &decoded); err != nil {
		return nil, fmt.Errorf("%s is no TOML: %w", f.Path, err)
	}
	return decoded, nil
}

// merge lays one table over another and returns the result; neither is changed.
// Tables are merged key by key to any depth; everything else, scalars and arrays,
// is replaced. So does Kata with the files of config.d
// (src/libs/kata-types/src/config/drop_in.rs, src/runtime/pkg/katautils/config.go),
// and containerd 2 inside its sections of plugins.
func merge(base, over table) table {
	merged := maps.Clone(base)
	if merged == nil {
		merged = table{}
	}
	for key, value := range over {
		upper, isTable := value.(table)
		lower, wasTable := merged[key].(table)
		switch {
		case isTable && wasTable:
			merged[key] = merge(lower, upper)
		case isTable:
			merged[key] = merge(nil, upper)
		default:
			merged[key] = value
		}
	}
	return merged
}

// at follows a path of tables.
func at(t table, path ...string) (any, bool) {
	var value any = t
	for _, key := range path {
		inner, isTable := value.(table)
		if !isTable {
			return nil, false
		}
		next, ok := inner[key]
		if !ok {
			return nil, false
		}
		value = next
	}
	return value, true
}

func tableAt(t table, path ...string) table {
	value, _ := at(t, path...)
	inner, _ := value.(table)
	return inner
}

// texts reads an array of strings.
func texts(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		list = append(list, text)
	}
	return list, true
}
