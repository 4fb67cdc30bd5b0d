package kernel

import (
	"strings"

	"github.com/katacert/katacert/probes"
	"github.com/katacert/katacert/probes/evidence"
	"github.com/katacert/katacert/probes/internal/kernfs"
)

// cmdline reads the kernel's command line and, apart, those of its words that
// are unlikely to be the same on two machines.
func cmdline(*probes.Context) evidence.Observation {
	line, err := kernfs.Line("/proc/cmdline")
	if err != nil {
		return probes.Unreadable(err)
	}
	return probes.Seen(evidence.Values{
		"cmdline": evidence.Text(line),
		"words":   evidence.List(uniqueWords(line)...),
	})
}

// uniqueWords returns the UUIDs, partition UUIDs and long hexadecimal numbers of
// a kernel command line, whether they stand alone or as a value.
func uniqueWords(line string) []string {
	separator := func(r rune) bool { return strings.ContainsRune(" \t\n\"',;=", r) }
	var unique []string
	previous := ""
	for _, word := range strings.FieldsFunc(line, separator) {
		// The partition UUID of a disk without GPT is short: 8 digits and a number.
		if isUUID(word) || isLongHex(word) || strings.EqualFold(previous, "PARTUUID") {
			unique = append(unique, word)
		}
		previous = word
	}
	return unique
}

// isUUID accepts 8-4-4-4-12 hexadecimal digits.
func isUUID(word string) bool {
	groups := strings.Split(word, "-")
	if len(groups) != 5 {
		return false
	}
	for i, digits := range []int{8, 4, 4, 4, 12} {
		if len(groups[i]) != digits || !isHex(groups[i]) {
			return false
		}
	}
	return true
}

// isLongHex accepts at least 64 bits of hexadecimal digits that are not all the
// same: hashes and ids, not masks.
func isLongHex(word string) bool {
	return len(word) >= 16 && isHex(word) && strings.Trim(word, word[:1]) != ""
}

func isHex(word string) bool {
	return strings.Trim(word, "0123456789abcdefABCDEF") == ""
}
