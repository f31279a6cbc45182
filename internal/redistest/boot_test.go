package redistest

import (
	"errors"
	"net"
	"strings"
	"testing"
)

// Between the choice of a port and the start of the server another process may
// take the port.
func TestPortTakenMeanwhile(t *testing.T) {
	t.Parallel()
	for name, tries := range map[string]int{"once": 1, "always": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := newServerSet(t, t.TempDir(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.end)
			s, err := e.server("redis")
			if err != nil {
				t.Fatal(err)
			}
			err = s.boot(func() []string {
				if tries--; tries >= 0 {
					thief, err := net.Listen("tcp", s.Addr)
					if err != nil {
						t.Error(err)
					}
					t.Cleanup(func() { thief.Close() })
				}
				return s.data()
			})
			if name == "once" && err != nil {
				t.Errorf("not on another port: %s", err)
			}
			if name == "always" && !errors.Is(err, errPortTaken) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestBadConfigurationFailsAtOnceAndSaysWhy(t *testing.T) {
	t.Parallel()
	e, err := newServerSet(t, t.TempDir(), Options{Config: []string{"maxmemory plenty"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.end)
	if _, err := newStandalone(e); err == nil || !strings.Contains(err.Error(), "plenty") {
		t.Fatalf("got %v", err)
	}
}

func TestOptionsThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{
		{Username: "gateway"},
		{Password: "two words"},
		{Password: "line\nsave 1 1"},
		{Password: `quo"te`},
		{Password: "密码"},
		{SentinelPassword: `back\slash`},
	} {
		if _, err := newServerSet(t, t.TempDir(), o); err == nil {
			t.Errorf("%+v: accepted", o)
		}
	}
}

func TestSharedWithoutMainFails(t *testing.T) {
	t.Parallel()
	if _, err := new(Shared).open(t, Options{}); err == nil {
		t.Fatal("servers that nobody ends")
	}
}
