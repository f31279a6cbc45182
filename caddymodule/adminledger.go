package caddymodule

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/caddy-wechat/gateway/internal/audit"
	"github.com/caddy-wechat/gateway/internal/ledger"
)

// ledgerHeader is the first line of a ledger in JSON Lines. What was ended follows,
// and then the persons, one a line.
type ledgerHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// ledgerFormat is what is written. Version 1, which is still read, had persons only.
var ledgerFormat = ledgerHeader{Format: "wechat-ledger", Version: 2}

// jsonLines is the media type of a ledger.
const jsonLines = "application/jsonl"

// exportStall is how long a caller may take none of the export.
const exportStall = time.Minute

// exportLedger writes the whole ledger, one person a line, and before them what was
// ended: where an import stops half-way, nobody is known whose ended sessions are
// not (attack: a copied cookie is good again in the new store). An export that
// fails half-way breaks the connection off: what was received is no ledger, and
// does not look like one.
func (d desk) exportLedger(w http.ResponseWriter, r *http.Request) error {
	// Caddy's admin server gives a request ten seconds and then cancels its
	// context. The export may take longer; it ends when nobody reads it.
	ctx := context.WithoutCancel(r.Context())
	out := &lineWriter{w: w, control: http.NewResponseController(w)}
	persons, err := out.writeLedger(ctx, d.ledger)
	if err != nil && !out.begun {
		return adminError(err)
	}
	if err != nil {
		d.app.logger.Error("export of the ledger broken off", slog.Int("persons", persons), slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	d.app.logger.Info("ledger exported through the admin endpoint", slog.Int("persons", persons), slog.Int("ended", out.lines-persons))
	d.audit(audit.ActionAdmin, "", "ledger export")
	return nil
}

// ledgerReader is what an export asks of the ledger.
type ledgerReader interface {
	Walk(ctx context.Context, fn func(ledger.Person) error) error
	WalkEnded(ctx context.Context, fn func(ledger.Tombstone) error) error
}

// lineWriter writes JSON Lines. The status is sent with the first bytes, so that
// a store which is down from the beginning is a clear 503.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  *bufio.Writer
	begun   bool // something was sent
	lines   int
}

// writeLedger writes what was ended, and then all persons. It returns how many
// persons it wrote.
func (l *lineWriter) writeLedger(ctx context.Context, from ledgerReader) (persons int, err error) {
	err = from.WalkEnded(ctx, func(t ledger.Tombstone) error { return l.write(t) })
	if err == nil {
		err = from.Walk(ctx, func(p ledger.Person) error { persons++; return l.write(p) })
	}
	if err == nil {
		err = l.end()
	}
	return persons, err
}

func (l *lineWriter) write(v any) error {
	if l.buffer == nil {
		l.buffer = bufio.NewWriterSize(writerFunc(l.send), 64<<10)
		if err := l.line(ledgerFormat); err != nil {
			return err
		}
	}
	l.lines++
	return l.line(v)
}

func (l *lineWriter) line(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("a line of the ledger: %w", err)
	}
	_, err = l.buffer.Write(append(data, '\n'))
	return err
}

// end sends what is left; an empty ledger is a header alone.
func (l *lineWriter) end() error {
	if l.buffer == nil {
		l.buffer = bufio.NewWriter(writerFunc(l.send))
		if err := l.line(ledgerFormat); err != nil {
			return err
		}
	}
	return l.buffer.Flush()
}

func (l *lineWriter) send(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", jsonLines)
	}
	// A caller who stops reading must not hold us for ever. Where the connection
	// knows no deadline the caller is trusted: it may stop Caddy, too.
	_ = l.control.SetWriteDeadline(time.Now().Add(exportStall))
	return l.w.Write(b)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
