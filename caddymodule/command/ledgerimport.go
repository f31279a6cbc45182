package command

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

// The bounds of one batch. The server accepts at most 1000 lines and 16 MiB,
// with lines of at most 1 MiB.
const (
	batchLines = 1000
	batchBytes = 4 << 20
	maxLine    = 1 << 20
)

func importLedgerCommand(e *endpoint) *cobra.Command {
	fromLine := 1
	cmd := &cobra.Command{
		Use:   "import <file> [--from-line <n>]",
		Short: "Adds the persons and ends of sessions of a file to the ledger",
		Long: `Adds the persons and ends of sessions in a file that "wechat ledger export" wrote to the ledger. A person who is already
in the ledger, with the same or newer data, is not changed, so an import can be repeated. A person who contradicts the
ledger, or a line that cannot be read, stops the import; the error says from which line to go on.` + endpointHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || fromLine < 1 {
				return errors.New("give one file, and with --from-line the number of a line, 1 or more")
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files
		},
		RunE: e.long(func(ctx context.Context, c *client, cmd *cobra.Command, args []string) error {
			m := &ledgerImport{client: c, file: args[0], from: max(fromLine, 2), batch: new(bytes.Buffer)}
			if err := m.run(ctx, cmd.ErrOrStderr()); err != nil {
				return err
			}
			bans := ""
			if m.bans > 0 {
				bans = ", with " + count(m.bans, "ban", "bans")
			}
			return e.sum(cmd, importedLines{m.persons, m.ended, m.bans}, "%s and %s are imported%s.",
				count(m.persons, "person", "persons"), count(m.ended, "end of sessions", "ends of sessions"), bans)
		}),
	}
	cmd.Flags().IntVar(&fromLine, "from-line", 1, "the first line to import, after an import that stopped")
	return cmd
}

// importedLines is the server's answer to a part of an import, and what the
// command prints with --json for all parts.
type importedLines struct {
	Persons int64 `json:"persons"`
	Ended   int64 `json:"ended"`
	Bans    int64 `json:"bans,omitempty"`
}

// ledgerImport sends one file.
type ledgerImport struct {
	client *client
	file   string
	from   int // the first line to send; line 1 is the header

	header   []byte
	batch    *bytes.Buffer
	first    int // the batch's first line in the file
	lines    int // in the batch
	persons  int64
	ended    int64
	bans     int64
	progress *progress
}

func (m *ledgerImport) run(ctx context.Context, terminal io.Writer) error {
	f, err := os.Open(m.file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	m.progress = newProgress(terminal, info.Size())
	defer m.progress.end()
	return m.lineByLine(ctx, f)
}

// lineByLine sends the file in batches. Each batch begins with the file's
// header.
func (m *ledgerImport) lineByLine(ctx context.Context, f io.Reader) error {
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, 256<<10), maxLine)
	n, read := 0, int64(0)
	for lines.Scan() {
		n++
		line := lines.Bytes()
		read += int64(len(line)) + 1
		switch {
		case n == 1:
			m.header = append(bytes.Clone(line), '\n')
			continue
		case n < m.from:
			continue
		case m.lines == batchLines || m.batch.Len()+len(line) > batchBytes:
			if err := m.send(ctx, n); err != nil {
				return err
			}
		}
		m.add(n, line)
		m.progress.at(read, m.persons+m.ended+m.bans)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("line %d: it is longer than %d bytes", n+1, maxLine)
		}
		if n == 0 {
			return err // there is no header, so nothing to send
		}
		if failed := m.send(ctx, n+1); failed != nil {
			return failed
		}
		return errors.Join(err, m.stopped(n+1))
	}
	if n == 0 {
		return fmt.Errorf("%s is empty: it was cut off, or is not a ledger", m.file)
	}
	if n < m.from-1 {
		return fmt.Errorf("%s has only %s", m.file, count(int64(n), "line", "lines"))
	}
	return m.send(ctx, n+1)
}

func (m *ledgerImport) add(n int, line []byte) {
	if m.lines == 0 {
		m.first = n
		// Use a new buffer: if the server answered early, the old one is still
		// being sent.
		m.batch = new(bytes.Buffer)
		m.batch.Write(m.header)
	}
	m.lines++
	m.batch.Write(line)
	m.batch.WriteByte('\n')
}

// send sends the batch, if there is one. next is the line that follows it.
func (m *ledgerImport) send(ctx context.Context, next int) error {
	if m.lines == 0 {
		if next > 2 {
			return nil
		}
		// The ledger has no persons; the server still checks the header.
		m.batch.Write(m.header)
	}
	response, err := m.client.send(ctx, http.MethodPost, "/wechat/ledger", bytes.NewReader(m.batch.Bytes()))
	if err != nil {
		return m.refused(err)
	}
	defer response.Body.Close()
	var answer importedLines
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer); err != nil || answer.Persons+answer.Ended+answer.Bans != int64(m.lines) {
		return errors.Join(errNotUnderstood, m.stopped(m.first))
	}
	m.persons += answer.Persons
	m.ended += answer.Ended
	m.bans += answer.Bans
	m.lines = 0
	return nil
}

// refused returns an error with the line of the file, and the line to continue
// from.
func (m *ledgerImport) refused(err error) error {
	var r *refusal
	if !errors.As(err, &r) || r.Line == 0 {
		return errors.Join(err, m.stopped(m.first))
	}
	if r.Line == 1 {
		return fmt.Errorf("line 1: %w", err)
	}
	line := m.first + r.Line - 2 // in the batch, the header is line 1
	goOn := m.first              // a line that cannot be read stops its whole batch
	if r.Status == http.StatusConflict || r.Status == http.StatusServiceUnavailable {
		goOn = line
	}
	return errors.Join(fmt.Errorf("line %d: %w", line, err), m.stopped(goOn))
}

// stopped returns an error with the line to continue from.
func (m *ledgerImport) stopped(line int) error {
	return fmt.Errorf("it got to line %d; go on with: --from-line %[1]d", max(line, 2))
}
