package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/d2gate/d2gate/oauth2server"
)

// clientService is what the verbs of d2gate client ask: a running d2gate, or the
// store itself.
type clientService interface {
	create(ctx context.Context, n newClient) (madeClient, error)
	list(ctx context.Context) ([]clientView, error)
	rotate(ctx context.Context, name string) (madeClient, error)
	revoke(ctx context.Context, name string) (clientView, error)
	adopt(ctx context.Context, a clientAdoption) (clientImportResult, error)
}

// newClient is a client to be registered.
type newClient struct {
	CID          string   `json:"cid"`
	Name         string   `json:"name,omitempty"` // "" means the cid
	Secret       string   `json:"secret,omitempty"`
	Public       bool     `json:"public,omitempty"`
	GrantTypes   []string `json:"grantTypes"`
	RedirectURIs []string `json:"redirectUris,omitempty"`
}

// clientView is a client as the operator sees it: everything but its secret.
type clientView struct {
	UID          string    `json:"uid"`
	CID          string    `json:"cid"`
	Name         string    `json:"name"`
	Public       bool      `json:"public"` // has no secret, needs PKCE
	GrantTypes   []string  `json:"grantTypes"`
	RedirectURIs []string  `json:"redirectUris"`
	Created      time.Time `json:"created"`
	LastUpdated  time.Time `json:"lastUpdated"`
	UpdatedBy    string    `json:"updatedBy,omitempty"`
}

// madeClient is the answer that shows a secret, once.
type madeClient struct {
	clientView
	Secret string `json:"secret,omitempty"` // "" for a public client, and for a secret that was sent
}

func viewOfClient(c oauth2server.Client) clientView {
	return clientView{
		UID: c.UID, CID: c.CID, Name: c.Name, Public: c.Public(), GrantTypes: slices.Clone(c.GrantTypes), RedirectURIs: slices.Clone(c.RedirectURIs),
		Created: c.Created, LastUpdated: c.LastUpdated, UpdatedBy: c.UpdatedBy.Username,
	}
}

// clients does it on the registry.
type clients struct{ registry *oauth2server.Registry }

// byOperator stands for whoever can open the admin socket or the store.
var byOperator = oauth2server.Owner{Name: "operator"}

func (c clients) create(ctx context.Context, n newClient) (madeClient, error) {
	var made madeClient
	if n.Name == "" {
		n.Name = n.CID
	}
	secret := n.Secret
	if secret == "" && !n.Public {
		var err error
		if secret, err = c.registry.NewSecret(); err != nil {
			return made, err
		}
		made.Secret = secret
	}
	r, err := c.registry.Register(ctx, byOperator, oauth2server.Draft{Name: n.Name, CID: n.CID, Secret: secret, GrantTypes: n.GrantTypes, RedirectURIs: n.RedirectURIs})
	if err != nil {
		return madeClient{}, err
	}
	made.clientView = viewOfClient(r)
	return made, nil
}

func (c clients) list(ctx context.Context) ([]clientView, error) {
	all, err := c.registry.List(ctx)
	out := make([]clientView, len(all))
	for i := range all {
		out[i] = viewOfClient(all[i])
	}
	return out, err
}

func (c clients) rotate(ctx context.Context, name string) (madeClient, error) {
	r, secret, err := c.registry.Rotate(ctx, byOperator, name)
	return madeClient{viewOfClient(r), secret}, namedClient(err, name)
}

func (c clients) revoke(ctx context.Context, name string) (clientView, error) {
	r, err := c.registry.Remove(ctx, name)
	return viewOfClient(r), namedClient(err, name)
}

func namedClient(err error, name string) error {
	if errors.Is(err, oauth2server.ErrUnknown) {
		return fmt.Errorf("no client with the client_id or uid %q", name)
	}
	return err
}

// clientRoutes answers the verbs of a remoteClients.
func clientRoutes(mux *http.ServeMux, c clientService) {
	mux.HandleFunc("GET /clients", adminHandler(func(r *http.Request) ([]clientView, error) { return c.list(r.Context()) }))
	mux.HandleFunc("POST /clients", adminHandler(func(r *http.Request) (madeClient, error) {
		var n newClient
		if err := decodeAdmin(r, &n); err != nil {
			return madeClient{}, err
		}
		return c.create(r.Context(), n)
	}))
	mux.HandleFunc("POST /clients/{name}/rotate", adminHandler(func(r *http.Request) (madeClient, error) {
		return c.rotate(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("DELETE /clients/{name}", adminHandler(func(r *http.Request) (clientView, error) {
		return c.revoke(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("POST /client-import", adminHandler(func(r *http.Request) (clientImportResult, error) {
		var a clientAdoption
		if err := decodeAdmin(r, &a); err != nil {
			return clientImportResult{}, err
		}
		return c.adopt(r.Context(), a)
	}))
}

// remoteClients asks a running d2gate.
type remoteClients struct{ *remote }

func (r remoteClients) create(ctx context.Context, n newClient) (made madeClient, err error) {
	return made, r.call(ctx, http.MethodPost, "/clients", n, &made)
}

func (r remoteClients) list(ctx context.Context) (list []clientView, err error) {
	return list, r.call(ctx, http.MethodGet, "/clients", nil, &list)
}

func (r remoteClients) rotate(ctx context.Context, name string) (made madeClient, err error) {
	return made, r.call(ctx, http.MethodPost, "/clients/"+url.PathEscape(name)+"/rotate", nil, &made)
}

func (r remoteClients) revoke(ctx context.Context, name string) (v clientView, err error) {
	return v, r.call(ctx, http.MethodDelete, "/clients/"+url.PathEscape(name), nil, &v)
}

func (r remoteClients) adopt(ctx context.Context, a clientAdoption) (done clientImportResult, err error) {
	return done, r.call(ctx, http.MethodPost, "/client-import", a, &done)
}
