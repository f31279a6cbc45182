package boltledger

import (
	"testing"

	"github.com/caddy-wechat/gateway/internal/ledger"
	"github.com/caddy-wechat/gateway/internal/ledger/ledgertest"
)

// FuzzOutbox: whatever stands in a file, reading it gives a sound delivery or
// ErrCorrupt.
func FuzzOutbox(f *testing.F) {
	i := item{line: ledger.PersonLine(ledger.NewID()), state: ledger.Progress{Next: 5, First: 3, Attempts: 2, Reason: "500"}, event: ledgertest.AnEvent(f)}
	value, err := i.value()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(value))
	f.Add("")
	f.Add("0000000000000001 5 3 2 \n")
	f.Fuzz(func(t *testing.T, value string) {
		i, err := parseItem(1, []byte(value))
		if err != nil {
			ledgertest.SoundDelivery(t, ledger.Delivery{}, err)
			return
		}
		d, err := i.delivery()
		ledgertest.SoundDelivery(t, d, err)
	})
}
