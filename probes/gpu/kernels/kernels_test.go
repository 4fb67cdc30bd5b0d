package kernels

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every kernel that is named has an entry in the PTX, and the other way round.
func TestEveryKernelIsInThePTX(t *testing.T) {
	entry := regexp.MustCompile(`\.visible \.entry (\w+)\(`)
	var entries []string
	for _, match := range entry.FindAllStringSubmatch(PTX+TensorPTX, -1) {
		entries = append(entries, match[1])
	}
	names := []string{VectorAdd, MatrixMultiply, PatternWrite, PatternCheck, Plant, Scan, SharedFill, SharedDump, FloatFMA, TensorMMA}
	slices.Sort(entries)
	slices.Sort(names)
	if !slices.Equal(entries, names) {
		t.Errorf("entries %v, names %v", entries, names)
	}
}

// What the assembler would refuse first: parameters that are not declared,
// registers beyond those declared, labels that lead nowhere.
func TestPTXIsWellFormed(t *testing.T) {
	for _, kernel := range strings.Split(PTX+TensorPTX, ".visible .entry ")[1:] {
		name, body, _ := strings.Cut(kernel, "(")
		if strings.Count(kernel, "{") != strings.Count(kernel, "}") {
			t.Errorf("%s: braces do not match", name)
		}
		for _, match := range regexp.MustCompile(`\[(\w+_\w+)\]`).FindAllStringSubmatch(body, -1) {
			if !strings.Contains(body, ".param .u64 "+match[1]) {
				t.Errorf("%s reads parameter %s, which it does not declare", name, match[1])
			}
		}
		for _, match := range regexp.MustCompile(`bra\s+(\w+);`).FindAllStringSubmatch(body, -1) {
			if !strings.Contains(body, "\n"+match[1]+":") {
				t.Errorf("%s jumps to %s, which is not there", name, match[1])
			}
		}
		if !strings.Contains(body, "ret;") {
			t.Errorf("%s does not return", name)
		}
	}
}

func TestMultiply(t *testing.T) {
	got := Multiply([]uint32{1, 2, 3, 1 << 31}, []uint32{5, 6, 7, 8}, 2)
	if want := []uint32{19, 22, 15 + 7<<31&(1<<32-1), 18}; !slices.Equal(got, want) {
		t.Errorf("product %v, want %v", got, want)
	}
}

func TestPatternDependsOnEveryInput(t *testing.T) {
	base := Pattern(5, 6, 0)
	for _, other := range []uint64{Pattern(4, 6, 0), Pattern(5, 7, 1), Pattern(5, 6, ^uint64(0))} {
		if other == base {
			t.Error("two patterns are equal")
		}
	}
	if Pattern(5, 6, ^uint64(0)) != ^base {
		t.Error("the mask does not invert")
	}
}
