// Package bounded keeps a probe from waiting for ever on a kernel interface
// that does not answer, such as a file on a network file system whose server is
// gone, or the memory of a process that hangs.
package bounded

import "time"

type result[T any] struct {
	value T
	cause any
}

// Within runs work in a goroutine of its own and returns its result, or false
// when it has not ended within limit. Work that is given up goes on until the
// process ends, so it must not touch anything that its caller uses without a
// lock. A panic of work becomes a panic of the caller.
func Within[T any](limit time.Duration, work func() T) (T, bool) {
	done := make(chan result[T], 1)
	go func() {
		var r result[T]
		defer func() {
			r.cause = recover()
			done <- r
		}()
		r.value = work()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case r := <-done:
		if r.cause != nil {
			panic(r.cause)
		}
		return r.value, true
	case <-timer.C:
		var none T
		return none, false
	}
}
