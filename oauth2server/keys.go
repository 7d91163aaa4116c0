package oauth2server

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Keys are the signing keys of access tokens that are JWTs. They live in the
// store, sealed, so that a restart and other replicas keep them. A new key is
// published for Publish before it signs, an old one until its last token has
// expired.
type Keys struct {
	cfg  KeysConfig
	seal cipher.AEAD

	mu   sync.RWMutex
	keys []signingKey // newest first
}

// KeysConfig of Keys. Store, Seal and Rand are required.
type KeysConfig struct {
	Store   Store
	Seal    [32]byte // AES-256 key that the stored keys are sealed with
	Rand    io.Reader
	Now     func() time.Time // nil means time.Now
	Rotate  time.Duration    // a new key every; 0 means 90 days
	Publish time.Duration    // 0 means one hour
	Retire  time.Duration    // kept after its successor signs; 0 means 24 hours
}

type signingKey struct {
	id      string
	key     *rsa.PrivateKey
	created time.Time
}

// OpenKeys reads the keys, and makes the first one if there is none.
func OpenKeys(ctx context.Context, cfg KeysConfig) (*Keys, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	for _, d := range []struct {
		at    *time.Duration
		value time.Duration
	}{{&cfg.Rotate, 90 * 24 * time.Hour}, {&cfg.Publish, time.Hour}, {&cfg.Retire, 24 * time.Hour}} {
		if *d.at == 0 {
			*d.at = d.value
		}
	}
	block, err := aes.NewCipher(cfg.Seal[:])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	k := &Keys{cfg: cfg, seal: gcm}
	return k, k.Refresh(ctx)
}

// Refresh reads the keys again, adds one when the newest is old, and drops those
// that nothing needs any more. Called at start and every few minutes.
func (k *Keys) Refresh(ctx context.Context) error {
	keys, err := k.load(ctx)
	if err != nil {
		return err
	}
	now := k.cfg.Now()
	if len(keys) == 0 || now.Sub(keys[0].created) >= k.cfg.Rotate {
		fresh, err := k.make(ctx, now)
		if err != nil {
			return err
		}
		keys = append([]signingKey{fresh}, keys...)
	}
	keys, err = k.retire(ctx, keys, now)
	k.mu.Lock()
	k.keys = keys
	k.mu.Unlock()
	return err
}

func (k *Keys) load(ctx context.Context) ([]signingKey, error) {
	stored, err := k.cfg.Store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	var keys []signingKey
	for _, s := range stored {
		n := k.seal.NonceSize()
		if len(s.Sealed) < n {
			return nil, fmt.Errorf("signing key %s is cut off", s.ID)
		}
		der, err := k.seal.Open(nil, s.Sealed[:n], s.Sealed[n:], []byte(s.ID))
		if err != nil {
			return nil, fmt.Errorf("open signing key %s: %w", s.ID, err)
		}
		parsed, err := x509.ParsePKCS8PrivateKey(der)
		key, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("signing key %s is no RSA key", s.ID)
		}
		keys = append(keys, signingKey{s.ID, key, s.Created})
	}
	return keys, nil
}

func (k *Keys) make(ctx context.Context, now time.Time) (signingKey, error) {
	key, err := rsa.GenerateKey(k.cfg.Rand, 2048)
	if err != nil {
		return signingKey{}, fmt.Errorf("make signing key: %w", err)
	}
	thumb, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return signingKey{}, err
	}
	id := base64.RawURLEncoding.EncodeToString(thumb)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return signingKey{}, err
	}
	nonce := make([]byte, k.seal.NonceSize())
	if _, err := io.ReadFull(k.cfg.Rand, nonce); err != nil {
		return signingKey{}, fmt.Errorf("random: %w", err)
	}
	sealed := k.seal.Seal(nonce, nonce, der, []byte(id))
	if err := k.cfg.Store.PutSigningKey(ctx, StoredKey{ID: id, Sealed: sealed, Created: now}); err != nil {
		return signingKey{}, fmt.Errorf("store signing key: %w", err)
	}
	return signingKey{id, key, now}, nil
}

// retire drops every key whose successor has signed for longer than Retire.
func (k *Keys) retire(ctx context.Context, keys []signingKey, now time.Time) ([]signingKey, error) {
	for i := 1; i < len(keys); i++ {
		if now.Sub(keys[i-1].created) < k.cfg.Publish+k.cfg.Retire {
			continue
		}
		for _, old := range keys[i:] {
			if err := k.cfg.Store.DeleteSigningKey(ctx, old.id); err != nil {
				return keys, fmt.Errorf("drop signing key: %w", err)
			}
		}
		return keys[:i], nil
	}
	return keys, nil
}

// signer is the newest key that has been published long enough, else the oldest.
func (k *Keys) signer() (signingKey, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	now := k.cfg.Now()
	for _, s := range k.keys {
		if now.Sub(s.created) >= k.cfg.Publish {
			return s, nil
		}
	}
	if len(k.keys) == 0 {
		return signingKey{}, errors.New("there is no signing key")
	}
	return k.keys[len(k.keys)-1], nil
}

// public is the key set as published.
func (k *Keys) public() jose.JSONWebKeySet {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var set jose.JSONWebKeySet
	for _, s := range k.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.key.Public(), KeyID: s.id, Algorithm: string(jose.RS256), Use: "sig"})
	}
	return set
}

// JWKS serves /oauth2/jwks (RFC 7517).
func (s *Server) JWKS(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*") // public keys
	writePublic(w, r, s.cfg.Keys.public())
	return nil
}

// accessText is the text of an access token: a UUID, or a JWT of RFC 9068. Both
// are looked up when they come back; the JWT lets others read it too. Its issuer
// and key are not those of the upstream identity: neither side takes the other's.
func (s *Server) accessText(_ context.Context, a Access, asJWT bool) (string, error) {
	if !asJWT {
		return s.newUUID()
	}
	k, err := s.cfg.Keys.signer()
	if err != nil {
		return "", err
	}
	opts := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: k.key}, opts)
	if err != nil {
		return "", err
	}
	jti, err := s.newUUID()
	if err != nil {
		return "", err
	}
	text, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": s.cfg.Issuer, "sub": a.Owner.subject(), "aud": s.cfg.Issuer, "client_id": a.ClientCID, "username": a.Owner.Username,
		"scope": a.Scope, "jti": jti, "iat": a.Issued.Unix(), "exp": a.Expires.Unix(),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign access token: %w", err)
	}
	return text, nil
}
