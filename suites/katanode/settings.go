package katanode

import "fmt"

// Section is a part of Kata's configuration.
type Section string

// The sections. Hypervisor is the table of the hypervisor that counts, Factory
// lies in it for runtime-rs and at the top for the Go shim.
const (
	Hypervisor Section = "hypervisor"
	Factory    Section = "factory"
	Agent      Section = "agent"
	MemAgent   Section = "mem_agent"
	RuntimeSec Section = "runtime"
)

// path is where a section lies.
func (c *Config) path(s Section) []string {
	switch s {
	case Hypervisor:
		return []string{"hypervisor", c.Hypervisor}
	case Factory:
		if c.Shim == RustShim {
			return []string{"hypervisor", c.Hypervisor, "factory"}
		}
		return []string{"factory"}
	case Agent:
		return []string{"agent", "kata"}
	case MemAgent:
		return []string{"agent", "kata", "mem_agent"}
	default:
		return []string{string(s)}
	}
}

// Header is the TOML header of a section, for drop-ins.
func (c *Config) Header(s Section) string {
	header := ""
	for _, part := range c.path(s) {
		if header != "" {
			header += "."
		}
		header += part
	}
	return "[" + header + "]"
}

// Name is how the configuration of this shim calls a setting.
func (c *Config) Name(s Section, key string) string {
	name := c.Header(s)
	return name + " " + key
}

// Has says whether a setting is there at all.
func (c *Config) Has(s Section, key string) bool {
	_, ok := at(c.tree, append(c.path(s), key)...)
	return ok
}

// Bool reads a setting that is on or off; where it is not set, what the shim takes.
func (c *Config) Bool(s Section, key string, unset bool) (bool, error) {
	return read(c, s, key, unset, func(v any) (bool, bool) { b, ok := v.(bool); return b, ok })
}

// Text reads a text; where it is not set, what the shim takes.
func (c *Config) Text(s Section, key, unset string) (string, error) {
	return read(c, s, key, unset, func(v any) (string, bool) { t, ok := v.(string); return t, ok })
}

// Number reads a whole number; where it is not set, what the shim takes.
func (c *Config) Number(s Section, key string, unset int64) (int64, error) {
	return read(c, s, key, unset, func(v any) (int64, bool) { n, ok := v.(int64); return n, ok })
}

// List reads a list of texts; where it is not set, it is empty.
func (c *Config) List(s Section, key string) ([]string, error) {
	return read(c, s, key, nil, texts)
}

func read[T any](c *Config, s Section, key string, unset T, as func(any) (T, bool)) (T, error) {
	value, ok := at(c.tree, append(c.path(s), key)...)
	if !ok {
		return unset, nil
	}
	typed, ok := as(value)
	if !ok {
		return unset, fmt.Errorf("%s is %v, which its shim does not take", c.Name(s, key), value)
	}
	return typed, nil
}
