package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/audit"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/pat"
	"github.com/d2gate/d2gate/proxy"
)

// asked is a request that somebody thinks of. Of its credential no secret is
// needed: a token by uid or name, or a kind and a user.
type asked struct {
	Method     string      `json:"method"`
	Target     string      `json:"target"`
	Header     http.Header `json:"header,omitempty"` // of a curl line; may hold a credential, is never shown
	Token      string      `json:"token,omitempty"`
	Credential string      `json:"credential,omitempty"` // none, basic, oauth2 or session
	User       string      `json:"user,omitempty"`
	From       string      `json:"from,omitempty"` // client address; "" means this machine
}

// explainAsked answers about a request that was not made, by the policy in force.
// Nothing is counted and nothing is forwarded; no password is tried.
func (g *gateway) explainAsked(r *http.Request) (explanation, error) {
	var a asked
	if err := decodeAdmin(r, &a); err != nil {
		return explanation{}, err
	}
	c, err := g.caseOf(r.Context(), a)
	if err != nil {
		return explanation{}, err
	}
	return g.explained(c), nil
}

// explainMade answers about a request that was made: the last refusal, or by its
// id among those that are kept with their facts, else from the audit log.
func (g *gateway) explainMade(r *http.Request) (explanation, error) {
	id := r.PathValue("id")
	var kept *refusal
	if id == "last" {
		if kept = g.refusals.last(); kept == nil {
			return explanation{}, errors.New("nothing was refused since the start")
		}
	} else {
		kept = g.refusals.find(id)
	}
	if kept != nil {
		x := g.explained(kept.request)
		x.made(kept.event)
		return x, nil
	}
	return g.explainLogged(r.Context(), id)
}

// explainLogged answers from the audit log, which holds no query and no referrer.
func (g *gateway) explainLogged(ctx context.Context, id string) (explanation, error) {
	line, ok, err := g.logged(ctx, id)
	if err != nil {
		return explanation{}, err
	}
	if !ok {
		return explanation{}, fmt.Errorf("no request %s in the audit log", id)
	}
	a := asked{Method: line.Method, Target: line.Path, From: line.Client, Token: line.Token}
	if line.Token == "" && line.User != "" {
		a.Credential, a.User = string(proxy.BasicCredential), line.User
	}
	c, err := g.caseOf(ctx, a)
	if errors.Is(err, pat.ErrUnknown) { // revoked since
		a.Token, a.Credential, a.User = "", string(proxy.PATCredential), line.User
		c, err = g.caseOf(ctx, a)
		c.Refused = fault.New(fault.TokenUnknown, "").WithDetail("the token " + line.Token + " was revoked since")
	}
	if err != nil {
		return explanation{}, err
	}
	x := g.explained(c)
	x.made(eventOf(line))
	return x, nil
}

// logged finds the line of a request: in the file of this process, else in the
// store, which has those of every replica.
func (g *gateway) logged(ctx context.Context, id string) (line audit.Entry, ok bool, err error) {
	at := &place{cfg: g.inForce.Load()}
	if path, none := at.auditLog(); none == nil {
		line, ok, err = audit.ByRequestID(path, id)
	}
	if err != nil || ok || !at.auditStore() {
		return line, ok, err
	}
	return g.store.AuditEvent(ctx, id)
}

// caseOf puts a request into the policy's words: it finds out whose the credential
// is, and whether it would be refused before the policy is asked.
func (g *gateway) caseOf(ctx context.Context, a asked) (proxy.Case, error) {
	from := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if a.From != "" {
		var err error
		if from, err = netip.ParseAddr(a.From); err != nil || from.Zone() != "" {
			return proxy.Case{}, usage("--from: %q is no address", a.From)
		}
	}
	policy := g.proxy.Policy()
	client, err := policy.Proxies.Client(from.Unmap(), a.Header)
	c := proxy.Case{At: g.now(), Method: a.Method, Target: a.Target, From: client, Header: a.Header, Length: -1, Refused: fault.From(err)}
	if c.Refused != nil {
		return c, nil
	}
	switch {
	case a.Token != "":
		r, err := g.tokens.find(ctx, a.Token)
		if err != nil {
			return c, err
		}
		c.Principal = proxy.TokenPrincipal(&r)
	case a.Credential != "":
		c.Principal = proxy.Principal{Kind: proxy.CredentialKind(a.Credential), Username: a.User}
	default:
		g.credentialOf(ctx, a.Header, &c)
	}
	if c.Principal.Token != nil && c.Refused == nil {
		c.Refused = fault.From(g.users.Check(ctx, c.Principal.User()))
	}
	return c, nil
}

// credentialOf reads the Authorization line of a curl line. A token is looked up
// as in a request; of Basic only the name is read.
func (g *gateway) credentialOf(ctx context.Context, h http.Header, c *proxy.Case) {
	credential, err := proxy.ParseCredential(h)
	c.Principal.Kind, c.Refused = credential.Kind, fault.From(err)
	if c.Refused != nil {
		return
	}
	line := h.Get("Authorization")
	switch credential.Kind {
	case proxy.PATCredential:
		text, _, _ := pat.ParseHeader(line) // read once already
		r, err := g.verifier.Verify(ctx, text)
		if err != nil {
			c.Refused = fault.From(err)
			return
		}
		c.Principal = proxy.TokenPrincipal(r)
	case proxy.BasicCredential:
		c.Principal.Username = basicName(line)
	case proxy.OAuth2Credential:
		c.Refused = fault.New(fault.TokenUnknown, "").WithScheme(fault.Bearer)
	}
}

// basicName is the user name in a Basic line (RFC 7617 2).
func basicName(line string) string {
	_, encoded, _ := strings.Cut(line, " ")
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(string(text), ":")
	return name
}

// explained asks the policy and puts what it knows of the token beside it.
func (g *gateway) explained(c proxy.Case) explanation {
	e := g.proxy.Policy().Explain(c)
	path, _, _ := strings.Cut(c.Target, "?")
	x := explanation{
		Method: c.Method, Path: path, Kind: string(c.Principal.Kind), User: c.Principal.Username, Route: e.Route, Decision: "allow",
		Compat: e.Compat, Fixes: unique(e.Fixes), file: g.inForce.Load().File, strict: g.proxy.Policy().Strict,
	}
	if c.From.IsValid() {
		x.From = c.From.String()
	}
	if c.Principal.Token != nil {
		v := g.tokens.view(*c.Principal.Token)
		x.Token = &v
	}
	for _, k := range e.Checks {
		x.Steps = append(x.Steps, step{Name: k.Name, OK: k.OK, Detail: k.Words, Reason: k.Reason, Decided: k.Decided})
	}
	if e.Told != nil {
		x.refuse(e.Told)
	}
	x.command()
	return x
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" && !containsFold(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// eventOf is a line of the log as an event.
func eventOf(e audit.Entry) audit.Event {
	at, _ := time.Parse(time.RFC3339, e.Time) // our own line; the zero time shows as such
	return audit.Event{
		Time: at, RequestID: e.RequestID, Client: e.Client, Token: e.Token, User: e.User, Method: e.Method, Path: e.Path, Route: e.Route,
		Decision: e.Decision, Reason: e.Reason, Failed: e.Failed, UpstreamStatus: e.UpstreamStatus,
		Duration: time.Duration(e.DurationMs * float64(time.Millisecond)),
	}
}
