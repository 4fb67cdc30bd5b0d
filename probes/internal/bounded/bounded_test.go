package bounded

import (
	"testing"
	"time"
)

func TestWithinGivesUpOnWhatDoesNotEnd(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	if value, ended := Within(time.Millisecond, func() int { <-release; return 1 }); ended || value != 0 {
		t.Errorf("%d %v", value, ended)
	}
	if value, ended := Within(time.Minute, func() int { return 1 }); !ended || value != 1 {
		t.Errorf("%d %v", value, ended)
	}
}

func TestWithinHandsOnAPanic(t *testing.T) {
	defer func() {
		if cause := recover(); cause != "cause" {
			t.Errorf("recovered %v", cause)
		}
	}()
	Within(time.Minute, func() int { panic("cause") })
	t.Error("no panic")
}
