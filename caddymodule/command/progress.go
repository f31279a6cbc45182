package command

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows on a terminal how far a long command is. If the output is not
// a terminal, it shows nothing, to keep job logs short. The zero value shows
// nothing.
type progress struct {
	w     io.Writer
	total int64 // bytes; 0 if unknown
	shown time.Time

	one, many string // what is counted; lines if empty
}

const (
	barWidth  = 30
	showEvery = 200 * time.Millisecond
)

// newProgress shows on w if it is a terminal.
func newProgress(w io.Writer, total int64) *progress {
	p := &progress{total: total}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = w
		}
	}
	return p
}

// at shows the number of bytes and lines, at most once in showEvery.
func (p *progress) at(bytes, lines int64) {
	if p.w == nil || time.Since(p.shown) < showEvery {
		return
	}
	p.shown = time.Now()
	if p.total <= 0 {
		fmt.Fprintf(p.w, "\r%s ", p.counted(lines))
		return
	}
	done := int(min(bytes, p.total) * barWidth / p.total)
	fmt.Fprintf(p.w, "\r[%s%s] %3d %%  %s ",
		strings.Repeat("=", done), strings.Repeat(" ", barWidth-done), min(bytes, p.total)*100/p.total, p.counted(lines))
}

func (p *progress) counted(n int64) string {
	return count(n, cmp.Or(p.one, "line"), cmp.Or(p.many, "lines"))
}

// note shows why the command waits.
func (p *progress) note(text string) {
	if p.w != nil {
		p.shown = time.Now()
		fmt.Fprintf(p.w, "\r\x1b[K%s ", text)
	}
}

// end removes the line.
func (p *progress) end() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
