package oauth2server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// RegistryConfig of a Registry: the zero value of every optional field is a
// working default.
type RegistryConfig struct {
	Store   Store            // required
	Changed func()           // told after a change that may end tokens; nil means nobody
	Now     func() time.Time // nil means time.Now
	Rand    io.Reader        // nil means RandReader
}

// Registry keeps the clients: what the client API, the verbs and the pages do to
// them, they do here. It is safe for concurrent use.
type Registry struct {
	cfg     RegistryConfig
	secrets *secrets
}

// NewRegistry checks its configuration.
func NewRegistry(cfg RegistryConfig) (*Registry, error) {
	if cfg.Store == nil {
		return nil, errors.New("oauth2server: NewRegistry: Store is required")
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = RandReader
	}
	s, err := newSecrets()
	return &Registry{cfg, s}, err
}

// Draft is a client as it is asked for.
type Draft struct {
	UID          string // "" makes one
	Name         string
	CID          string
	Secret       string // exactly 36 characters; "" makes a public client, which needs PKCE
	GrantTypes   []string
	RedirectURIs []string
}

// List returns all clients, oldest first.
func (g *Registry) List(ctx context.Context) ([]Client, error) { return g.cfg.Store.Clients(ctx) }

// Find returns the client with a uid or, where there is none, with a client_id;
// ErrUnknown.
func (g *Registry) Find(ctx context.Context, id string) (Client, error) {
	c, err := g.cfg.Store.ClientByUID(ctx, id)
	if errors.Is(err, ErrUnknown) {
		return g.cfg.Store.ClientByCID(ctx, id)
	}
	return c, err
}

// Register stores a new client. Errors: *DraftError for what is wrong with d.
func (g *Registry) Register(ctx context.Context, by Owner, d Draft) (Client, error) {
	c := Client{UID: d.UID, Created: g.now(), CreatedBy: by}
	if c.UID == "" {
		var err error
		if c.UID, err = dhis2.NewUID(g.cfg.Rand); err != nil {
			return Client{}, fmt.Errorf("random: %w", err)
		}
	}
	d.UID = c.UID
	if err := g.take(ctx, &c, d, by); err != nil {
		return Client{}, err
	}
	if err := g.cfg.Store.PutClient(ctx, c); err != nil {
		return Client{}, g.explain(ctx, c, err)
	}
	return c, nil
}

// Change replaces what a client is registered with. A secret of "" keeps the one it
// has; forgetSecret makes it a public client. Its client_id stays: tokens belong to
// it. Errors: ErrUnknown, *DraftError.
func (g *Registry) Change(ctx context.Context, by Owner, uid string, d Draft, forgetSecret bool) (Client, error) {
	c, err := g.cfg.Store.ClientByUID(ctx, uid)
	if err != nil {
		return Client{}, err
	}
	if d.CID != "" && d.CID != c.CID {
		return Client{}, wrong(fixedCID(c.CID))
	}
	d.UID = "" // it is what it is
	if forgetSecret {
		c.SecretHash = ""
	}
	if err := g.take(ctx, &c, d, by); err != nil {
		return Client{}, err
	}
	if err := g.cfg.Store.UpdateClient(ctx, c); err != nil {
		return Client{}, g.explain(ctx, c, err)
	}
	g.cfg.Changed()
	return c, nil
}

// Rotate gives a client a new random secret, which is returned this once, and
// leaves its tokens alone; ErrUnknown.
func (g *Registry) Rotate(ctx context.Context, by Owner, id string) (Client, string, error) {
	c, err := g.Find(ctx, id)
	if err != nil {
		return Client{}, "", err
	}
	secret, err := g.NewSecret()
	if err != nil {
		return Client{}, "", err
	}
	d := Draft{Name: c.Name, CID: c.CID, Secret: secret, GrantTypes: c.GrantTypes, RedirectURIs: c.RedirectURIs}
	c, err = g.Change(ctx, by, c.UID, d, false)
	return c, secret, err
}

// Remove deletes a client with its codes, tokens and consents; ErrUnknown.
func (g *Registry) Remove(ctx context.Context, id string) (Client, error) {
	c, err := g.Find(ctx, id)
	if err != nil {
		return Client{}, err
	}
	if err := g.cfg.Store.DeleteClient(ctx, c.UID); err != nil {
		return Client{}, err
	}
	g.cfg.Changed()
	return c, nil
}

// NewSecret makes a client secret of DHIS2's form: a UUID of 36 characters.
func (g *Registry) NewSecret() (string, error) { return newUUID(g.cfg.Rand) }

// take puts a checked draft into c.
func (g *Registry) take(ctx context.Context, c *Client, d Draft, by Owner) error {
	if err := d.Check(); err != nil {
		return err
	}
	c.Name, c.CID, c.GrantTypes, c.RedirectURIs = d.Name, d.CID, d.GrantTypes, d.RedirectURIs
	c.LastUpdated, c.UpdatedBy = g.now(), by
	if d.Secret == "" {
		return nil
	}
	if c.SecretHash != "" {
		same, err := g.secrets.match(ctx, c.SecretHash, d.Secret)
		if err != nil || same {
			return err
		}
	}
	var err error
	c.SecretHash, err = HashSecret(d.Secret)
	return err
}

// explain says which property was taken.
func (g *Registry) explain(ctx context.Context, c Client, err error) error {
	if !errors.Is(err, ErrDuplicate) {
		return err
	}
	all, listErr := g.cfg.Store.Clients(context.WithoutCancel(ctx))
	if listErr != nil {
		return listErr
	}
	var out []dhis2.ErrorReport
	for _, other := range all {
		for _, p := range []struct{ name, mine, theirs string }{{"id", c.UID, other.UID}, {"cid", c.CID, other.CID}, {"name", c.Name, other.Name}} {
			if p.mine == p.theirs && (other.UID != c.UID || c.Created != other.Created) {
				out = append(out, taken(c, p.name, p.mine, other.UID))
			}
		}
	}
	if len(out) == 0 { // it has gone in between
		out = append(out, taken(c, "cid", c.CID, ""))
	}
	return wrong(out...)
}

// now has the precision that is stored: milliseconds.
func (g *Registry) now() time.Time { return g.cfg.Now().UTC().Truncate(time.Millisecond) }
