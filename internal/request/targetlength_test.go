package request

import (
	"strings"
	"testing"
)

// An address that is too long loses its fragment first.
func TestTargetTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", MaxTarget)
	for _, c := range []struct{ name, raw, want string }{
		{"a fragment that fits", "/x#" + long[3:], "/x#" + long[3:]},
		{"a fragment of one byte more", "/x#" + long[2:], "/x"},
		{"a path that does not fit either", "/" + long + "#y", "/"},
		{"a hostile address", "//evil.example#" + long, "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := CleanTarget(c.raw); got != c.want {
				t.Errorf("CleanTarget gives %d bytes, %.40q, want %d, %.40q", len(got), got, len(c.want), c.want)
			}
		})
	}
}

func TestShorterTarget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target, shorter string
		dropped         int
	}{
		{"/x?y#/z#w", "/x?y", 4}, {"/x#", "/x", 0}, {"/x?y", "/", 0}, {"/", "/", 0},
	} {
		t.Run(c.target, func(t *testing.T) {
			t.Parallel()
			if shorter, dropped := ShorterTarget(c.target); shorter != c.shorter || dropped != c.dropped {
				t.Errorf("%q and %d, want %q and %d", shorter, dropped, c.shorter, c.dropped)
			}
		})
	}
}
