package main

import (
	"net/http"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/respond"
	"github.com/d2gate/d2gate/oauth2server"
)

// pages answers for the pages that sign people in where there are none: nobody is
// signed in, and who asks is told so.
type pages struct{}

func (pages) SignedIn(*http.Request) (oauth2server.Owner, bool) { return oauth2server.Owner{}, false }

func (pages) SignIn(w http.ResponseWriter, r *http.Request) {
	respond.Refuse(w, r, fault.New(fault.CredentialMissing, ""), respond.Options{})
}

func (p pages) Consent(w http.ResponseWriter, r *http.Request, _ oauth2server.Question) {
	p.SignIn(w, r)
}

func (pages) Problem(w http.ResponseWriter, r *http.Request, e *oauth2server.Error) { e.Render(w, r) }

func (pages) Token(*http.Request) string { return "" }

func (pages) CheckToken(*http.Request, string) bool { return false }
