//go:build unix

package gate_test

import (
	"math"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/boltledger"
	"github.com/caddy-wechat/gateway/session"
)

// fullDisk is the name of what tells a process of the test that its disk is to
// be full: that concerns the whole process.
const fullDisk = "WECHAT_TEST_FULL_DISK"

// fill has every write to a file fail, or no more.
func fill(t *testing.T, full bool) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: 1, Max: math.MaxUint64}
	if !full {
		limit.Cur = math.MaxUint64
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}

// onFile opens a gateway whose persons are in a file, which a later one may
// open.
func onFile(t *testing.T, c *weChat, path string) *town {
	t.Helper()
	book, err := boltledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newTownWith(t, c, crm, doors, scope("snsapi_base"), func(w *town) {
		w.inside, w.upstream = true, leaving
		_ = w.ledger.Close()
		w.ledger.Ledger = book
		w.ledger.SetTargets([]ledger.Target{{Name: "crm"}})
		w.store.Store = session.Sealed{Keys: w.hub.Keys, Tombstones: book}
		w.hub.Ended, w.hub.PersonEnded, w.hub.EndUnsaved = book.Ended, book.PersonEnded, book.Unwritten
	})
	return w
}

// Attack: a sign-out on a full disk fails, is repeated, and is answered 200;
// after a restart the session lives. The events of some are never told.
func TestAttackSignOutOnAFullDisk(t *testing.T) {
	if os.Getenv(fullDisk) == "" {
		t.Parallel()
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), fullDisk+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for name, leave := range map[string]func(w *town) (value *string, leave func() hop){
		"token": func(w *town) (*string, func() hop) {
			c := w.client("alice")
			c.login()
			return &c.token, func() hop { return c.ask(http.MethodPost, "/_wechat/logout", nil).hop }
		},
		"cookie": func(w *town) (*string, func() hop) {
			b := w.browser("alice")
			b.open("/").last().upstream()
			value := b.session()
			return &value, func() hop { return b.form("/_wechat/logout", nil) }
		},
		"cookie, behind an operator's": func(w *town) (*string, func() hop) {
			b := w.browser("alice")
			person := b.open("/").last().upstream().Header.Get("X-Wechat-User")
			value := b.session()
			return &value, func() hop {
				_ = w.ledger.EndPerson(t.Context(), person, time.Now(), time.Now().Add(time.Hour))
				return b.form("/_wechat/logout", nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, path := newWeChat(t), filepath.Join(t.TempDir(), "ledger.db")
			w := onFile(t, c, path)
			value, leave := leave(w)
			w.told()
			fill(t, true)
			for try := range 4 {
				if h := leave(); h.status != http.StatusServiceUnavailable {
					t.Errorf("try %d, nothing is stored: %d", try, h.status)
				}
			}
			fill(t, false)
			eventually(t, "the sign-out", func() bool { return leave().status == http.StatusOK })
			if n := w.toldOf(ledger.LoggedOut); n != 1 {
				t.Errorf("%d events", n)
			}
			if err := w.ledger.Close(); err != nil {
				t.Fatal(err)
			}
			after := onFile(t, c, path)
			thief := after.client("carol")
			thief.token = *value
			if name != "token" {
				thief.token = ""
			}
			if h := thief.ask(http.MethodGet, "/_wechat/session", nil, "Cookie", "__Host-wechat="+*value); !signedOut(h.hop) {
				t.Errorf("after a restart: %d", h.status)
			}
		})
	}
}
