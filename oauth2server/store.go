package oauth2server

import (
	"context"
	"errors"
	"time"
)

// Client is a registered client.
type Client struct {
	UID          string
	Name         string
	CID          string // client_id on the wire
	SecretHash   string // "" for a public client; see secret.go
	GrantTypes   []string
	RedirectURIs []string
	Created      time.Time
	LastUpdated  time.Time
	CreatedBy    Owner
	UpdatedBy    Owner
	Sharing      string // JSON object; "" means public to those with the authority
}

// Public reports whether the client has no secret: it must prove each code with
// PKCE (RFC 8252 8.1).
func (c Client) Public() bool { return c.SecretHash == "" }

// Code is an authorization code; Hash is the hex SHA-256 of its text.
type Code struct {
	Hash      string
	ClientCID string
	Redirect  string // the URI the answer went to
	Asked     bool   // redirect_uri was a parameter of authorize
	Challenge string // S256, "" if none
	Owner     Owner
	Scope     string
	Family    string // of the tokens that it will be spent for
	Expires   time.Time
}

// Access is an access token as stored; Hash is the hex SHA-256 of its text.
type Access struct {
	ID        string // uid that logs name
	Hash      string
	Family    string
	ClientCID string
	Owner     Owner
	Scope     string
	Issued    time.Time
	Expires   time.Time
}

// Refresh is a refresh token as stored. Expires is that of the whole family.
type Refresh struct {
	Hash      string
	Parent    string // hash of the token that it replaced; "" for the first
	Family    string
	ClientCID string
	Owner     Owner
	Scope     string
	Expires   time.Time
}

// Issued is what one token request stores, in one transaction.
type Issued struct {
	Access  Access
	Refresh *Refresh // nil if the client may not refresh
}

// Mint makes new tokens. It is called at most once, when what they are given for
// has been spent. Storing them fails with ErrSpent if their family was revoked.
type Mint func() (Issued, error)

// The errors of a Store.
var (
	ErrUnknown   = errors.New("no such entry")
	ErrSpent     = errors.New("already spent")
	ErrDuplicate = errors.New("an entry with this key exists")
)

// Store answers what this package asks of storage. Implementations are safe for
// concurrent use; store/storetest is their specification. Every write is durable
// when the method returns nil. Expired rows count as unknown once purged, and
// callers check Expires themselves.
type Store interface {
	// Clients.
	ClientByCID(ctx context.Context, cid string) (Client, error) // ErrUnknown
	ClientByUID(ctx context.Context, uid string) (Client, error) // ErrUnknown
	Clients(ctx context.Context) ([]Client, error)               // by (Created, UID)
	PutClient(ctx context.Context, c Client) error               // ErrDuplicate on uid, cid or name
	UpdateClient(ctx context.Context, c Client) error            // ErrUnknown, ErrDuplicate
	// DeleteClient removes the client, its codes, tokens and consents; ErrUnknown.
	DeleteClient(ctx context.Context, uid string) error

	PutCode(ctx context.Context, c Code) error
	// CodeByHash returns an unspent code that belongs to clientCID and has this
	// challenge. ErrUnknown; ErrSpent together with the code, whose family the caller
	// revokes.
	CodeByHash(ctx context.Context, hash, clientCID, challenge string) (Code, error)
	// Redeem spends the code in one atomic statement, then mints, then stores what was
	// minted, all or nothing in one transaction. Of concurrent calls one succeeds and
	// the others get ErrSpent. A nil mint only spends.
	Redeem(ctx context.Context, hash string, now time.Time, mint Mint) error

	// RefreshByHash returns a refresh token and when it was spent (zero if live);
	// ErrUnknown.
	RefreshByHash(ctx context.Context, hash string) (r Refresh, spent time.Time, err error)
	// Succeeded reports whether one of the refresh tokens that replaced this one was
	// used itself.
	Succeeded(ctx context.Context, hash string) (bool, error)
	// Rotate is Redeem for a refresh token. The access tokens of the parent live on
	// until their own expiry.
	Rotate(ctx context.Context, hash string, now time.Time, mint Mint) error
	// Issue mints and stores without spending anything.
	Issue(ctx context.Context, mint Mint) error
	AccessByHash(ctx context.Context, hash string) (Access, error) // ErrUnknown
	// RevokeFamily ends every token and code of a family; nil if there is none.
	RevokeFamily(ctx context.Context, family string) error
	// RevokeAccess ends one access token; nil if there is none.
	RevokeAccess(ctx context.Context, hash string) error
	// RevokeOwner ends all tokens of a user and forgets what they consented to; n says
	// how many families ended.
	RevokeOwner(ctx context.Context, username string) (n int, err error)

	// Consent that was remembered.
	Consented(ctx context.Context, username, clientCID, scope, redirect string) (bool, error)
	PutConsent(ctx context.Context, username, clientCID, scope, redirect string, at time.Time) error

	// SigningKeys are PEM texts, sealed by the caller, newest first.
	SigningKeys(ctx context.Context) ([]StoredKey, error)
	PutSigningKey(ctx context.Context, k StoredKey) error
	DeleteSigningKey(ctx context.Context, id string) error

	// Purge removes what expired before and returns how many rows went.
	Purge(ctx context.Context, before time.Time) (int64, error)
}

// StoredKey is a signing key as stored.
type StoredKey struct {
	ID      string
	Sealed  []byte
	Created time.Time
}
