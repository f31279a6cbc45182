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

// ledgerHeader is the first line of a ledger in JSON Lines. The ends of
// sessions follow, and then the persons, one per line.
type ledgerHeader struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

// ledgerFormat is the header of an export. Version 1, which can still be
// imported, has persons only. An export with bans has version 3: a gateway that
// knows no bans refuses it, and so lets no banned person in.
var (
	ledgerFormat   = ledgerHeader{Format: "wechat-ledger", Version: 2}
	ledgerWithBans = ledgerHeader{Format: "wechat-ledger", Version: 3}
)

// jsonLines is the media type of a ledger.
const jsonLines = "application/jsonl"

// exportStall is how long a caller may read nothing of the export.
const exportStall = time.Minute

// exportLedger writes the whole ledger: first the ends of sessions and the bans,
// then the persons, one per line. In this order, an import that stops half-way
// has no person whose ended sessions or bans are missing (attack: a copied
// cookie is valid again in the new store). An export that fails half-way aborts the connection,
// so that the caller does not take the part for a ledger.
func (d desk) exportLedger(w http.ResponseWriter, r *http.Request) error {
	if err := noQuery(r); err != nil {
		return err
	}
	// Caddy's admin server gives a request ten seconds and then cancels its
	// context. The export may take longer; it ends when the caller stops
	// reading.
	ctx := context.WithoutCancel(r.Context())
	out := &lineWriter{w: w, control: http.NewResponseController(w)}
	persons, err := out.writeLedger(ctx, d.ledger)
	if err != nil && !out.begun {
		return adminError(err)
	}
	if err != nil {
		d.app.logger.Error("export of the ledger aborted", slog.Int("persons", persons), slog.Any("error", err))
		// Attack: a caller reads the persons and hangs up before the last one,
		// to leave no trace.
		d.audit(audit.ActionAdmin, "", "ledger export aborted")
		panic(http.ErrAbortHandler)
	}
	d.app.logger.Info("ledger exported through the admin endpoint", slog.Int("persons", persons), slog.Int("ended", out.lines-persons-out.bans), slog.Int("bans", out.bans))
	d.audit(audit.ActionAdmin, "", "ledger export")
	return nil
}

// ledgerReader is the part of the ledger that an export needs.
type ledgerReader interface {
	Walk(ctx context.Context, fn func(ledger.Person) error) error
	WalkEnded(ctx context.Context, fn func(ledger.Tombstone) error) error
	ListBans(ctx context.Context) ([]ledger.Ban, error)
}

// lineWriter writes JSON Lines. It sends the status with the first bytes, so
// that the answer is still 503 if the store is down at the beginning.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	buffer  *bufio.Writer
	begun   bool // something was sent
	lines   int
	bans    int // of the lines
}

// writeLedger writes the ends of sessions and the bans, and then all persons. It
// returns the number of persons.
func (l *lineWriter) writeLedger(ctx context.Context, from ledgerReader) (persons int, err error) {
	bans, err := from.ListBans(ctx)
	if l.bans = len(bans); err == nil {
		err = from.WalkEnded(ctx, func(t ledger.Tombstone) error { return l.write(t) })
	}
	for i := 0; err == nil && i < len(bans); i++ {
		err = l.write(bans[i])
	}
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
		if err := l.line(l.header()); err != nil {
			return err
		}
	}
	l.lines++
	return l.line(v)
}

func (l *lineWriter) header() ledgerHeader {
	if l.bans > 0 {
		return ledgerWithBans
	}
	return ledgerFormat
}

func (l *lineWriter) line(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("a line of the ledger: %w", err)
	}
	_, err = l.buffer.Write(append(data, '\n'))
	return err
}

// end sends the rest of the buffer. An empty ledger is only a header.
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
	// A caller that stops reading must not block the export for ever. Where the
	// connection has no deadline, the caller is trusted: it may stop Caddy,
	// too.
	_ = l.control.SetWriteDeadline(time.Now().Add(exportStall))
	return l.w.Write(b)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
