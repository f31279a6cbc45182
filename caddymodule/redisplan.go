package caddymodule

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisPlan is a RedisStore's configuration, expanded and read. It contains the
// password, so it is kept in unexported fields and never printed.
type redisPlan struct {
	Addrs                              []string
	Master                             string
	Cluster                            bool
	DB                                 int
	Username, Password                 string
	SentinelUsername, SentinelPassword string
	TLS                                bool
	CA, Cert, Key                      []byte
	Prefix                             string
	StaleIfDown                        time.Duration
}

func (s *RedisStore) read() (redisPlan, error) {
	address, err := expand("address", s.Address)
	if err != nil {
		return redisPlan{}, err
	}
	p, err := parseRedisURL(address)
	if err != nil {
		return redisPlan{}, err
	}
	p.Prefix, p.StaleIfDown = s.Prefix, time.Duration(s.StaleIfDown)
	for field, into := range map[string]struct {
		value string
		into  *string
	}{
		"username": {s.Username, &p.Username}, "password": {s.Password, &p.Password},
		"sentinel_username": {s.SentinelUsername, &p.SentinelUsername}, "sentinel_password": {s.SentinelPassword, &p.SentinelPassword},
	} {
		expanded, err := expandSecret(field, into.value)
		if err != nil {
			return redisPlan{}, err
		}
		if expanded != "" {
			*into.into = expanded
		}
	}
	if p.StaleIfDown == 0 {
		p.StaleIfDown = defaultStaleIfDown
	}
	if err := s.readFiles(&p); err != nil {
		return redisPlan{}, err
	}
	return p, nil
}

// readFiles reads the certificates and checks them.
func (s *RedisStore) readFiles(p *redisPlan) error {
	for field, file := range map[string]struct {
		path string
		into *[]byte
	}{"ca": {s.CA, &p.CA}, "cert": {s.Cert, &p.Cert}, "key": {s.Key, &p.Key}} {
		if file.path == "" {
			continue
		}
		if !p.TLS {
			return fmt.Errorf("%s needs TLS: the address must begin with rediss", field)
		}
		path, err := expand(field, file.path)
		if err != nil {
			return err
		}
		if *file.into, err = os.ReadFile(path); err != nil {
			return fmt.Errorf("%s: %w", field, err)
		}
		*file.into = bytes.TrimPrefix(*file.into, []byte(byteOrderMark)) // the PEM decoder skips the block after it
	}
	if (p.Cert == nil) != (p.Key == nil) {
		return errors.New("cert and key must be given together")
	}
	_, err := p.tlsConfig()
	return err
}

// tlsConfig returns nil without TLS. Certificates are always verified.
func (p redisPlan) tlsConfig() (*tls.Config, error) {
	if !p.TLS {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.CA != nil {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(p.CA) {
			return nil, errors.New("ca: the file holds no certificate")
		}
	}
	if p.Cert != nil {
		pair, err := tls.X509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, errors.New("cert and key do not belong together")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Timeouts of Redis: short enough that a visitor gets an answer, and long
// enough for the first moments of a failover.
const (
	redisDial  = 2 * time.Second
	redisReply = time.Second
)

// client makes the client. The client connects at its first use.
func (p redisPlan) client() (redis.UniversalClient, error) {
	config, err := p.tlsConfig()
	if err != nil {
		return nil, err
	}
	options := &redis.UniversalOptions{
		Addrs: p.Addrs, MasterName: p.Master, IsClusterMode: p.Cluster, DB: p.DB,
		Username: p.Username, Password: p.Password, SentinelUsername: p.SentinelUsername, SentinelPassword: p.SentinelPassword,
		TLSConfig: config, ContextTimeoutEnabled: true,
		DialTimeout: redisDial, DialerRetries: 1, ReadTimeout: redisReply, WriteTimeout: redisReply, PoolTimeout: redisDial,
		MaxRetries: 1,
	}
	if !p.Cluster {
		return redis.NewUniversalClient(options), nil
	}
	// go-redis reloads the Cluster's layout when a node redirects, but not when
	// a node is dead: without this interval a failover is noticed only after a
	// minute.
	cluster := options.Cluster()
	cluster.ClusterStateReloadInterval = time.Second
	return redis.NewClusterClient(cluster), nil
}
