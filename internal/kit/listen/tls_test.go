package listen

import (
	"context"
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
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// issue writes a self-signed certificate for localhost with the given serial number.
func issue(t *testing.T, dir string, serial int64) Files {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	put(t, files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	put(t, files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return files
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// served is the serial number of the certificate that a client is shown.
func served(t *testing.T, server *TLS, client *tls.Config) (int64, error) {
	t.Helper()
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	done := make(chan error, 1)
	go func() { done <- tls.Server(a, server.Config()).HandshakeContext(t.Context()) }()
	conn := tls.Client(b, client)
	if err := conn.HandshakeContext(t.Context()); err != nil {
		return 0, err
	}
	if err := <-done; err != nil {
		return 0, err
	}
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
}

func trust(t *testing.T, files Files) *tls.Config {
	t.Helper()
	data, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(data)
	return &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS13}
}

func TestANewCertificateIsServedAndABrokenOneIsNot(t *testing.T) {
	dir := t.TempDir()
	files := issue(t, dir, 1)
	synctest.Test(t, func(t *testing.T) {
		var said []error
		server, err := NewTLS(files, time.Second, func(err error) { said = append(said, err) })
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- server.Run(ctx, func() {}) }()
		wait := func() { time.Sleep(1500 * time.Millisecond); synctest.Wait() }

		wait()
		if len(said) != 0 {
			t.Fatalf("nothing changed, said %v", said)
		}
		if n, err := served(t, server, trust(t, files)); err != nil || n != 1 {
			t.Errorf("serves %d, %v", n, err)
		}
		issue(t, dir, 2)
		touch(t, files)
		wait()
		if n, err := served(t, server, trust(t, files)); err != nil || n != 2 || len(said) != 1 || said[0] != nil {
			t.Errorf("serves %d, %v; said %v", n, err, said)
		}
		good := trust(t, files)
		put(t, files.Cert, []byte("broken"))
		wait()
		if n, err := served(t, server, good); err != nil || n != 2 || len(said) != 2 || kind.Code(said[1]) != "JD-LISTEN-006" {
			t.Errorf("serves %d, %v; said %v", n, err, said)
		}
		cancel()
		if err := <-done; err != nil || server.Name() != "tls" {
			t.Error(err)
		}
	})
}

// touch makes sure that the time stamps differ however coarse the file system's clock is.
func touch(t *testing.T, files Files) {
	t.Helper()
	at := time.Unix(1<<31, 0)
	if err := os.Chtimes(files.Cert, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestClientsNeedACertificateWhenACAIsNamed(t *testing.T) {
	files := issue(t, t.TempDir(), 1)
	files.ClientCA = files.Cert
	server, err := NewTLS(files, time.Second, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	client := trust(t, files)
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	client.Certificates = []tls.Certificate{pair}
	if n, err := served(t, server, client); err != nil || n != 1 {
		t.Errorf("with a certificate: %d, %v", n, err)
	}
	if server.config.Load().ClientAuth != tls.RequireAndVerifyClientCert {
		t.Error("a client without a certificate would pass")
	}
}

func TestTLSFilesThatAreWrongAreNamed(t *testing.T) {
	good := issue(t, t.TempDir(), 1)
	for _, files := range []Files{{Cert: "no.pem", Key: "no.key"}, {good.Cert, good.Key, "no-ca.pem"}, {good.Cert, good.Key, good.Key}} {
		if _, err := NewTLS(files, time.Second, nil); kind.Code(err) != "JD-LISTEN-006" || !strings.Contains(err.Error(), filepath.Base(files.Cert)) && !strings.Contains(err.Error(), filepath.Base(files.ClientCA)) {
			t.Errorf("%v: %v", files, err)
		}
	}
}
