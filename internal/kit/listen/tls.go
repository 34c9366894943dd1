package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync/atomic"
	"time"

	"jindu.dev/jindu/internal/kit/kind"
)

// Files names the files of a TLS server, all PEM.
type Files struct {
	Cert     string // certificate chain, the server's own first
	Key      string // private key
	ClientCA string // certificates that clients must descend from; clients need none when empty
}

// TLS is the TLS side of a listener. It is a run.Part that reads the files again when they change.
type TLS struct {
	files   Files
	every   time.Duration
	changed func(error)
	config  atomic.Pointer[tls.Config]
	stamp   [3]stamp
}

// stamp tells versions of a file apart without reading it.
type stamp struct {
	at   time.Time
	size int64
}

// NewTLS reads the files. changed is called after each later reading, with what was wrong or nil.
func NewTLS(files Files, every time.Duration, changed func(error)) (*TLS, error) {
	t := &TLS{files: files, every: every, changed: changed}
	t.stamp = t.stamps()
	if err := t.load(); err != nil {
		return nil, err
	}
	return t, nil
}

// Config is for tls.NewListener; it always serves the newest good certificate.
func (t *TLS) Config() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return t.config.Load(), nil },
	}
}

// Name is tls.
func (t *TLS) Name() string { return "tls" }

// Run looks at the files from time to time until ctx ends.
func (t *TLS) Run(ctx context.Context, ready func()) error {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	ready()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			t.look()
		}
	}
}

// look reads the files again if one of them changed.
func (t *TLS) look() {
	now := t.stamps()
	if now == t.stamp {
		return
	}
	t.stamp = now
	t.changed(t.load())
}

func (t *TLS) stamps() (s [3]stamp) {
	for i, path := range []string{t.files.Cert, t.files.Key, t.files.ClientCA} {
		if info, err := os.Stat(path); path != "" && err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

func (t *TLS) load() error {
	cert, err := tls.LoadX509KeyPair(t.files.Cert, t.files.Key)
	if err != nil {
		return kind.New(kind.Invalid, "JD-LISTEN-006", "read the certificate %s and its key %s: %w", t.files.Cert, t.files.Key, err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if t.files.ClientCA != "" {
		pem, err := os.ReadFile(t.files.ClientCA)
		if err != nil {
			return kind.New(kind.Invalid, "JD-LISTEN-006", "read the client certificates: %w", err)
		}
		cfg.ClientCAs, cfg.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
			return kind.New(kind.Invalid, "JD-LISTEN-006", "%s holds no certificate in PEM form", t.files.ClientCA)
		}
	}
	t.config.Store(cfg)
	return nil
}
