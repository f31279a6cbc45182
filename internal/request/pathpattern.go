package request

import (
	"net/url"
	"path"
	"strings"
)

// demandsPath reports whether a pattern that demands something matches s. A
// suffix matches at any depth, after any path.
func demandsPath(pattern, s string) bool {
	if prefix, ok := cutPrefixPattern(pattern); ok {
		return strings.HasPrefix(s, prefix)
	}
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok && !strings.Contains(suffix, "*") {
		return strings.HasSuffix(s, suffix)
	}
	if folder, suffix, ok := cutSuffixPattern(pattern); ok {
		rest, below := strings.CutPrefix(s, folder)
		return below && strings.HasSuffix(rest, suffix)
	}
	matched, err := path.Match(pattern, s)
	return err == nil && matched
}

// opensPath reports whether a pattern that opens paths matches the plain path
// s. A suffix opens only files, not paths that a script answers: PHP, CGI and
// ASP.NET run /admin.php for /admin.php/x.css, and a servlet at /orders/*
// answers /orders/x.css.
func opensPath(pattern, s string) bool {
	if pattern == "*" {
		return true
	}
	if strings.HasPrefix(pattern, "*") {
		if strings.LastIndexByte(s, '/') > 0 {
			return false
		}
		pattern = "/" + pattern // matches only in the root, not anywhere
	}
	if prefix, ok := cutPrefixPattern(pattern); ok {
		return strings.HasPrefix(s, prefix)
	}
	if folder, suffix, ok := cutSuffixPattern(pattern); ok {
		rest, below := strings.CutPrefix(s, folder)
		return below && strings.HasSuffix(rest, suffix) && opensBelow(folder, rest)
	}
	matched, err := path.Match(pattern, s)
	return err == nil && matched && !opensScript(pattern, s)
}

// opensBelow reports whether rest is a file below folder that no script
// answers. Below the root, the file must be in the root itself; elsewhere, no
// segment before the last may look like a script's name.
func opensBelow(folder, rest string) bool {
	last := strings.LastIndexByte(rest, '/')
	if last < 0 {
		return true
	}
	folders := rest[:last+1]
	return folder != "/" && !strings.ContainsAny(folders, ".;:") && !strings.Contains(folders, " /")
}

// bareSuffix returns the suffix of a pattern without a folder before it.
func bareSuffix(pattern string) (suffix string, ok bool) {
	if strings.HasPrefix(pattern, "*") {
		return pattern, pattern != "*"
	}
	last := strings.LastIndexByte(pattern, '/')
	if last <= 0 || pattern[1] != '*' && pattern[1] != '[' {
		return "", false
	}
	suffix = pattern[last+1:]
	return suffix, strings.Contains(suffix, "*") && !strings.HasSuffix(suffix, "*")
}

// opensScript reports whether a star for a folder (/shops/*/menu,
// /theme/*/*.css) matches a script's name. That script also answers every path
// below its name.
func opensScript(pattern, s string) bool {
	if _, bare := bareSuffix(pattern); bare {
		return true
	}
	patterns, segments := strings.Split(pattern, "/"), strings.Split(s, "/")
	if len(patterns) != len(segments) {
		return true // a class like [^a] has matched a slash
	}
	last := len(segments) - 1
	strict := isGlob(patterns[last]) // strict for a suffix; a full name is more specific
	for i, segment := range segments[:last] {
		if isGlob(patterns[i]) && looksLikeScript(segment) && (strict || !isVersion(segment)) {
			return true
		}
	}
	return false
}

// isVersion reports whether the dot in a segment belongs to a number: 1.5 or
// v2.0 is not a script.
func isVersion(segment string) bool {
	dot := strings.LastIndexByte(segment, '.')
	return dot >= 0 && dot < len(segment)-1 && strings.Trim(segment[dot+1:], "0123456789") == "" && !strings.ContainsAny(segment, ";:")
}

// looksLikeScript reports whether a server may read a segment as a program, or
// as a name with parameters, instead of as a folder.
func looksLikeScript(segment string) bool { return strings.ContainsAny(segment, ".;:") }

// StarsForFolders reports whether a pattern has a star in the place of a
// folder.
func StarsForFolders(pattern string) bool {
	last := strings.LastIndexByte(pattern, '/')
	return last > 0 && isGlob(pattern[:last])
}

// BelowScript reports whether a folder of u's path looks like a script's name.
func BelowScript(u *url.URL) bool {
	last := strings.LastIndexByte(u.Path, '/')
	return last > 0 && looksLikeScript(u.Path[:last])
}

func isGlob(pattern string) bool { return strings.ContainsAny(pattern, "*[") }

// cutPrefixPattern removes the star from a prefix like /static/*.
func cutPrefixPattern(pattern string) (prefix string, ok bool) {
	prefix, ok = strings.CutSuffix(pattern, "*")
	return prefix, ok && !strings.Contains(prefix, "*")
}

// cutSuffixPattern splits a suffix below a folder: /theme/*.css is below
// /theme/ and ends with .css.
func cutSuffixPattern(pattern string) (folder, suffix string, ok bool) {
	folder, suffix, ok = strings.Cut(pattern, "*")
	return folder, suffix, ok && suffix != "" && strings.HasSuffix(folder, "/") && !strings.Contains(folder, "[") && !strings.ContainsAny(suffix, "*[/")
}

// OtherSlash removes the slash at the end of p, or adds one: some servers treat
// both as one path.
func OtherSlash(p string) string {
	if bare, ok := strings.CutSuffix(p, "/"); ok && bare != "" {
		return bare
	}
	if p == "/" {
		return p
	}
	return p + "/"
}

// foldCase converts p to one case, as servers on Windows compare paths. Letters
// with a common capital (ſ and s) become the same letter.
func foldCase(p string) string {
	for i := range len(p) {
		if p[i] >= 0x80 {
			return strings.ToLower(strings.ToUpper(p))
		}
	}
	return strings.ToLower(p)
}
