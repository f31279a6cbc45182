package ledger

import "slices"

// Reasons for the rules in the package's documentation:
//
// Two persons with two different unionids are never merged, and a person's
// unionid never changes. An openid whose unionid changed (the app moved to
// another Open Platform account, or WeChat erred) leaves its old person, with
// all data recorded there, and takes neither consent nor profile along. If
// WeChat names the old unionid again, the openid returns to the old person,
// whose data no other visitor could see in the meantime.
//
// A unionid is ignored if it would give one person two openids of one app id.
// WeChat never gives a user two, but it is known to give one virtual unionid to
// many visitors of its snapshot pages; without this rule those strangers would
// become one person. Such an openid stays, or becomes, a separate person.

// placement is what an observation means for the ledger. It is decided from
// three facts alone, without I/O: the person the openid belongs to, the person
// the unionid belongs to, and the observation.
type placement uint8

const (
	same        placement = iota // the openid's person; no names change
	attach                       // the openid's person gets its unionid
	create                       // a new person, with the unionid seen
	createApart                  // a new person; the unionid seen is ignored
	join                         // the openid is new and joins the unionid's person
	merge                        // the openid's person and the unionid's person are one
	doubt                        // as same; the unionid seen is ignored
	move                         // the openid moves to the unionid's person
	moveNew                      // the openid moves to a new person with the unionid seen
	moveApart                    // the openid moves to a new person; the unionid seen is ignored
)

// doubted reports whether WeChat's answer contradicts an earlier one, so that
// an operator should look at it.
func (v placement) doubted() bool {
	return v == createApart || v == doubt || v.moves()
}

// moves reports whether the openid leaves the person it belonged to.
func (v placement) moves() bool { return v == move || v == moveNew || v == moveApart }

// judge decides the placement. byOpenID and byUnionID are nil if the ledger
// knows no such person; s is normal.
func judge(byOpenID, byUnionID *Person, s *Observation) placement {
	switch {
	case byOpenID == nil:
		return judgeUnknown(byUnionID, s)
	case s.UnionID == "" || s.UnionID == byOpenID.UnionID:
		return same
	case byOpenID.UnionID == "":
		return judgeFirstUnionID(byOpenID, byUnionID)
	// From here on the openid had another unionid. The person keeps it, and all
	// data recorded under it: merging, or changing the unionid in place, would
	// give those data to the visitor whom WeChat calls by the new unionid.
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

// fits reports whether another openid, of this app id, can belong to the
// person. WeChat gives a user one openid for each app id; a unionid that
// contradicts this is the virtual unionid of a snapshot page, shared by many
// strangers.
func (p *Person) fits(appID string) bool {
	return len(p.Accounts) < maxAccounts && p.OpenID(appID) == ""
}

// mergeable reports whether two persons can be one: they have no app id in
// common, and the record stays within its limits.
func (p *Person) mergeable(q *Person) bool {
	return len(p.Accounts)+len(q.Accounts) <= maxAccounts && len(p.Merged)+len(q.Merged) < maxMerged &&
		!slices.ContainsFunc(p.Accounts, func(a Account) bool { return q.OpenID(a.AppID) != "" })
}
