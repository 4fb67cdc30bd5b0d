package kernel

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// note lays out one ELF note as a linker would.
func note(name string, kind uint32, content string) []byte {
	pad := func(s string) []byte { return append([]byte(s), make([]byte, (4-len(s)%4)%4)...) }
	var out []byte
	for _, word := range []uint32{uint32(len(name)), uint32(len(content)), kind} {
		out = binary.NativeEndian.AppendUint32(out, word)
	}
	out = append(out, pad(name)...)
	return append(out, pad(content)...)
}

func TestBuildID(t *testing.T) {
	id := note("GNU\x00", noteGNUBuildID, "\x01\x02\x03\xff")
	for name, test := range map[string]struct {
		notes   []byte
		want    string
		wantErr string
	}{
		"alone":                   {notes: id, want: "010203ff"},
		"after others":            {notes: bytes.Join([][]byte{note("Linux\x00", 0, "abcdef"), note("Xen\x00", 6, "linux"), id}, nil), want: "010203ff"},
		"of odd length":           {notes: note("GNU\x00", noteGNUBuildID, "\xab"), want: "ab"},
		"without last padding":    {notes: note("GNU\x00", noteGNUBuildID, "\xab")[:17], want: "ab"},
		"other type of GNU":       {notes: note("GNU\x00", 1, "\x01\x02"), wantErr: errNoBuildID.Error()},
		"type of another owner":   {notes: note("Go\x00\x00", noteGNUBuildID, "\x01\x02"), wantErr: errNoBuildID.Error()},
		"empty id":                {notes: note("GNU\x00", noteGNUBuildID, ""), wantErr: errNoBuildID.Error()},
		"nothing":                 {notes: nil, wantErr: errNoBuildID.Error()},
		"shorter than its header": {notes: id[:11], wantErr: errNoBuildID.Error()},
		"name too long":           {notes: binary.NativeEndian.AppendUint32(nil, 1<<31+3), wantErr: errNoBuildID.Error()},
		"name beyond the end":     {notes: id[:13], wantErr: "name is longer"},
		"content beyond the end":  {notes: id[:18], wantErr: "content is longer"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := buildID(test.notes)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("got %q, %v; want an error with %q", got, err, test.wantErr)
				}
				return
			}
			if err != nil || got != test.want {
				t.Fatalf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// FuzzBuildID holds that no bytes make the parser panic, and that it never
// reports an id that is not among the bytes.
func FuzzBuildID(f *testing.F) {
	f.Add(note("GNU\x00", noteGNUBuildID, "\x01\x02\x03\xff"))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, notes []byte) {
		id, err := buildID(notes)
		if (err == nil) == (id == "") {
			t.Fatalf("id %q with error %v", id, err)
		}
		if len(id)/2 > len(notes) {
			t.Fatalf("id %q is longer than the %d bytes it came from", id, len(notes))
		}
	})
}

// image lays out an ELF image with one PT_NOTE segment, as a vDSO has it.
func image(notes []byte) []byte {
	header := elf.Header64{Phoff: 64, Phentsize: 56, Phnum: 1}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS] = byte(elf.ELFCLASS64)
	program := elf.Prog64{Type: uint32(elf.PT_NOTE), Off: 64 + 56, Filesz: uint64(len(notes))}
	var out bytes.Buffer
	// Writing to a buffer cannot fail.
	_ = binary.Write(&out, binary.NativeEndian, header)
	_ = binary.Write(&out, binary.NativeEndian, program)
	out.Write(notes)
	return out.Bytes()
}

func TestImageBuildID(t *testing.T) {
	good := image(note("GNU\x00", noteGNUBuildID, "\xca\xfe"))
	if id, err := imageBuildID(good); err != nil || id != "cafe" {
		t.Fatalf("got %q, %v; want cafe", id, err)
	}
	if _, err := imageBuildID(image(note("Linux\x00", 0, "abcd"))); !errors.Is(err, errNoBuildID) {
		t.Errorf("notes without a build id: got error %v, want %v", err, errNoBuildID)
	}
	for length := range good {
		if id, err := imageBuildID(good[:length]); err == nil {
			t.Errorf("image cut to %d bytes: got id %q, want an error", length, id)
		}
	}
	class32 := bytes.Clone(good)
	class32[elf.EI_CLASS] = byte(elf.ELFCLASS32)
	if _, err := imageBuildID(class32); err == nil {
		t.Error("a 32-bit image was accepted")
	}
}

func FuzzImageBuildID(f *testing.F) {
	f.Add(image(note("GNU\x00", noteGNUBuildID, "\xca\xfe")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if id, err := imageBuildID(data); (err == nil) == (id == "") {
			t.Fatalf("id %q with error %v", id, err)
		}
	})
}
