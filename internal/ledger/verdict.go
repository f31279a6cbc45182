package ledger

import "slices"

// verdict is what a sighting means for the ledger. It is decided from three facts alone, without I/O: the person the
// openid belongs to, the person the unionid belongs to, and the sighting.
type verdict uint8

const (
	same        verdict = iota // the openid's person, nothing structural changes
	attach                     // the openid's person gets its unionid
	create                     // a new person, with the unionid seen
	createApart                // a new person without the unionid seen: it is not believed
	join                       // the openid is new and joins the unionid's person
	merge                      // the openid's person and the unionid's person are one
	doubt                      // as same: the unionid seen is not believed
	move                       // the openid leaves for the unionid's person
	moveNew                    // the openid leaves for a new person with the unionid seen
	moveApart                  // the openid leaves for a new person; the unionid seen is not believed either
)

// doubted reports whether WeChat's answer contradicts what it said before, in a way people should look at.
func (v verdict) doubted() bool {
	return v == createApart || v == doubt || v.moves()
}

// moves reports whether the openid leaves the person it belonged to.
func (v verdict) moves() bool { return v == move || v == moveNew || v == moveApart }

// judge decides. byOpenID and byUnionID are nil where the ledger knows nobody; s is normal.
func judge(byOpenID, byUnionID *Person, s *Sighting) verdict {
	switch {
	case byOpenID == nil:
		return judgeUnknown(byUnionID, s)
	case s.UnionID == "" || s.UnionID == byOpenID.UnionID:
		return same
	case byOpenID.UnionID == "":
		return judgeFirstUnionID(byOpenID, byUnionID)
	// From here on the openid had another unionid. The person keeps it, and everything recorded under it: merging, or
	// changing the unionid in place, would hand those data to whoever WeChat calls by the new unionid.
	case byUnionID == nil:
		return moveNew
	case byUnionID.fits(s.AppID):
		return move
	}
	return moveApart
}

func judgeUnknown(byUnionID *Person, s *Sighting) verdict {
	switch {
	case byUnionID == nil:
		return create
	case byUnionID.fits(s.AppID):
		return join
	}
	return createApart
}

func judgeFirstUnionID(byOpenID, byUnionID *Person) verdict {
	switch {
	case byUnionID == nil:
		return attach
	case byOpenID.mergeable(byUnionID):
		return merge
	}
	return doubt
}

// fits reports whether a further openid, of this app id, can belong to the person. WeChat gives a user one openid for
// an app id; a unionid that says otherwise is the virtual one of a snapshot page, shared by many strangers.
func (p *Person) fits(appID string) bool {
	return len(p.Accounts) < maxAccounts && p.OpenID(appID) == ""
}

// mergeable reports whether two persons can be one: no app id knows both, and the record stays within its bounds.
func (p *Person) mergeable(q *Person) bool {
	return len(p.Accounts)+len(q.Accounts) <= maxAccounts && len(p.Merged)+len(q.Merged) < maxMerged &&
		!slices.ContainsFunc(p.Accounts, func(a Account) bool { return q.OpenID(a.AppID) != "" })
}
