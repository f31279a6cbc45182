// Package form reads a form that a browser has posted, so that the browser can
// post it again after a sign-in: its fields in their order, byte for byte, with
// duplicates, empty fields and line ends, whatever the charset of the page was.
// Contents of files, passwords and card numbers are left out. It knows neither
// HTTP nor sessions, and imports only the standard library.
//
// # Bytes
//
// The charset of a form is not part of its request, so nothing here decodes
// text. Each byte becomes the character that it is in windows-1252, where all
// 256 bytes are characters: a form with accept-charset="windows-1252" then
// sends exactly these bytes again (WHATWG Encoding, legacy single-byte
// encodings).
package form
