package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ListsVersion names the form of the indexes. A store builds them anew if they
// have another form: change it when Listing or FoldNickname changes. redisledger
// needs one character that is not in the alphabet of rand.Text.
const ListsVersion = "1"

// secondLength is the length of a time in an index: digits up to MaxTime.
const secondLength = 12

// Listing is what the two indexes of a store say about one person. Both kinds
// of entries end with the person's id.
type Listing struct {
	Seen     string // LastSeen and the id, in the order of time
	Nickname string // the folded nickname, NUL, and the id; "" without a nickname
}

// Listing returns the entries of the person.
func (p *Person) Listing() Listing {
	l := Listing{Seen: seenBound(p.LastSeen) + p.ID}
	if p.Nickname != "" {
		l.Nickname = FoldNickname(p.Nickname) + "\x00" + p.ID
	}
	return l
}

// ListedID returns the id at the end of an entry, "" if there is none.
func ListedID(entry string) string {
	if len(entry) < IDLength || !ValidID(entry[len(entry)-IDLength:]) {
		return ""
	}
	return entry[len(entry)-IDLength:]
}

// SeenBound is the beginning of the entries of a second. Entries of earlier
// seconds sort before it, all others not.
func SeenBound(t time.Time) string { return seenBound(t) }

func seenBound(t time.Time) string {
	return fmt.Sprintf("%0*d", secondLength, min(max(seconds(t), 0), MaxTime))
}

// SeenAt returns the time of an entry of Seen.
func SeenAt(entry string) time.Time {
	if len(entry) < secondLength {
		return time.Time{}
	}
	s, err := strconv.ParseInt(entry[:secondLength], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return moment(s)
}

// CheckListCursor returns ErrInvalid if a text is not a cursor of List, which
// is "" or an entry of Seen.
func CheckListCursor(s string) error {
	if s == "" {
		return nil
	}
	digits := s[:min(len(s), secondLength)]
	if len(s) != secondLength+IDLength || ListedID(s) == "" || strings.Trim(digits, "0123456789") != "" {
		return fmt.Errorf("%w: this is no cursor of a list of persons", ErrInvalid)
	}
	return nil
}

// ClampList limits how many persons a caller may ask for.
func ClampList(limit int) int { return min(max(limit, 1), MaxList) }

// ClampInactive limits how many inactive persons a caller may ask for.
func ClampInactive(limit int) int { return min(max(limit, 0), MaxInactive) }
