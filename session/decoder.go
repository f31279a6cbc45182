package session

import "encoding/binary"

// decoder takes fields off the front of a byte slice. After the first mistake
// it stays bad and returns zero values, so that a caller may check once, at the
// end.
type decoder struct {
	rest []byte
	bad  bool
}

// bytes takes n bytes.
func (d *decoder) bytes(n int) []byte {
	if d.bad || len(d.rest) < n {
		d.bad = true
		return nil
	}
	out := d.rest[:n]
	d.rest = d.rest[n:]
	return out
}

// byte takes one byte.
func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// text takes a text with its length in front, of at most limit bytes.
func (d *decoder) text(limit int) string {
	n := int(d.byte())
	if n > limit {
		d.bad = true
	}
	return string(d.bytes(n))
}

// second takes a number of seconds, in the shortest form only.
func (d *decoder) second() int64 {
	if d.bad {
		return 0
	}
	value, n := binary.Uvarint(d.rest)
	// A last byte of 0 adds nothing: the number could have been shorter. One
	// session must have one form.
	if n <= 0 || value > maxSecond || (n > 1 && d.rest[n-1] == 0) {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return int64(value)
}
