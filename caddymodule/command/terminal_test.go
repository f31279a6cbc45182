//go:build linux

package command

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal returns a terminal for a command, and the keyboard and screen on the
// other side of it.
func terminal(t *testing.T) (tty, operator *os.File) {
	t.Helper()
	operator, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("this machine has no terminals: %v", err)
	}
	t.Cleanup(func() { _ = operator.Close() })
	fd := int(operator.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return tty, operator
}

// onTerminal runs a command on a terminal, where the operator types, and
// returns what stands on the screen.
func onTerminal(t *testing.T, address, typed string, args ...string) (screen string, err error) {
	t.Helper()
	tty, operator := terminal(t)
	if _, err := io.WriteString(operator, typed); err != nil {
		t.Fatal(err)
	}
	shown := make(chan string)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, operator) // ends with EIO, when the terminal is closed
		shown <- all.String()
	}()
	cmd := root(tty, tty, append(args, "--address", address))
	cmd.SetIn(tty)
	err = cmd.ExecuteContext(t.Context())
	if failed := tty.Close(); failed != nil {
		t.Fatal(failed)
	}
	return strings.ReplaceAll(<-shown, "\r\n", "\n"), err
}

// What cannot be undone is asked on a terminal, and refused without one.
func TestConfirmation(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0)))
	for _, c := range []struct {
		name, typed string
		done        bool
	}{
		{"an empty line", "\n", false},
		{"y", "y\n", false},
		{"no", "no\n", false},
		{"the end of the input", "\x04", false},
		{"yes", " YES \n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen, err := onTerminal(t, r.address, c.typed, "persons", "erase", personID(0))
			if !strings.Contains(screen, "This removes everything about the person for ever. Type yes to go on: ") {
				t.Errorf("shown %q", screen)
			}
			if c.done != (err == nil) || c.done != strings.Contains(screen, "The person is erased.") {
				t.Errorf("error %v, shown %q", err, screen)
			}
			if status := exitStatus(err); !c.done && status != exitRefused {
				t.Errorf("exit status %d", status)
			}
		})
	}
	r.fails("there is no such person", "persons", "show", personID(0))
}

// Attack: a job without a terminal gets an answer from what it reads.
func TestAttackConfirmationFromAPipe(t *testing.T) {
	r := start(t)
	r.do("ledger", "import", file(t, header, line(0)))
	for _, args := range [][]string{{"persons", "erase", personID(0)}, {"keys", "rotate", "--retire-now"}} {
		t.Run(args[0], func(t *testing.T) {
			var out, errOut bytes.Buffer
			cmd := root(&out, &errOut, append(args, "--address", r.address))
			cmd.SetIn(strings.NewReader("yes\n"))
			if err := cmd.ExecuteContext(t.Context()); exitStatus(err) != exitRefused || !strings.Contains(err.Error(), "add --yes to confirm") {
				t.Errorf("error %v", err)
			}
			if out.Len()+errOut.Len() > 0 {
				t.Errorf("printed %s%s", &out, &errOut)
			}
		})
	}
	r.do("persons", "show", personID(0))
}

// On a terminal the columns are aligned.
func TestTableOnATerminal(t *testing.T) {
	tty, operator := terminal(t)
	shown := make(chan string)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, operator)
		shown <- all.String()
	}()
	if err := table(tty, somethingToShow); err != nil {
		t.Fatal(err)
	}
	if err := tty.Close(); err != nil {
		t.Fatal(err)
	}
	want := "NAME       N  AT\n" +
		"订单系统   1  x\n" +
		"e\u0301          2  y\n" +
		"ｆｕ       3\n" +
		"\n" +
		"a?b?c?[0m  4  z\n"
	if got := strings.ReplaceAll(<-shown, "\r\n", "\n"); got != want {
		t.Errorf("shown\n%s\nwant\n%s", got, want)
	}
}

// Elsewhere a tab separates the cells, and no cell has one.
func TestTableInAPipe(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := table(&out, somethingToShow); err != nil {
		t.Fatal(err)
	}
	if want := "NAME\tN\tAT\n订单系统\t1\tx\ne\u0301\t2\ty\nｆｕ\t3\n\na?b?c?[0m\t4\tz\n"; out.String() != want {
		t.Errorf("printed %q, want %q", &out, want)
	}
}

func somethingToShow(row func(...string)) {
	row("NAME", "N", "AT")
	row("订单系统", "1", "x")
	row("e\u0301", "2", "y")
	row("ｆｕ", "3")
	row("")
	row("a\tb\nc\x1b[0m", "4", "z")
}
