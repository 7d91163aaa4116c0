package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/internal/identity"
)

// checked is one thing that dhis2 check looked at.
type checked struct {
	What   string `json:"what"`
	Result string `json:"result"` // ok, failed, or skipped
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"`
}

// Limits of what DHIS2 takes (contract 2.3).
const (
	issuerTime = 500 * time.Millisecond // in which discovery and keys must answer
	clockSkew  = 30 * time.Second       // a JWT lives for 60 s
)

// dhis2Check asks the running d2gate: its keys, its place in the network and its
// sessions are what counts.
func (p *program) dhis2Check() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Ask DHIS2 whether a running d2gate can sign in there", Args: cobra.NoArgs,
		Long: "Has a running d2gate try each way in which it signs in to DHIS2: that DHIS2 answers and its clock agrees, that\n" +
			"discovery and keys are served, that each identity is taken for whom it should be, and that accounts can be seen.\n" +
			"Nothing is changed. Exits with 1 when something failed.",
	}
	file := configFlag(c)
	user := c.Flags().String("user", "", "whom the identity jwt is tried with (default: the account of users.state.as)")
	o := outputFlag(c, "table", "json", "yaml", "name")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := o.check(); err != nil {
			return err
		}
		server, err := p.running(*file)
		if err != nil {
			return err
		}
		var found []checked
		if err := server.call(c.Context(), http.MethodPost, "/dhis2/check", map[string]string{"user": *user}, &found); err != nil {
			return err
		}
		if err := p.print(o, findingsView(found)); err != nil {
			return err
		}
		for _, f := range found {
			if f.Result == "failed" {
				return &exitError{code: exitFailed}
			}
		}
		return nil
	}
	return c
}

func findingsView(found []checked) view {
	var failed []string
	for _, f := range found {
		if f.Result == "failed" {
			failed = append(failed, f.What)
		}
	}
	return view{data: found, names: failed, table: func(w io.Writer) {
		for _, f := range found {
			row(w, f.Result, f.What, f.Detail)
			if f.Advice != "" {
				row(w, "", "", "-> "+f.Advice)
			}
		}
	}}
}

// checkDHIS2 answers the verb in the running d2gate.
func (g *gateway) checkDHIS2(r *http.Request) ([]checked, error) {
	var asked map[string]string
	if err := decodeAdmin(r, &asked); err != nil {
		return nil, err
	}
	cfg, ids := g.inForce.Load(), g.users.current.Load()
	c := checking{cfg: cfg, ids: ids, user: cmp.Or(asked["user"], stateUser(cfg)), now: g.now,
		server: identity.Server{URL: cfg.Upstream.URL, Transport: identity.NewTransport(cfg.Upstream.ConnectTimeout), Timeout: 10 * time.Second}}
	ctx := r.Context()
	found := []checked{c.reach(ctx)}
	if ids.issuer != nil {
		found = append(found, c.issuer(ctx))
	}
	if found[0].Result == "failed" {
		return found, nil // the rest could only say the same
	}
	for _, i := range everyIdentity(cfg) {
		found = append(found, c.identity(ctx, i))
	}
	return append(found, c.state(ctx)), nil
}

func stateUser(cfg *config.Config) string {
	if as := cfg.Users.State.AsIdentity; as != nil {
		return as.Username
	}
	return ""
}

// checking is one run of dhis2 check.
type checking struct {
	cfg    *config.Config
	ids    *identities
	user   string // whom jwt is tried with, "" if nobody was named
	server identity.Server
	now    func() time.Time
}

// failed tells what the operator should know of a fault, without what callers hear.
func failed(what string, err error, advice string) checked {
	detail := err.Error()
	if f := fault.From(err); f != nil {
		if inner := errors.Unwrap(f); inner != nil {
			detail = inner.Error()
		} else if f.Detail != "" {
			detail = f.Detail
		}
	}
	return checked{what, "failed", detail, advice}
}

func (c checking) reach(ctx context.Context) checked {
	what := "DHIS2 at " + c.cfg.Upstream.URL.Redacted()
	there, err := c.server.Clock(ctx)
	switch skew := there.Sub(c.now()); {
	case err != nil:
		return failed(what, err, "does upstream.url reach DHIS2 from this machine?")
	case there.IsZero():
		return checked{what, "ok", "answers, and does not say what time it is there", ""}
	case skew.Abs() > clockSkew:
		return failed(what, fmt.Errorf("its clock differs by %s", skew.Round(time.Second)), "keep both clocks by NTP: a JWT is good for a minute")
	}
	return checked{what, "ok", "answers, and its clock agrees", ""}
}

// issuer reads discovery and keys as DHIS2 does, from here.
func (c checking) issuer(ctx context.Context) checked {
	jwt, _ := jwtIdentity(c.cfg)
	issuer := issuerURL(c.cfg, jwt)
	what, advice := "issuer "+issuer, "DHIS2 itself must get this answer: set upstream.identity.issuer to an address under which it reaches d2gate"
	var discovery struct {
		Issuer string
		JWKS   string `json:"jwks_uri"`
	}
	if err := readJSON(ctx, issuer+"/.well-known/openid-configuration", &discovery); err != nil {
		return failed(what, err, advice)
	}
	if discovery.Issuer != issuer {
		return failed(what, fmt.Errorf("discovery there is of the issuer %s", discovery.Issuer), advice)
	}
	var keys struct{ Keys []json.RawMessage }
	if err := readJSON(ctx, discovery.JWKS, &keys); err != nil {
		return failed(what, err, advice)
	}
	if len(keys.Keys) == 0 {
		return failed(what, errors.New("no keys at "+discovery.JWKS), advice)
	}
	return checked{what, "ok", "discovery and keys are read from here within 500 ms; DHIS2 must reach them too", ""}
}

func readJSON(ctx context.Context, url string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, issuerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: identity.NewTransport(issuerTime)}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", url, resp.StatusCode)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(into)
}

func (c checking) identity(ctx context.Context, i config.Identity) checked {
	what := "identity " + nameOf(i) + ", " + i.Mode
	who := i.Username
	switch i.Mode {
	case "jwt":
		if who = cmp.Or(i.Username, c.user); who == "" {
			return checked{what, "skipped", "nobody to try it with", "d2gate dhis2 check --user NAME"}
		}
	case "basic":
	case "pat":
		return checked{what, "skipped", "a token is made at each user's own sign-in", ""}
	default:
		return checked{what, "skipped", "d2gate does not sign in", ""}
	}
	name, err := c.server.WhoAmI(ctx, identity.Account{As: c.ids.upstreams[i.Name], User: identity.User{Username: who}})
	switch {
	case err != nil:
		return failed(what, err, advice(c.cfg, i, err))
	case name != who:
		return failed(what, fmt.Errorf("DHIS2 takes %s for %s", who, name), "mapping_claim in dhis.conf must name the user")
	}
	return checked{what, "ok", "DHIS2 takes it for " + name, ""}
}

// advice says what to change, by DHIS2's own words (contract 2.3).
func advice(cfg *config.Config, i config.Identity, err error) string {
	if i.Mode == "basic" {
		return "is the password right, and does the account hold no dangerous authority?"
	}
	lines := "d2gate dhis2 setup prints the lines; DHIS2 needs a restart after a change"
	switch text := err.Error(); {
	case strings.Contains(text, "Invalid issuer"), strings.Contains(text, "Missing issuer"):
		return "issuer_uri in dhis.conf must be " + issuerURL(cfg, i) + ": " + lines
	case strings.Contains(text, "Invalid audience"):
		return "client_id in dhis.conf must be " + i.Audience + ": " + lines
	case strings.Contains(text, "no matching DHIS2 user"):
		return "is there such a user? mapping_claim in dhis.conf must be username (before 2.42 the user's openId is looked up): " + lines
	case strings.Contains(text, "Unable to") || strings.Contains(text, "An error occurred"):
		return "DHIS2 could not read discovery or keys at " + issuerURL(cfg, i) + " within 500 ms"
	}
	return "oidc.jwt.token.authentication.enabled = on must be in dhis.conf, and the provider with it: " + lines
}

// state asks for an account as users.state.as does.
func (c checking) state(ctx context.Context) checked {
	const what = "users.state.as"
	if c.cfg.Users.State.AsIdentity == nil || c.cfg.Upstream.Identity.Mode == "none" {
		return checked{what, "skipped", "not set: disabled users keep their tokens", ""}
	}
	if c.user == "" {
		return checked{what, "skipped", "nobody to ask for", "d2gate dhis2 check --user NAME"}
	}
	c.ids.directory.Forget(c.user)
	u, err := c.ids.directory.Lookup(ctx, c.user)
	if err != nil {
		return failed(what, err, "the account must exist and may read users (F_USER_VIEW)")
	}
	return checked{what, "ok", "sees the account " + u.Username, ""}
}
