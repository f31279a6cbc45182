package request

import (
	"net/url"
	"path"
	"strings"
)

// demandsPath reports whether pattern means s for the sake of asking more: a
// suffix holds at any depth, whatever stands before it.
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

// opensPath reports whether pattern means the plain path s for the sake of
// letting through. A suffix opens files only, not what a script answers: PHP,
// CGI and ASP.NET run /admin.php for /admin.php/x.css, and a servlet at /orders/*
// answers /orders/x.css.
func opensPath(pattern, s string) bool {
	if pattern == "*" {
		return true
	}
	if strings.HasPrefix(pattern, "*") {
		if strings.LastIndexByte(s, '/') > 0 {
			return false
		}
		pattern = "/" + pattern // not anywhere: in the root
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

// opensBelow reports whether rest is a file below folder that no script answers:
// below the root, it stands in the root itself; elsewhere, no segment before the
// last looks like a script's name.
func opensBelow(folder, rest string) bool {
	last := strings.LastIndexByte(rest, '/')
	if last < 0 {
		return true
	}
	folders := rest[:last+1]
	return folder != "/" && !strings.ContainsAny(folders, ".;:") && !strings.Contains(folders, " /")
}

// bareSuffix returns the suffix of a pattern that names no folder before it.
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

// opensScript reports whether a star for a folder (/shops/*/menu, /theme/*/*.css)
// meets a script's name, which answers for whatever stands behind it.
func opensScript(pattern, s string) bool {
	if _, bare := bareSuffix(pattern); bare {
		return true
	}
	patterns, segments := strings.Split(pattern, "/"), strings.Split(s, "/")
	if len(patterns) != len(segments) {
		return true // a class like [^a] has met a slash
	}
	last := len(segments) - 1
	strict := isGlob(patterns[last]) // a suffix; a whole name says more of what it means
	for i, segment := range segments[:last] {
		if isGlob(patterns[i]) && looksLikeScript(segment) && (strict || !isVersion(segment)) {
			return true
		}
	}
	return false
}

// isVersion reports whether a dot in a segment is a number's: 1.5 or v2.0 is no
// script.
func isVersion(segment string) bool {
	dot := strings.LastIndexByte(segment, '.')
	return dot >= 0 && dot < len(segment)-1 && strings.Trim(segment[dot+1:], "0123456789") == "" && !strings.ContainsAny(segment, ";:")
}

// looksLikeScript reports whether a server may take a segment for a program, or
// for a name with something behind it, rather than for a folder.
func looksLikeScript(segment string) bool { return strings.ContainsAny(segment, ".;:") }

// StarsForFolders reports whether a pattern has a star in the place of a folder.
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

// cutPrefixPattern takes the star off a prefix like /static/*.
func cutPrefixPattern(pattern string) (prefix string, ok bool) {
	prefix, ok = strings.CutSuffix(pattern, "*")
	return prefix, ok && !strings.Contains(prefix, "*")
}

// cutSuffixPattern takes a suffix below a folder apart: /theme/*.css is below
// /theme/ and ends with .css.
func cutSuffixPattern(pattern string) (folder, suffix string, ok bool) {
	folder, suffix, ok = strings.Cut(pattern, "*")
	return folder, suffix, ok && suffix != "" && strings.HasSuffix(folder, "/") && !strings.Contains(folder, "[") && !strings.ContainsAny(suffix, "*[/")
}

// OtherSlash returns p without the slash at its end, or with one: some servers
// take both for one path.
func OtherSlash(p string) string {
	if bare, ok := strings.CutSuffix(p, "/"); ok && bare != "" {
		return bare
	}
	if p == "/" {
		return p
	}
	return p + "/"
}

// foldCase writes p in one case, as servers on Windows compare. Letters that are
// another's capital (ſ is one of S) count as that one.
func foldCase(p string) string {
	for i := range len(p) {
		if p[i] >= 0x80 {
			return strings.ToLower(strings.ToUpper(p))
		}
	}
	return strings.ToLower(p)
}
