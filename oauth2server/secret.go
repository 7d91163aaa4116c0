package oauth2server

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/crypto/bcrypt"

	"github.com/d2gate/d2gate/internal/fault"
)

// RandReader is where randomness comes from unless a Config says otherwise.
var RandReader = rand.Reader

// Hash is the hex SHA-256 under which a token, code or random secret is stored.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// randomUUID matches version 4: 122 random bits, so a plain hash is enough.
var randomUUID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

const slowCost = 10

// HashSecret is what is stored of a client secret: a plain hash of a random UUID,
// a slow one of anything that a person may have chosen.
func HashSecret(secret string) (string, error) {
	if randomUUID.MatchString(secret) {
		return "sha256:" + Hash(secret), nil
	}
	h, err := bcrypt.GenerateFromPassword([]byte(secret), slowCost)
	if err != nil {
		return "", fmt.Errorf("hash client secret: %w", err)
	}
	return "bcrypt:" + string(h), nil
}

func (s *Server) newUUID() (string, error) { return newUUID(s.cfg.Rand) }

func newUUID(random io.Reader) (string, error) {
	u, err := uuid.NewRandomFromReader(random)
	if err != nil {
		return "", fmt.Errorf("random: %w", err)
	}
	return u.String(), nil
}

// secrets compares client secrets. Slow comparisons run one at a time, and a
// right one is remembered, so that neither clients nor guessers hold up others.
type secrets struct {
	slot  chan struct{}
	key   [32]byte
	right *lru.Cache[[32]byte, struct{}]
	dummy []byte
}

const secretWait = 3 * time.Second

func newSecrets() (*secrets, error) {
	right, err := lru.New[[32]byte, struct{}](1024)
	if err != nil {
		return nil, err
	}
	s := &secrets{slot: make(chan struct{}, 1), right: right}
	if _, err := rand.Read(s.key[:]); err != nil {
		return nil, err
	}
	s.dummy, err = bcrypt.GenerateFromPassword(s.key[:16], slowCost)
	return s, err
}

// match reports whether secret is the one that was stored. A stored hash of ""
// stands for an unknown client and costs as much as a wrong secret.
func (s *secrets) match(ctx context.Context, stored, secret string) (bool, error) {
	if sum, ok := strings.CutPrefix(stored, "sha256:"); ok && subtle.ConstantTimeCompare([]byte(sum), []byte(Hash(secret))) == 1 {
		return true, nil
	}
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write([]byte(stored + "\x00" + secret))
	key := [32]byte(mac.Sum(nil))
	if _, ok := s.right.Get(key); ok {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, secretWait)
	defer cancel()
	select {
	case s.slot <- struct{}{}:
		defer func() { <-s.slot }()
	case <-ctx.Done():
		return false, fault.New(fault.Overloaded, "").WithRetryAfter(secretWait)
	}
	slow, ok := strings.CutPrefix(stored, "bcrypt:")
	if !ok {
		slow = string(s.dummy)
	}
	if len(secret) > 72 {
		secret = secret[:72] // refused below: no stored secret is as long
		ok = false
	}
	if err := bcrypt.CompareHashAndPassword([]byte(slow), []byte(secret)); err != nil || !ok {
		return false, nil
	}
	s.right.Add(key, struct{}{})
	return true, nil
}
