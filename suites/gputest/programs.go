package gputest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/katacert/katacert/fixtures/cluster/local/toolchain"
)

// Names of the programs in a folder that was packed, some of them compressed.
const (
	probeName  = "gpu-probe"
	runcName   = "runc"
	runscName  = "runsc"
	compressed = ".zst"
)

// Packed finds the programs in a folder that Pack made, and unpacks those that are
// compressed into the work folder. A runtime that is missing is left out.
func Packed(folder, work string) (Programs, error) {
	var p Programs
	folder, err := filepath.Abs(folder)
	if err != nil {
		return p, err
	}
	for _, program := range []struct {
		name string
		path *string
	}{{probeName, &p.Probe}, {runcName, &p.Runc}, {runscName, &p.Runsc}} {
		path := filepath.Join(folder, program.name)
		if _, err := os.Stat(path); err == nil {
			*program.path = path
			continue
		}
		unpacked := filepath.Join(work, program.name)
		err := unpack(path+compressed, unpacked)
		if errors.Is(err, fs.ErrNotExist) && program.name != probeName {
			continue
		}
		if err != nil {
			return p, err
		}
		*program.path = unpacked
	}
	return p, nil
}

func unpack(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("unpack a program: %w", err)
	}
	defer func() { _ = source.Close() }()
	reader, err := zstd.NewReader(source)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", from, err)
	}
	defer reader.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", from, err)
	}
	_, err = io.Copy(target, reader)
	if err := errors.Join(err, target.Close()); err != nil {
		return fmt.Errorf("unpack %s: %w", from, err)
	}
	return nil
}

// Built takes gpu-probe from beside this program, and the runtimes from those that
// the local cluster is made of, which are built where they are not there yet.
func Built(ctx context.Context, report func(toolchain.Progress)) (Programs, error) {
	self, err := os.Executable()
	if err != nil {
		return Programs{}, fmt.Errorf("find this program's folder: %w", err)
	}
	probe := filepath.Join(filepath.Dir(self), probeName)
	if _, err := os.Stat(probe); err != nil {
		return Programs{}, fmt.Errorf("there is no %s beside this program (make gpu-test builds it): %w", probeName, err)
	}
	built, err := toolchain.Ensure(ctx, report)
	if err != nil {
		return Programs{}, err
	}
	return Programs{Probe: probe, Runc: filepath.Join(built.Bin(), runcName), Runsc: filepath.Join(built.Bin(), runscName)}, nil
}

// Pack puts programs, and this program itself, into a folder that can be carried to
// a machine without Go and without network.
func Pack(p Programs, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make the folder for the programs: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	for name, path := range map[string]string{filepath.Base(self): self, probeName: p.Probe} {
		if err := copyProgram(path, filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	for name, path := range map[string]string{runcName: p.Runc, runscName: p.Runsc} {
		if err := compress(path, filepath.Join(folder, name+compressed)); err != nil {
			return err
		}
	}
	return nil
}

func copyProgram(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("pack a program: %w", err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		return fmt.Errorf("pack %s: %w", from, err)
	}
	return nil
}

func compress(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("pack a program: %w", err)
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return fmt.Errorf("pack %s: %w", from, err)
	}
	defer func() { _ = encoder.Close() }()
	if err := os.WriteFile(to, encoder.EncodeAll(data, nil), 0o644); err != nil {
		return fmt.Errorf("pack %s: %w", from, err)
	}
	return nil
}
