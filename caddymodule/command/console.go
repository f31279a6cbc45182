package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"github.com/caddy-wechat/gateway/caddymodule/command/console"
	"github.com/caddy-wechat/gateway/internal/doctor"
)

const (
	consoleListen = "127.0.0.1:2020"

	// consoleConnections bounds the connections: the console is for a few
	// browsers.
	consoleConnections = 32
	// consolePatience bounds an answer. An examination of the doctor takes
	// three minutes at most.
	consolePatience = 4 * time.Minute
)

// operatorConsole runs the web console.
type operatorConsole struct {
	examine  Examine
	endpoint endpoint
	listen   string
}

func consoleCommand(examine Examine) *cobra.Command {
	o := operatorConsole{examine: examine}
	cmd := &cobra.Command{
		Use:   "console [--listen " + consoleListen + "] [--address <admin>]",
		Short: "Serves a web console on loopback",
		Long: `Serves a small web console on a loopback address: status with charts, persons, webhooks, message pushes, keys and the
doctor, in Chinese and English. It prints an address that works once, and for five minutes; press Enter for another one.
To use it from another machine, forward the port with ssh -L. See docs/console.md.

Any person who has the address can do what the admin endpoint can do. The console works as long as this command runs.` + endpointHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			if err := o.run(ctx, cmd.InOrStdin(), cmd.OutOrStdout()); err != nil {
				return fmt.Errorf("console: %w", err)
			}
			return nil
		},
	}
	o.endpoint.addressFlags(cmd)
	cmd.Flags().StringVar(&o.listen, "listen", consoleListen, "a loopback address to listen on")
	return cmd
}

var errConsoleLoopback = errors.New("only loopback addresses, such as " + consoleListen + ": forward the port with ssh -L to use the console from another machine")

// run serves the console until ctx ends.
func (o *operatorConsole) run(ctx context.Context, in io.Reader, out io.Writer) error {
	if loopbackOnly(o.listen) != nil {
		return errConsoleLoopback
	}
	admin, err := o.endpoint.client()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	c, err := console.New(console.Config{
		Listen: listener.Addr().String(), Gateway: admin.at, Admin: consoleAdmin{admin},
		Examine: func(ctx context.Context) (doctor.Report, error) { return examineRunning(ctx, o.examine, admin) },
	})
	if err != nil {
		return err
	}
	server := newConsoleServer(c)
	served := make(chan error, 1)
	go func() { served <- server.Serve(netutil.LimitListener(listener, consoleConnections)) }()
	defer server.Close()
	if err := printAddress(out, c); err != nil {
		return err
	}
	enter := make(chan struct{})
	go readLines(ctx, in, enter)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-served:
			return err
		case _, more := <-enter:
			if !more && isPipe(in) {
				_, err := fmt.Fprintln(out, "The connection of the input has ended, and the console with it. 输入的连接已断开，控制台随之结束。")
				return err
			}
			if !more {
				enter = nil
				continue
			}
			if err := printAddress(out, c); err != nil {
				return err
			}
		}
	}
}

// newConsoleServer bounds what browsers may cost. A connection ends with its
// answer: its buffers would hold the last answer as long as it is open.
func newConsoleServer(handler http.Handler) *http.Server {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: consolePatience,
		MaxHeaderBytes: 16 << 10,
	}
	server.SetKeepAlivesEnabled(false)
	return server
}

func printAddress(out io.Writer, c *console.Console) error {
	_, err := fmt.Fprintf(out, "\n  %s\n\n"+
		"Open this address in a browser. It works once, and for five minutes.\n"+
		"Press Enter for another one, Ctrl+C to stop the console.\n"+
		"请用浏览器打开这个地址：只能用一次，五分钟内有效。按回车键换一个，按 Ctrl+C 停止。\n", c.Address())
	return err
}

// isPipe reports whether a program holds the other end of the input. Its end is
// the end of the console: ssh without a terminal gives no other sign that the
// operator is gone (attack: a console that the operator believes to be closed
// stays open for hours).
func isPipe(in io.Reader) bool {
	file, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}

// readLines sends a value for each line, until there is no more or ctx ends.
// Then it closes lines.
func readLines(ctx context.Context, in io.Reader, lines chan<- struct{}) {
	defer close(lines)
	for reader := bufio.NewReaderSize(in, 16); ; {
		switch _, err := reader.ReadSlice('\n'); {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return
		}
		select {
		case lines <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}
