package ledger

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// Mark is a keyed hash of one name of a banned person: the ban outlives the
// person's data, and the ledger then holds no name. Marks of different kinds of
// names differ, even for equal names (attack: a unionid that is another
// person's openid).
type Mark [16]byte

// BanKey is the key of the marks of a ban. The ledger draws it for its first
// ban and keeps it with each.
type BanKey [32]byte

// newBanKey draws a key.
func newBanKey() (k BanKey) {
	rand.Read(k[:]) // never fails: crypto/rand ends the process instead
	return k
}

// mark returns the mark of a name. Names contain no NUL.
func (k *BanKey) mark(kind, name string) (m Mark) {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(kind + "\x00" + name))
	return Mark(h.Sum(nil)[:len(m)])
}

func (k *BanKey) personMark(id string) Mark { return k.mark("person", id) }

func (k *BanKey) unionIDMark(unionID string) Mark { return k.mark("unionid", unionID) }

func (k *BanKey) openIDMark(appID, openID string) Mark {
	return k.mark("openid", string(OpenIDKey(appID, openID)))
}

// marksOf returns the marks of all names of a person. A visitor whom the ledger
// does not know yet has no id.
func (k *BanKey) marksOf(p *Person) []Mark {
	all := make([]Mark, 0, 2+len(p.Merged)+len(p.Accounts))
	for _, id := range p.IDs() {
		if id != "" {
			all = append(all, k.personMark(id))
		}
	}
	if p.UnionID != "" {
		all = append(all, k.unionIDMark(p.UnionID))
	}
	for _, a := range p.Accounts {
		all = append(all, k.openIDMark(a.AppID, a.OpenID))
	}
	return all
}

// String returns the mark as the stores and exports have it.
func (m Mark) String() string { return hex.EncodeToString(m[:]) }
