package session

// alphabetIndex gives the value of each character of the alphabet, and 255 for
// all others.
var alphabetIndex = func() (index [256]byte) {
	for i := range index {
		index[i] = 255
	}
	for i := range len(alphabet) {
		index[alphabet[i]] = byte(i)
	}
	return index
}()

// limit returns the length of the longest sealed text of a purpose, in bytes.
func limit(purpose string) int {
	if purpose == PurposeSession {
		return MaxValue
	}
	return MaxSealed
}

// safeText reports whether s consists of characters of the alphabet only.
func safeText(s string) bool {
	for i := range len(s) {
		if alphabetIndex[s[i]] == 255 {
			return false
		}
	}
	return true
}

// canonical reports whether s can be a sealed text in its only valid form. Go's
// base64 decoder skips line breaks and ignores the spare bits of the last
// character; both would let an altered text pass as the original.
func canonical(s string) bool {
	if len(s) < 2 || !safeText(s) {
		return false
	}
	last := alphabetIndex[s[len(s)-1]]
	switch (len(s) - 1) % 4 { // without the hint
	case 0:
		return true
	case 2:
		return last&0x0f == 0
	case 3:
		return last&0x03 == 0
	default:
		return false
	}
}
