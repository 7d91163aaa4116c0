package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/internal/fault"
)

// rates reads rates by name: a rule, or a list of rules.
func rates(name, about string, to *map[string][]Rate) field {
	f := named(name, about, new(map[string]Rate), rate)
	f.read = func(d *decoder, n ast.Node) {
		pairs, ok := d.pairs(n)
		if !ok {
			return
		}
		*to = map[string][]Rate{}
		for _, kv := range pairs {
			key, ok := d.name(kv)
			if !ok {
				continue
			}
			if _, twice := (*to)[key]; twice {
				d.complain(kv.Key, "%q is there twice", key)
				continue
			}
			(*to)[key] = nil
			d.under(key, kv, func() {
				one := func(n ast.Node) {
					var r Rate
					d.mapping(n, rate(&r))
					(*to)[key] = append((*to)[key], r)
				}
				if l, many := kv.Value.(*ast.SequenceNode); many {
					if len(l.Values) == 0 {
						d.complain(kv.Value, "%s is empty: leave the key out, or name a rule", d.key())
					}
					d.items(kv.Value, one)
				} else {
					one(kv.Value)
				}
			})
		}
	}
	return f
}

func rate(r *Rate) []field {
	return []field{
		{name: "per", typ: "string", about: "What a bucket is for: token, username, client_ip, route; a list is one bucket for each.", read: func(d *decoder, n ast.Node) {
			if _, many := n.(*ast.SequenceNode); many {
				words("per", "", &r.Per, buckets...).read(d, n)
				return
			}
			if s, ok := d.text(n); ok {
				if err := among(s, buckets); err != nil {
					d.complain(n, "%s: %v", d.key(), err)
				}
				r.Per = []string{s}
			}
		}},
		scalar("rate", "string", "How many in which time: 5/s, 3/15m, 100/h.", func(_ *decoder, s string) (err error) { r.Events, r.Window, err = parseRate(s); return err }),
		integer("burst", "How many at once. Default: as many as in the time.", &r.Burst, 1, 1_000_000),
		integer("concurrency", "Requests at a time.", &r.Concurrency, 1, 1_000_000),
	}
}

var buckets = []string{"token", "username", "client_ip", "route"}

// parseRate reads 5/s, 3/15m.
func parseRate(s string) (events int, window time.Duration, err error) {
	bad := fmt.Errorf("%q is no rate: write 5/s, 3/15m or 100/h", s)
	n, per, ok := strings.Cut(s, "/")
	events, err = strconv.Atoi(n)
	if !ok || err != nil || events < 1 || per == "" {
		return 0, 0, bad
	}
	if per[0] < '0' || per[0] > '9' {
		per = "1" + per
	}
	window, err = parseDuration(per)
	if err != nil || window == 0 {
		return 0, 0, bad
	}
	return events, window, nil
}

func contextPath(s string, to *string) error {
	clean := strings.TrimSuffix(s, "/")
	if clean == "" {
		*to = ""
		return nil
	}
	if !strings.HasPrefix(clean, "/") || strings.Contains(clean, "//") || strings.ContainsAny(clean, "%;\\?#. *") {
		return fmt.Errorf("%q is no context path: write /dhis", s)
	}
	*to = clean
	return nil
}

func test(t *Test) []field {
	g := &t.Given
	return []field{
		str("name", "What the policy promises, in words.", &t.Name),
		object("given", "Who asks.",
			oneOf("credential", "Default none.", &g.Credential, "none", "pat", "oauth2", "basic", "session"), str("user", "User name.", &g.User), words("scopes", "Of the token.", &g.Scopes),
			words("addresses", "That the token allows.", &g.Addresses), words("methods", "That the token allows.", &g.Methods), words("referrers", "That the token allows.", &g.Referrers),
			boolean("expired", "Default false.", &g.Expired), scalar("from", "string", "Client address.", func(_ *decoder, s string) (err error) {
				g.From, err = netip.ParseAddr(s)
				if err != nil {
					return fmt.Errorf("%q is no address", s)
				}
				return nil
			}), str("referrer", "Referer header.", &g.Referrer), str("origin", "Origin header.", &g.Origin)),
		scalar("request", "string", "Method and target below context_path: GET /api/me.", func(_ *decoder, s string) error {
			method, target, ok := strings.Cut(s, " ")
			if !ok || method == "" || !strings.HasPrefix(target, "/") || strings.ContainsAny(target, " \t\r\n") {
				return fmt.Errorf("%q is no request: write GET /api/me", s)
			}
			t.Method, t.Target = method, target
			return nil
		}),
		scalar("expect", "string", "allow, or the reason of the refusal.", func(_ *decoder, s string) error {
			if s != "allow" && !fault.Reason(s).Known() {
				known := []string{"allow"}
				for _, r := range fault.Reasons() {
					known = append(known, string(r))
				}
				return among(s, known)
			}
			t.Expect = s
			return nil
		}),
	}
}

// checkGiven holds the constraints of a test against their own rules.
func checkGiven(g Given) error {
	for kind, values := range map[constraints.Kind][]string{
		constraints.IPAllowedList: g.Addresses, constraints.MethodAllowedList: g.Methods, constraints.RefererAllowedList: g.Referrers, constraints.ScopeAllowedList: g.Scopes,
	} {
		if _, err := constraints.ParseAttribute(kind, slices.Clone(values)); err != nil {
			return err
		}
	}
	return nil
}
