package request

// ScanPath is the address that a phone opens when it scans a code; the sealed
// code follows.
const ScanPath = Prefix + "scan/"

// MaxScanText bounds a sealed code, in bytes. Today's codes have 160.
const MaxScanText = 512

// IsScanPath reports whether a target is the address in a code. A phone that
// must sign in first comes back to it.
func IsScanPath(target string) bool { return isSealedPath(target, ScanPath, MaxScanText) }
