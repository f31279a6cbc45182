package site

// Access is the operator's rule for a path.
type Access uint8

// A path is protected unless the configuration says otherwise.
const (
	Protected Access = iota // a session is needed
	Optional                // like Public, but a navigation in WeChat is signed in silently first
	Public                  // passes without a session; an existing one is still forwarded
)

// Outside says how visitors outside WeChat are handled.
type Outside string

// The values of the option outside_wechat.
const (
	OutsideQR     Outside = "qr"     // a page with a QR code of the address (default)
	OutsideLogin  Outside = "login"  // WeChat's QR sign-in if there is a website account; without one OutsideScan, or a sign-in at a simulated WeChat
	OutsideScan   Outside = "scan"   // our own QR code, which a phone in WeChat confirms
	OutsidePass   Outside = "pass"   // let through without an identity
	OutsideRefuse Outside = "refuse" // 401
)
