package scan

import (
	"bytes"
	"testing"
	"time"

	"github.com/caddy-wechat/gateway/internal/wechat"
	"github.com/caddy-wechat/gateway/session"
)

func FuzzDecodeScanProof(f *testing.F) {
	f.Add(Proof{code: [digestLength]byte{1}, session: session.NewID(), made: time.Unix(1800000000, 0)}.encode())
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{255}, proofLength))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, ok := decodeProof(raw)
		if ok && !bytes.Equal(p.encode(), raw) {
			t.Fatalf("%x is read as %x", raw, p.encode())
		}
	})
}

func TestScanProof(t *testing.T) {
	t.Parallel()
	c, id := someScan("203.0.113.77", wechat.ScopeBase), session.NewID()
	good := Proof{code: c.Digest, session: id, made: c.Begun}
	for name, test := range map[string]struct {
		change func(*Proof)
		want   bool
	}{
		"as made":                     {func(*Proof) {}, true},
		"a gateway's clock is behind": {func(p *Proof) { p.made = p.made.Add(-session.MaxSkew + time.Minute) }, true},
		"another code":                {func(p *Proof) { p.code[digestLength-1] ^= 1 }, false},
		"another session":             {func(p *Proof) { p.session[0] ^= 1 }, false},
		"made long before the code":   {func(p *Proof) { p.made = p.made.Add(-session.MaxSkew - time.Minute) }, false},
		"from the future":             {func(p *Proof) { p.made = p.made.Add(session.MaxSkew + time.Minute) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := good
			test.change(&p)
			read, ok := decodeProof(p.encode())
			if got := ok && read.Proves(c, id); got != test.want {
				t.Errorf("proves: %t, want %t", got, test.want)
			}
		})
	}
}
