package reports

import "io"

// WriteWhole makes a file that appears under its name only when all of it is on
// disk: a killed run or a full disk leaves none, or the one that was there.
func WriteWhole(path string, write func(io.Writer) error) error { return writeFile(path, write) }
