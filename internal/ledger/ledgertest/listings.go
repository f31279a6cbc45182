package ledgertest

import (
	"fmt"
	"slices"

	"github.com/caddy-wechat/gateway/internal/ledger"
)

// Listings is the content of the indexes of lists.
type Listings []string

// Add adds what must stand there for a person.
func (l *Listings) Add(p *ledger.Person) {
	listing := p.Listing()
	*l = append(*l, listing.Seen)
	if listing.Nickname != "" {
		*l = append(*l, listing.Nickname)
	}
}

// Differ reports the first entry that only one of the two has.
func (l Listings) Differ(other Listings) error {
	slices.Sort(l)
	slices.Sort(other)
	for i := range max(len(l), len(other)) {
		if i >= len(l) || i >= len(other) || l[i] != other[i] {
			return fmt.Errorf("the indexes of lists differ: want %d entries, and then %q; got %d, and then %q",
				len(l), l[min(i, len(l)):], len(other), other[min(i, len(other)):])
		}
	}
	return nil
}
