package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-wechat/gateway/internal/request"
	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

// someScan is a code with everything in it.
func someScan(addr string, need wechat.Scope) Code {
	c, _ := NewCode("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36", netip.MustParseAddr(addr), need, testSecret)
	return c
}

func TestScanCodeSurvives(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"203.0.113.77", "2001:db8:1:2::3"} {
		for _, need := range []wechat.Scope{wechat.ScopeBase, wechat.ScopeUserInfo} {
			c := someScan(addr, need)
			got, ok := decode(c.encode())
			if !ok || got.ID() != c.ID() || !got.Begun.Equal(c.Begun) || got.Number != c.Number || got.Device != c.Device || got.Network != c.Network || got.Need != need {
				t.Errorf("%+v became %+v", c, got)
			}
		}
	}
	c, _ := NewCode("", netip.Addr{}, wechat.ScopeBase, testSecret)
	if got, ok := decode(c.encode()); !ok || got.Network != c.Network || got.Device.Name() != "" || request.NetworkName(got.Network) != "" {
		t.Errorf("%+v became %+v", c, got)
	}
	raw := someScan("203.0.113.77", "").encode()
	if bytes.Contains(raw, []byte{203, 0, 113, 77}) {
		t.Error("the whole address is in the code")
	}
}

func FuzzDecodeScan(f *testing.F) {
	for _, addr := range []string{"203.0.113.77", "2001:db8:1:2::3"} {
		f.Add(someScan(addr, wechat.ScopeUserInfo).encode())
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 40))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok := decode(raw)
		if !ok {
			return
		}
		if !bytes.Equal(c.encode(), raw) {
			t.Fatalf("%x is read as %x", raw, c.encode())
		}
		_, _ = c.Device.Name()+c.Device.Word()+request.NetworkName(c.Network), c.Expired()
		if all := c.Numbers(); len(all) != 3 || !slices.Contains(all, strconv.Itoa(c.Number)) {
			t.Fatalf("%v", all)
		}
	})
}

// Three different numbers, the same at each look, the right one at every place.
func TestScanNumbers(t *testing.T) {
	t.Parallel()
	places, drawn := map[int]int{}, map[int]bool{}
	for range 3000 {
		c := someScan("203.0.113.77", "")
		all := c.Numbers()
		if slices.Sort(all); len(slices.Compact(slices.Clone(all))) != 3 {
			t.Fatalf("%v", all)
		}
		all = c.Numbers()
		at := slices.Index(all, strconv.Itoa(c.Number))
		if at < 0 || !slices.Equal(all, c.Numbers()) || c.Number < 100 || c.Number > 999 {
			t.Fatalf("%d in %v", c.Number, all)
		}
		places[at]++
		drawn[c.Number] = true
	}
	for at := range 3 {
		if places[at] < 800 {
			t.Errorf("the right one stands at %v", places)
		}
	}
	if len(drawn) < 700 {
		t.Errorf("%d numbers in 3000 codes", len(drawn))
	}
}

func TestScanTime(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]bool{
		0: false, 119 * time.Second: false, 121 * time.Second: true, -session.MaxSkew + time.Second: false, -session.MaxSkew - time.Minute: true, time.Hour: true,
	} {
		if got := (Code{Begun: time.Now().Add(-age)}).Expired(); got != want {
			t.Errorf("%s: expired %t", age, got)
		}
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36":                 "Windows · Chrome windows_chrome",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0":   "Windows · Edge windows_edge",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15":           "macOS · Safari mac_safari",
		"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0":                                                          "Linux · Firefox linux_firefox",
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36":                  "ChromeOS · Chrome chromeos_chrome",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/130.0 Mobile Safari/604.1": "iPhone · Chrome ios_chrome",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0.0.0 Mobile Safari/537.36":                               "Android · Chrome android_chrome",
		"Mozilla/5.0 (Windows NT 10.0) wxwork/4.1 MicroMessenger/7.0":                                                                     "Windows · WeCom windows_wecom",
		"curl/8":                  " other",
		"":                        " other",
		"<b>Windows</b>\nchrome/": "Windows · Chrome windows_chrome",
		strings.Repeat("x", request.MaxUserAgent) + "windows chrome/": " other",
	} {
		d := request.DetectDevice(ua)
		if got := d.Name() + " " + d.Word(); got != want {
			t.Errorf("%.60q is %q, want %q", ua, got, want)
		}
	}
}

// Only the exact address of a code may be come back to.
func TestScanPathIsATarget(t *testing.T) {
	t.Parallel()
	honest := request.ScanPath + strings.Repeat("aZ0-_", 30)
	if got := request.ReturnTarget(shopOrigin+honest, shopOrigin); got != honest {
		t.Errorf("%q", got)
	}
	for _, target := range []string{
		request.ScanPath, request.ScanPath + "wait/abc", request.ScanPath + "a/b", request.ScanPath + "a?x", request.ScanPath + "a#x", request.ScanPath + "a%2f", request.ScanPath + "..", request.ScanPath + "a/../../logout",
		"/_WECHAT/scan/a", "//_wechat/scan/a", "/_wechat/scan/\\a", "/_wechat/scan//evil", request.ScanPath + strings.Repeat("a", request.MaxScanText+1), request.ScanPath + "a\n",
	} {
		if got := request.CleanTarget(target); got != "/" {
			t.Errorf("CleanTarget(%q) = %q", target, got)
		}
	}
}

// What Shared promises, of the one in memory.
func TestMemoryBoard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, ctx := new(memory), context.Background()
		claim := func(key string) bool {
			won, err := b.Claim(ctx, key, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return won
		}
		if !claim("a") || claim("a") || !claim("b") {
			t.Error("a claim is for one")
		}
		if b.Release(ctx, "a"); !claim("a") {
			t.Error("a released claim is not free")
		}
		if err := b.Put(ctx, "a", "v", time.Minute); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if v, err := b.Get(ctx, "a"); v != "v" || err != nil {
				t.Errorf("%q %v", v, err)
			}
		}
		if v, err := b.Get(ctx, "b"); v != "" || err != nil {
			t.Errorf("%q %v", v, err)
		}
		time.Sleep(time.Minute)
		if v, _ := b.Get(ctx, "a"); v != "" || !claim("a") {
			t.Errorf("%q outlives its time", v)
		}
	})
}

// Full, it keeps what somebody waits for, and forgets what is over.
func TestMemoryBoardIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, ctx := new(memory), context.Background()
		for i := range maxBoard {
			if err := b.Put(ctx, strconv.Itoa(i), "v", time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Claim(ctx, "x", time.Minute); !errors.Is(err, errBoardFull) {
			t.Errorf("%v", err)
		}
		if v, _ := b.Get(ctx, "0"); v != "v" || len(b.kept) != maxBoard {
			t.Errorf("%q, %d kept", v, len(b.kept))
		}
		time.Sleep(time.Minute)
		if won, err := b.Claim(ctx, "x", time.Minute); !won || err != nil || len(b.kept) != 1 {
			t.Errorf("%t %v, %d kept", won, err, len(b.kept))
		}
	})
}

func TestScanStreamsAreBounded(t *testing.T) {
	t.Parallel()
	var s Streams
	network := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
	}
	var leaves []func()
	enter := func(id string, from netip.Prefix) bool {
		_, leave, ok := s.Enter(t.Context(), id, from)
		if ok {
			leaves = append(leaves, leave)
		}
		return ok
	}
	for i := range maxNetworkStreams {
		if !enter(fmt.Sprint("one-", i), network(0)) {
			t.Fatalf("stream %d", i)
		}
	}
	if enter("one more", network(0)) || !enter("elsewhere", network(1)) {
		t.Error("the bound of a network")
	}
	for i := range maxStreams - maxNetworkStreams - 1 {
		enter(fmt.Sprint("many-", i), network(2+i/100))
	}
	if enter("too many", network(9999)) || len(s.waiting) != maxStreams {
		t.Errorf("%d streams", len(s.waiting))
	}
	if !enter("elsewhere", network(9999)) {
		t.Error("a code that waits already may come again")
	}
	for _, leave := range leaves {
		leave()
	}
	if len(s.waiting) != 0 || len(s.networks) != 0 {
		t.Errorf("%d streams and %d networks are left", len(s.waiting), len(s.networks))
	}
}
