package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
)

// tokenService is what the verbs ask: a running d2gate, or the store itself.
type tokenService interface {
	create(ctx context.Context, n newToken) (madeToken, error)
	list(ctx context.Context, user string) ([]tokenView, error)
	show(ctx context.Context, name string) (tokenView, error)
	edit(ctx context.Context, name string, e editToken) (tokenView, error)
	rotate(ctx context.Context, name string, how rotateToken) (madeToken, error)
	revoke(ctx context.Context, name string) (tokenView, error)
	inspect(ctx context.Context, text string) (inspection, error)
	adopt(ctx context.Context, a adoption) (importResult, error)
}

// tokenRoutes answers the verbs of a remoteTokens.
func tokenRoutes(mux *http.ServeMux, t tokenService) {
	mux.HandleFunc("GET /tokens", adminHandler(func(r *http.Request) ([]tokenView, error) {
		return t.list(r.Context(), r.URL.Query().Get("user"))
	}))
	mux.HandleFunc("POST /tokens", adminHandler(func(r *http.Request) (madeToken, error) {
		var n newToken
		if err := decodeAdmin(r, &n); err != nil {
			return madeToken{}, err
		}
		return t.create(r.Context(), n)
	}))
	mux.HandleFunc("GET /tokens/{name}", adminHandler(func(r *http.Request) (tokenView, error) {
		return t.show(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("PATCH /tokens/{name}", adminHandler(func(r *http.Request) (tokenView, error) {
		var e editToken
		if err := decodeAdmin(r, &e); err != nil {
			return tokenView{}, err
		}
		return t.edit(r.Context(), r.PathValue("name"), e)
	}))
	mux.HandleFunc("DELETE /tokens/{name}", adminHandler(func(r *http.Request) (tokenView, error) {
		return t.revoke(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("POST /tokens/{name}/rotate", adminHandler(func(r *http.Request) (madeToken, error) {
		var how rotateToken
		if err := decodeAdmin(r, &how); err != nil {
			return madeToken{}, err
		}
		return t.rotate(r.Context(), r.PathValue("name"), how)
	}))
	mux.HandleFunc("POST /import", adminHandler(func(r *http.Request) (importResult, error) {
		var a adoption
		if err := decodeAdmin(r, &a); err != nil {
			return importResult{}, err
		}
		return t.adopt(r.Context(), a)
	}))
	mux.HandleFunc("POST /inspect", adminHandler(func(r *http.Request) (inspection, error) {
		var text string
		if err := decodeAdmin(r, &text); err != nil {
			return inspection{}, errors.New("no text was sent")
		}
		return t.inspect(r.Context(), text)
	}))
}

// remoteTokens asks a running d2gate.
type remoteTokens struct{ *remote }

func (r remoteTokens) create(ctx context.Context, n newToken) (made madeToken, err error) {
	return made, r.call(ctx, http.MethodPost, "/tokens", n, &made)
}

func (r remoteTokens) list(ctx context.Context, user string) (list []tokenView, err error) {
	return list, r.call(ctx, http.MethodGet, "/tokens?user="+url.QueryEscape(user), nil, &list)
}

func (r remoteTokens) show(ctx context.Context, name string) (v tokenView, err error) {
	return v, r.call(ctx, http.MethodGet, tokenPath(name), nil, &v)
}

func (r remoteTokens) edit(ctx context.Context, name string, e editToken) (v tokenView, err error) {
	return v, r.call(ctx, http.MethodPatch, tokenPath(name), e, &v)
}

func (r remoteTokens) rotate(ctx context.Context, name string, how rotateToken) (made madeToken, err error) {
	return made, r.call(ctx, http.MethodPost, tokenPath(name)+"/rotate", how, &made)
}

func (r remoteTokens) revoke(ctx context.Context, name string) (v tokenView, err error) {
	return v, r.call(ctx, http.MethodDelete, tokenPath(name), nil, &v)
}

func (r remoteTokens) inspect(ctx context.Context, text string) (seen inspection, err error) {
	return seen, r.call(ctx, http.MethodPost, "/inspect", text, &seen)
}

func (r remoteTokens) adopt(ctx context.Context, a adoption) (done importResult, err error) {
	for len(a.Rows) > 0 { // a request of the socket has a limit
		n := min(len(a.Rows), 1000)
		var some importResult
		if err := r.call(ctx, http.MethodPost, "/import", adoption{a.Rows[:n], a.DryRun}, &some); err != nil {
			return done, err
		}
		done.Imported, done.Known, done.Expired = done.Imported+some.Imported, done.Known+some.Known, done.Expired+some.Expired
		done.Refused = append(done.Refused, some.Refused...)
		a.Rows = a.Rows[n:]
	}
	return done, nil
}

func tokenPath(name string) string { return "/tokens/" + url.PathEscape(name) }
