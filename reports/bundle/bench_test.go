package bundle_test

import "testing"

func BenchmarkVerify(b *testing.B) {
	for name, dir := range map[string]string{"small": aSmallRun(b), "whole": aRun(b, "")} {
		b.Run(name, func(b *testing.B) {
			path, key := seal(b, dir)
			by := byThis()
			for b.Loop() {
				verify(b, path, by, key)
			}
		})
	}
}
