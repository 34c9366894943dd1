package web

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	v1 "jindu.dev/jindu/api/v1"
	"jindu.dev/jindu/internal/kit/kind"
)

// Token lets its bearer call the API. Only the hash of the secret is kept.
type Token struct {
	Name     string   `yaml:"name"`     // the principal in audit and two-person rules
	Role     v1.Role  `yaml:"role"`     // viewer, operator, approver, admin or register
	Services []string `yaml:"services"` // of a register token: the services it is for
	Hash     string   `yaml:"hash"`     // sha256 of the secret, 64 hex digits
}

const maxTokens = 1024

// NewToken makes a secret of 256 random bits and the hash to keep of it.
func NewToken() (secret, hash string) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	secret = "jindu_" + hex.EncodeToString(raw[:])
	return secret, HashToken(secret)
}

// HashToken is what the token file keeps of a secret.
func HashToken(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// LoadTokens reads a token file.
func LoadTokens(path string) ([]Token, error) {
	data, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, kind.New(kind.Invalid, "JD-API-009", "read token file: %w; name a readable file or leave the setting out", err)
	}
	return ParseTokens(data)
}

// ParseTokens reads a YAML list of tokens; every one is checked.
func ParseTokens(data []byte) ([]Token, error) {
	var tokens []Token
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(&tokens); err != nil && !errors.Is(err, io.EOF) {
		return nil, kind.New(kind.Invalid, "JD-API-009", "token file: %w; it is a list of {name, role, services, hash}", err)
	}
	if len(tokens) > maxTokens {
		return nil, kind.New(kind.Invalid, "JD-API-009", "token file: %d tokens, at most %d are kept", len(tokens), maxTokens)
	}
	var fields []kind.Field
	bad := func(i int, field, value, detail string) {
		fields = append(fields, kind.Field{Path: fmt.Sprintf("[%d].%s", i, field), Value: value, Detail: detail})
	}
	names, hashes := map[string]bool{}, map[string]bool{}
	for i, t := range tokens {
		switch {
		case t.Name == "" || t.Name == localName:
			bad(i, "name", t.Name, "give every token a name of its own; "+localName+" is taken")
		case names[t.Name]:
			bad(i, "name", t.Name, "two tokens share the name; two-person rules go by it")
		}
		names[t.Name] = true
		if t.Role != v1.RoleRegister && rank(t.Role) < 0 {
			bad(i, "role", string(t.Role), "use viewer, operator, approver, admin or register")
		}
		if (t.Role == v1.RoleRegister) != (len(t.Services) > 0) {
			bad(i, "services", fmt.Sprint(t.Services), "a register token names its services, the others none")
		}
		if sum, err := hex.DecodeString(t.Hash); err != nil || len(sum) != sha256.Size {
			bad(i, "hash", "", "give the sha256 of the secret as 64 hex digits")
		} else if hashes[string(sum)] {
			bad(i, "hash", "", "two tokens share a secret")
		} else {
			hashes[string(sum)] = true
		}
	}
	if fields != nil {
		return nil, kind.New(kind.Invalid, "JD-API-009", "token file has mistakes").WithFields(fields...)
	}
	return tokens, nil
}

// tokenSet finds the token of a secret in a time that does not depend on which, if any, it is.
type tokenSet struct {
	tokens []Token
	sums   [][]byte
}

func newTokenSet(tokens []Token) (*tokenSet, error) {
	s := &tokenSet{tokens: slices.Clone(tokens)}
	for _, t := range tokens {
		sum, err := hex.DecodeString(t.Hash)
		if err != nil || len(sum) != sha256.Size {
			return nil, kind.New(kind.Invalid, "JD-API-009", "token %q: hash is no sha256 in hex", t.Name)
		}
		s.sums = append(s.sums, sum)
	}
	return s, nil
}

// find compares with every token, also after the right one. equal is subtle.ConstantTimeCompare.
func (s *tokenSet) find(secret string, equal func(x, y []byte) int) (v1.Identity, bool) {
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i := range s.sums {
		found = subtle.ConstantTimeSelect(equal(sum[:], s.sums[i]), i, found)
	}
	if found < 0 {
		return v1.Identity{}, false
	}
	t := s.tokens[found]
	return v1.Identity{Name: t.Name, Role: t.Role, Services: t.Services}, true
}
