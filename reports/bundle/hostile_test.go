package bundle_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/katacert/katacert/reports/bundle"
)

// Archives that no katacert made are refused for what they are, and nothing of them
// is written anywhere.
func TestHostileArchivesAreRefused(t *testing.T) {
	path, key := seal(t, aSmallRun(t))
	for name, test := range map[string]struct {
		change func(all []entry) []entry
		says   string
	}{
		"a path that leads out": {says: `"../../etc/cron.d/x" where nodes.json has to be`, change: func(all []entry) []entry {
			all[3].header.Name = "../../etc/cron.d/x"
			return all
		}},
		"an absolute path": {says: `"/etc/passwd" where manifest.json has to be`, change: func(all []entry) []entry {
			all[0].header.Name = "/etc/passwd"
			return all
		}},
		"a symbolic link": {says: "report.json is no plain file", change: func(all []entry) []entry {
			all[4].header.Typeflag, all[4].header.Linkname, all[4].text = tar.TypeSymlink, "/etc/shadow", nil
			return all
		}},
		"a folder": {says: "report.json is no plain file", change: func(all []entry) []entry {
			all[4].header.Typeflag, all[4].text = tar.TypeDir, nil
			return all
		}},
		"a name twice": {says: `"manifest.json" where attestation.dsse.json has to be`, change: func(all []entry) []entry {
			return append([]entry{all[0]}, all...)
		}},
		"a file more": {says: `"report.json" besides the files of a bundle`, change: func(all []entry) []entry {
			return append(all, all[4])
		}},
		"a file less": {says: "cut off before evidence.jsonl", change: func(all []entry) []entry { return all[:5] }},
		"another order": {says: `"report.json" where nodes.json has to be`, change: func(all []entry) []entry {
			all[3], all[4] = all[4], all[3]
			return all
		}},
		"another owner": {says: "not packed as katacert packs these files", change: func(all []entry) []entry {
			all[4].header.Uid = 1000
			return all
		}},
		"another time": {says: "not packed as katacert packs these files", change: func(all []entry) []entry {
			all[4].header.ModTime = all[4].header.ModTime.AddDate(-1, 0, 0)
			return all
		}},
		"records of PAX": {says: "not packed as katacert packs these files", change: func(all []entry) []entry {
			all[4].header.Format, all[4].header.PAXRecords = tar.FormatPAX, map[string]string{"KATACERT.x": "y"}
			return all
		}},
		"a large manifest": {says: "manifest.json has 1048577 bytes, and 1048576 are the most", change: func(all []entry) []entry {
			all[0].text = make([]byte, 1<<20+1)
			return all
		}},
		"more evidence than is listed": {says: "evidence.jsonl has 67108864 bytes, more than", change: func(all []entry) []entry {
			all[5].text = make([]byte, 64<<20)
			return all
		}},
		"a manifest that allows everything": {says: "manifest.json was changed", change: func(all []entry) []entry {
			all[0].text = bytes.Replace(all[0].text, []byte(`"size": `), []byte(`"size": 99999999`), 1)
			return all
		}},
		"a manifest with a file more": {says: "manifest.json was changed: it lists 5 files", change: func(all []entry) []entry {
			all[0].text = bytes.Replace(all[0].text, []byte("\"files\": [\n"), []byte("\"files\": [\n    {\n      \"name\": \"x\",\n      \"size\": 1,\n      \"sha256\": \"\"\n    },\n"), 1)
			return all
		}},
		"two signatures": {says: "attestation.dsse.json was changed: it bears 2 signatures", change: func(all []entry) []entry {
			text := string(all[1].text)
			at := strings.Index(text, `"signatures":[`) + len(`"signatures":[`)
			all[1].text = []byte(text[:at] + text[at:strings.LastIndex(text, "]")] + "," + text[at:])
			return all
		}},
	} {
		t.Run(name, func(t *testing.T) {
			result := verify(t, repack(t, test.change(unpack(t, path))), byThis(), key)
			said := text(t, result)
			if result.Verdict() != bundle.Refuted || !strings.Contains(said, test.says) {
				t.Errorf("the bundle is %s, and it is not said that %q:\n%s", result.Verdict(), test.says, said)
			}
		})
	}
}

// What follows an archive could be read by another program as something else.
func TestNothingMayFollowAnArchive(t *testing.T) {
	path, key := seal(t, aSmallRun(t))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string][]byte{"a byte": {0}, "another archive": whole, "an empty stream": zipped(t, nil)} {
		t.Run(name, func(t *testing.T) {
			longer := filepath.Join(t.TempDir(), bundle.File)
			if err := os.WriteFile(longer, append(bytes.Clone(whole), more...), 0o600); err != nil {
				t.Fatal(err)
			}
			if result := verify(t, longer, byThis(), key); result.Verdict() != bundle.Refuted {
				t.Errorf("the bundle is %s:\n%s", result.Verdict(), text(t, result))
			}
		})
	}
}

// What is no bundle at all cannot be read, which is another thing than a bundle that
// was changed.
func TestWhatIsNoBundleCannotBeRead(t *testing.T) {
	path, _ := seal(t, aSmallRun(t))
	all := unpack(t, path)
	all[0].text = bytes.Replace(all[0].text, []byte("bundle/v1"), []byte("bundle/v9"), 1)
	for name, test := range map[string]struct{ path, says string }{
		"no file":        {filepath.Join(t.TempDir(), "none"), "no such file"},
		"a folder":       {t.TempDir(), "is a directory"},
		"an empty file":  {filed(t, nil), "not compressed by gzip"},
		"a text":         {filed(t, []byte("PK\x03\x04")), "not compressed by gzip"},
		"a later schema": {repack(t, all), `schema "katacert.dev/bundle/v9", but this katacert reads "katacert.dev/bundle/v1"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bundle.Verify(t.Context(), test.path, nil, byThis())
			if !errors.Is(err, bundle.ErrUnreadable) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q", err, test.says)
			}
		})
	}
}

func filed(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), bundle.File)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A bomb is refused by the size that its header claims, before it is unpacked.
func TestABombIsNotUnpacked(t *testing.T) {
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	archive := tar.NewWriter(w)
	if err := archive.WriteHeader(&tar.Header{Name: "manifest.json", Typeflag: tar.TypeReg, Size: 1 << 30}); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 32 { // it claims a gigabyte, and more would only cost the test time
		if _, err := archive.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	result := verify(t, filed(t, bomb.Bytes()), byThis())
	if said := text(t, result); result.Verdict() != bundle.Refuted || !strings.Contains(said, "manifest.json has 1073741824 bytes") {
		t.Error(said)
	}
}

// FuzzVerify lets a reader meet any tar archive: it neither panics nor believes
// anything but the one archive that was signed.
func FuzzVerify(f *testing.F) {
	path, key := seal(f, aSmallRun(f))
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tarred(f, unpack(f, path)))
	f.Add([]byte{})
	by := byThis()
	f.Fuzz(func(t *testing.T, archive []byte) {
		packed := zipped(t, archive)
		result, err := bundle.Verify(t.Context(), filed(t, packed), []bundle.PublicKey{key}, by)
		if err == nil && result.Verdict() == bundle.Verified && !bytes.Equal(packed, data) {
			t.Errorf("another archive was verified:\n%s", text(t, result))
		}
	})
}
