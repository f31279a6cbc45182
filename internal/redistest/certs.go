package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certs are the files of a backend with TLS: its own authority and one client
// certificate, each as PEM.
type Certs struct {
	CAFile, CertFile, KeyFile string

	Pool *x509.CertPool  // the authority
	Cert tls.Certificate // the client's

	serverCert, serverKey string
}

// Config returns what a client needs to connect. Each call returns a new one.
func (c *Certs) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Pool, Certificates: []tls.Certificate{c.Cert}}
}

func newCerts(dir string) (*Certs, error) {
	at := func(name string) string { return filepath.Join(dir, name) }
	c := &Certs{
		CAFile: at("ca.pem"), CertFile: at("client.pem"), KeyFile: at("client.key"), Pool: x509.NewCertPool(),
		serverCert: at("server.pem"), serverKey: at("server.key"),
	}
	ca := certificate("redistest authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caKey, err := issue(ca, ca, nil, c.CAFile, at("ca.key"))
	if err != nil {
		return nil, err
	}
	pemCA, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	c.Pool.AppendCertsFromPEM(pemCA)

	// Replicas, sentinels and Cluster nodes connect to each other with the
	// server's certificate.
	server := certificate("redistest server")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	server.IPAddresses, server.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1)}, []string{"localhost"}
	if _, err := issue(server, ca, caKey, c.serverCert, c.serverKey); err != nil {
		return nil, err
	}
	client := certificate("redistest client")
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if _, err := issue(client, ca, caKey, c.CertFile, c.KeyFile); err != nil {
		return nil, err
	}
	c.Cert, err = tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	return c, err
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue makes a key, signs the certificate (by itself when there is no parent
// key) and writes both.
func issue(cert, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, certFile, keyFile string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if parentKey == nil {
		parentKey = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return key, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}
