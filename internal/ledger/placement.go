package ledger

import "slices"

// Why the rules of the package's documentation are as they are:
//
// Two persons with two different unionids are never merged, and a person's
// unionid never changes. An openid whose unionid changed (the app moved to
// another Open Platform account, or WeChat erred) leaves its old person behind
// with everything recorded there, and takes no consent and no profile along.
// Should WeChat name the old unionid again, the openid returns to the old person,
// whose data nobody else could see in the meantime.
//
// A unionid is not believed where it would give one person two openids of one
// app id. WeChat never gives a user two, but it is known to give one virtual
// unionid to many visitors of its snapshot pages; without this rule those
// strangers would become one person. Such an openid stays, or becomes, a person
// of its own.

// placement is what a sighting means for the ledger. It is decided from three facts alone, without I/O: the person the
// openid belongs to, the person the unionid belongs to, and the sighting.
type placement uint8

const (
	same        placement = iota // the openid's person, nothing structural changes
	attach                       // the openid's person gets its unionid
	create                       // a new person, with the unionid seen
	createApart                  // a new person without the unionid seen: it is not believed
	join                         // the openid is new and joins the unionid's person
	merge                        // the openid's person and the unionid's person are one
	doubt                        // as same: the unionid seen is not believed
	move                         // the openid leaves for the unionid's person
	moveNew                      // the openid leaves for a new person with the unionid seen
	moveApart                    // the openid leaves for a new person; the unionid seen is not believed either
)

// doubted reports whether WeChat's answer contradicts what it said before, in a way people should look at.
func (v placement) doubted() bool {
	return v == createApart || v == doubt || v.moves()
}

// moves reports whether the openid leaves the person it belonged to.
func (v placement) moves() bool { return v == move || v == moveNew || v == moveApart }

// judge decides. byOpenID and byUnionID are nil where the ledger knows nobody; s is normal.
func judge(byOpenID, byUnionID *Person, s *Observation) placement {
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

func judgeUnknown(byUnionID *Person, s *Observation) placement {
	switch {
	case byUnionID == nil:
		return create
	case byUnionID.fits(s.AppID):
		return join
	}
	return createApart
}

func judgeFirstUnionID(byOpenID, byUnionID *Person) placement {
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
