package site

// Access is what the operator says about a path.
type Access uint8

// A path is protected unless the configuration says otherwise.
const (
	Protected Access = iota // a session is needed
	Optional                // like Public, but a WeChat navigation is signed in silently first
	Public                  // passes without a session; one that is there is still forwarded
)

// Outside is what happens to visitors who are not in WeChat.
type Outside string

// The values of the option outside_wechat.
const (
	OutsideQR     Outside = "qr"     // a page with a QR code of the address (default)
	OutsideLogin  Outside = "login"  // WeChat's QR sign-in where a website's account exists, else the dance anyway
	OutsideScan   Outside = "scan"   // our own: a QR code that a phone in WeChat confirms
	OutsidePass   Outside = "pass"   // let through without an identity
	OutsideRefuse Outside = "refuse" // 401
)
