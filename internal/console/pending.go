package console

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/d2gate/d2gate/internal/fault"
)

// pending keeps a sign-in that is under way (a password that waits for its code, a
// visit to another provider) for a few minutes, each under a ticket of its own, so
// that tabs do not disturb each other. The browser holds the ticket, the store the
// rest, sealed with a key that is made of the ticket: neither alone says anything.
type pending struct {
	store SessionStore
	rand  io.Reader
	now   func() time.Time
	most  int // of a kind
}

// mostPending is how many sign-ins of a kind are kept in all: anybody may begin one.
const mostPending = 10_000

// pendingFull is how long the next one waits when there is no room.
const pendingFull = time.Minute

// errNoTicket says that a ticket is unknown, used or over.
var errNoTicket = errors.New("no such sign-in under way")

// put keeps v under a ticket. kind keeps tickets of one use from another. Errors are
// faults: store_unavailable, and login_throttled where too many are under way.
func (p pending) put(ctx context.Context, kind, ticket string, v any, life time.Duration) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("keep sign-in: %w", err)
	}
	seal, err := sealOf(kind, ticket)
	if err != nil {
		return err
	}
	nonce := make([]byte, seal.NonceSize())
	if _, err := io.ReadFull(p.rand, nonce); err != nil {
		return err
	}
	ok, err := p.store.BeginCtx(ctx, kind, rowOf(kind, ticket), seal.Seal(nonce, nonce, plain, nil), p.now().Add(life), p.most)
	switch {
	case err != nil:
		return fault.Wrap(fault.StoreUnavailable, err)
	case !ok:
		return fault.New(fault.LoginThrottled, "").WithMessage("Too many sign-ins are under way. Try again later.").WithRetryAfter(pendingFull)
	}
	return nil
}

// look reads what is kept; errNoTicket if there is nothing.
func (p pending) look(ctx context.Context, kind, ticket string, v any) error {
	if ticket == "" || len(ticket) > 128 {
		return errNoTicket
	}
	sealed, ok, err := p.store.FindCtx(ctx, rowOf(kind, ticket))
	if err != nil {
		return err
	}
	seal, err := sealOf(kind, ticket)
	if err != nil {
		return err
	}
	if !ok || len(sealed) < seal.NonceSize() {
		return errNoTicket
	}
	plain, err := seal.Open(nil, sealed[:seal.NonceSize()], sealed[seal.NonceSize():], nil)
	if err != nil {
		return errNoTicket
	}
	return json.Unmarshal(plain, v)
}

// drop ends a ticket.
func (p pending) drop(ctx context.Context, kind, ticket string) error {
	return p.store.DeleteCtx(ctx, rowOf(kind, ticket))
}

func rowOf(kind, ticket string) string {
	sum := sha256.Sum256([]byte("d2gate row " + kind + " " + ticket))
	return hex.EncodeToString(sum[:])
}

func sealOf(kind, ticket string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte("d2gate seal " + kind + " " + ticket))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// randomText is 256 random bits that may stand in a form, a cookie or a URL.
func randomText(r io.Reader) (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}
