package page

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// pngHeader returns the beginning of a PNG of this size.
func pngHeader(width, height uint32) []byte {
	chunk := []byte("IHDR")
	chunk = binary.BigEndian.AppendUint32(chunk, width)
	chunk = binary.BigEndian.AppendUint32(chunk, height)
	chunk = append(chunk, 8, 6, 0, 0, 0)
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d")
	b.Write(chunk)
	_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(chunk))
	return b.Bytes()
}

// webp returns the header of a WebP of this size, in one of its three forms.
func webp(form string, width, height int) []byte {
	head := append([]byte("RIFF\x16\x00\x00\x00WEBP"), form...)
	head = append(head, 10, 0, 0, 0)
	switch form {
	case "VP8 ":
		head = append(head, 0, 0, 0, 0x9d, 0x01, 0x2a)
		head = binary.LittleEndian.AppendUint16(head, uint16(width))
		return binary.LittleEndian.AppendUint16(head, uint16(height))
	case "VP8L":
		head = append(head, 0x2f)
		head = binary.LittleEndian.AppendUint32(head, uint32(width-1)|uint32(height-1)<<14)
		return append(head, 0, 0, 0, 0, 0)
	}
	uint24 := func(n int) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16)} }
	head = append(head, 0, 0, 0, 0)
	return append(append(head, uint24(width-1)...), uint24(height-1)...)
}
