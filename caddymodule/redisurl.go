package caddymodule

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// redisSchemes lists the schemes of a Redis address. The scheme decides how
// many hosts are allowed and what the path means.
var redisSchemes = map[string]struct{ tls, sentinel, cluster bool }{
	"redis":           {},
	"rediss":          {tls: true},
	"redis+sentinel":  {sentinel: true},
	"rediss+sentinel": {tls: true, sentinel: true},
	"redis+cluster":   {cluster: true},
	"rediss+cluster":  {tls: true, cluster: true},
}

// parseRedisURL makes a plan from an expanded address:
//
//	redis://[user[:password]@]host[:port][/db]
//	redis+sentinel://[user[:password]@]host[:port],host[:port].../<master>[/db]
//	redis+cluster://[user[:password]@]host[:port],host[:port]...
//
// With rediss instead of redis, the connection uses TLS. Errors never contain
// the password or a possible part of it.
func parseRedisURL(raw string) (redisPlan, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	kind, known := redisSchemes[scheme]
	if !ok || !known {
		return redisPlan{}, fmt.Errorf("the address must begin with redis://, rediss://, redis+sentinel:// or redis+cluster://")
	}
	p := redisPlan{TLS: kind.tls, Cluster: kind.cluster}
	// Cut the credentials off first, at the last @, so that no part of a
	// password is taken for a host (attack: a password in an error, and so in a
	// log).
	userinfo, rest := cutUserinfo(rest)
	if err := p.credentials(userinfo); err != nil {
		return redisPlan{}, err
	}
	if strings.ContainsAny(rest, "?#") {
		return redisPlan{}, fmt.Errorf("the address takes no ? or #; options go into the block")
	}
	authority, path, _ := strings.Cut(rest, "/")
	defaultPort := "6379"
	if kind.sentinel {
		defaultPort = "26379"
	}
	for host := range strings.SplitSeq(authority, ",") {
		address, err := hostPort(host, defaultPort)
		if err != nil {
			return redisPlan{}, err
		}
		p.Addrs = append(p.Addrs, address)
	}
	if len(p.Addrs) > 1 && !kind.sentinel && !kind.cluster {
		return redisPlan{}, fmt.Errorf("several hosts need redis+sentinel:// or redis+cluster://")
	}
	if len(p.Addrs) > 64 {
		return redisPlan{}, fmt.Errorf("more than 64 hosts")
	}
	if err := p.path(path, kind.sentinel); err != nil {
		return redisPlan{}, err
	}
	return p, nil
}

func (p *redisPlan) credentials(userinfo string) error {
	if strings.ContainsAny(userinfo, "/?#@ ") {
		return fmt.Errorf("user name and password must be percent-encoded: %%2F for /, %%3F for ?, %%23 for #, %%40 for @")
	}
	user, password, _ := strings.Cut(userinfo, ":")
	var err error
	if p.Username, err = url.PathUnescape(user); err != nil {
		return fmt.Errorf("the user name is not correctly percent-encoded")
	}
	if p.Password, err = url.PathUnescape(password); err != nil {
		return fmt.Errorf("the password is not correctly percent-encoded")
	}
	return nil
}

// path reads the part after the hosts.
func (p *redisPlan) path(path string, sentinel bool) error {
	if sentinel {
		master, db, _ := strings.Cut(path, "/")
		if master == "" {
			return fmt.Errorf("a Sentinel address ends with the master's name: redis+sentinel://host:26379/mymaster")
		}
		p.Master, path = master, db
	}
	if p.Cluster {
		if path != "" && path != "0" {
			return fmt.Errorf("a Cluster has no numbered databases")
		}
		return nil
	}
	if path == "" {
		return nil
	}
	db, err := strconv.Atoi(path)
	if err != nil || db < 0 || db > 1<<16 {
		return fmt.Errorf("the database must be a number")
	}
	p.DB = db
	return nil
}

// errHost does not contain the host: without an @ it may be a password.
var errHost = errors.New("a host of the address is neither host nor host:port")

func hostPort(host, defaultPort string) (string, error) {
	if host == "" {
		return "", fmt.Errorf("the address names no host")
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), defaultPort
		if strings.Contains(name, ":") && !strings.HasPrefix(host, "[") {
			return "", errHost
		}
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 || name == "" || strings.ContainsAny(name, "@ /\\") {
		return "", errHost
	}
	return net.JoinHostPort(name, port), nil
}

// cutUserinfo cuts at the last @.
func cutUserinfo(s string) (userinfo, rest string) {
	if i := strings.LastIndex(s, "@"); i >= 0 {
		return s[:i], s[i+1:]
	}
	return "", s
}
