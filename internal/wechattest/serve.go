package wechattest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// DefaultListen is the default address of Serve.
const DefaultListen = "127.0.0.1:9801"

// The default accounts of Serve, all with one secret. They do not exist in
// WeChat.
const (
	DefaultAppID        = "wx1234567890abcdef" // an official account
	DefaultMiniAppID    = "wx2345678901bcdefa"
	DefaultMobileAppID  = "wx3456789012cdefab"
	DefaultWebsiteAppID = "wx4567890123defabc"
	DefaultSecret       = "0123456789abcdef0123456789abcdef"
)

// Options configure Serve. The zero value serves the default accounts and
// persons at DefaultListen.
type Options struct {
	Listen       string    // host:port; a loopback address, unless AllowPublic
	Accounts     []Account // nil means DefaultAccounts
	Persons      []Person  // nil means DefaultPersons
	Mistakes     []string  // names of Mistakes to make from the start
	AnyUserAgent bool      // as in Config
	AllowPublic  bool      // also listen where other machines can sign in as any person
	Log          io.Writer // a line for each request, without secrets of your accounts; nil for none
	Ready        func(net.Addr)
}

// DefaultAccounts returns one account of each kind, all of one platform, the
// official one first. Every callback domain is allowed.
func DefaultAccounts() []Account {
	all := []Account{
		{AppID: DefaultAppID, Name: "示例商店"},
		{AppID: DefaultMiniAppID, Name: "示例小程序", Kind: MiniProgram},
		{AppID: DefaultMobileAppID, Name: "示例应用", Kind: MobileApp},
		{AppID: DefaultWebsiteAppID, Name: "示例网站", Kind: Website},
	}
	for i := range all {
		all[i].Secret, all[i].CallbackDomains, all[i].Platform = DefaultSecret, []string{"*"}, "open"
	}
	return all
}

// DefaultPersons returns three persons.
func DefaultPersons() []Person {
	return []Person{
		{ID: "xiaoming", Nickname: "小明", AvatarURL: avatarPath + "xiaoming/132"},
		{ID: "xiaohong", Nickname: "小红", AvatarURL: avatarPath + "xiaohong/132"},
		{ID: "aqiang", Nickname: "阿强🚀", AvatarURL: avatarPath + "aqiang/132"},
	}
}

// Serve runs a Server until ctx is done. Errors: ErrNotLoopback, those of
// Config.Validate, and network errors.
func Serve(ctx context.Context, o Options) error {
	config, err := o.config()
	if err != nil {
		return err
	}
	s := New(config)
	for _, name := range o.Mistakes {
		if _, err := s.Plant(name); err != nil {
			s.Close()
			return err
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cmp.Or(o.Listen, DefaultListen))
	if err != nil {
		s.Close()
		return fmt.Errorf("wechattest: listening: %w", err)
	}
	welcome(config, listener.Addr())
	if o.Ready != nil {
		o.Ready(listener.Addr())
	}
	return run(ctx, listener, s)
}

// config returns the Config for the options.
func (o Options) config() (Config, error) {
	config := Config{Accounts: o.Accounts, Persons: o.Persons, AnyUserAgent: o.AnyUserAgent, Log: o.Log}
	if len(config.Accounts) == 0 {
		config.Accounts = DefaultAccounts()
	}
	if len(config.Persons) == 0 {
		config.Persons = DefaultPersons()
	}
	if config.Log == nil {
		config.Log = io.Discard
	}
	listen := cmp.Or(o.Listen, DefaultListen)
	loopback, err := isLoopback(listen)
	switch {
	case err != nil:
		return Config{}, err
	case !loopback && !o.AllowPublic:
		return Config{}, fmt.Errorf("%w: %s; everybody who reaches the simulator can sign in as anybody", ErrNotLoopback, listen)
	case !loopback:
		config.ControlHosts = []string{"*"}
	}
	return config, config.Validate()
}

// run serves until ctx is done, then ends requests and background work.
func run(ctx context.Context, listener net.Listener, s *Server) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	s.Close() // first: hanging answers would delay the shutdown
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if shut := server.Shutdown(grace); shut != nil {
		_ = server.Close()
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("wechattest: serving: %w", err)
	}
	return nil
}

// isLoopback reports whether only this machine can reach a listen address. A
// name other than localhost may point to any address.
func isLoopback(listen string) (bool, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false, fmt.Errorf("wechattest: listen address %q is not host:port", listen)
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback(), nil
}

func welcome(config Config, address net.Addr) {
	url := "http://" + address.String()
	fmt.Fprintf(config.Log, "WeChat, simulated, is at %s/ (the control page)\n", url)
	if len(config.ControlHosts) > 0 {
		fmt.Fprint(config.Log, "WARNING: this address is not loopback. EVERYBODY who reaches it can sign in as anybody.\n")
	}
	for _, a := range config.Accounts {
		fmt.Fprintf(config.Log, "app_id %s (%s)\n", a.AppID, a.Kind.word())
		if a.Secret == DefaultSecret { // do not log the user's own secrets
			fmt.Fprintf(config.Log, "app_secret %s\n", DefaultSecret)
		}
		if !slices.Contains(a.CallbackDomains, "*") {
			fmt.Fprintf(config.Log, "callback_domain %s\n", strings.Join(a.CallbackDomains, " "))
		}
	}
	fmt.Fprintf(config.Log, "open_url %[1]s\napi_url %[1]s\n", url)
}
