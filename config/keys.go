package config

import "github.com/goccy/go-yaml/ast"

// root is every key of the file, with its meaning and default. It is the one table
// from which files are read and the schema is made.
func root(c *Config) []field {
	return []field{
		integer("version", "Version of this format; required, 1.", &c.Version, 1, 1),
		object("server", "The public side.", server(&c.Server)...),
		object("admin", "The operator's side.",
			address("listen", "Address of /livez, /readyz and /metrics. Default 127.0.0.1:9090.", &c.Admin.Listen),
			file("socket", "Unix socket (mode 0600) of the commands; whoever can open it is the operator. Default admin.sock beside the SQLite file.", &c.Admin.Socket)),
		object("store", "Where tokens are kept.", store(&c.Store)...),
		object("upstream", "The DHIS2 behind d2gate.", upstream(&c.Upstream)...),
		object("users", "Who people are.", users(&c.Users)...),
		object("tokens", "Personal access tokens.", tokens(&c.Tokens)...),
		oneOf("constraint_failure", "Status of a failed constraint: dhis2 is 401 as in DHIS2, strict is 403. Default dhis2.", &c.ConstraintFailure, "dhis2", "strict"),
		object("oauth2", "The OAuth2 server.", oauth2(&c.OAuth2)...),
		object("login", "How people sign in to d2gate's own pages.", login(&c.Login)...),
		objects("routes", "The policy: the first route whose path or resource, and methods, match wins; an empty list refuses everything. Default: one route, id api, path /api/**, credentials pat, oauth2, basic.", &c.Routes, route),
		oneOf("default", "What happens to a request that no route matches: refuse.", &c.Default, "refuse"),
		object("sandbox", "The embedded DHIS2 look-alike; demo mode and d2gate sandbox only.",
			oneOf("version", "The DHIS2 release whose answers it gives, and whose words /api/apiToken uses. Default 2.44.", &c.Sandbox.Version, versions...)),
		objects("embeds", "Public dashboards.", &c.Embeds, embed),
		rates("rates", "Rates, by name. login counts wrong passwords alone and bad_token unknown tokens alone; others are named by routes and embeds. Default: login 3 in 15 minutes for a username and 30 for an address; bad_token off.", &c.Rates),
		object("audit", "One line a request.",
			filled(objects("sinks", "Where lines go. Default: a file audit.jsonl beside the SQLite file.", &c.Audit.Sinks, sink)),
			percent("allowed", "Share of allowed requests that is written; refusals always are. Default 100%.", &c.Audit.Allowed)),
		objects("tests", "Requests with the decision that they must get; run by check and before every reload.", &c.Tests, test),
	}
}

var versions = []string{"2.36", "2.37", "2.38", "2.39", "2.40", "2.41", "2.42", "2.43", "2.44"}

func server(s *Server) []field {
	return []field{
		httpURL("public_url", "The address that callers use, with the context path; issuer, redirects and links are built from it. Required.", &s.PublicURL),
		scalar("context_path", "string", "Path under which everything lies, such as /dhis. Default: none.", func(_ *decoder, v string) error { return contextPath(v, &s.ContextPath) }),
		address("listen", "Address to listen on. Default 127.0.0.1:8080.", &s.Listen),
		boolean("insecure_http", "Plain HTTP on a listener that is not loopback, without trusted_proxies. Default false.", &s.InsecureHTTP),
		{name: "tls", typ: "object", about: "Certificate and key; without them plain HTTP is spoken.", sub: tls(&TLS{}), read: func(d *decoder, n ast.Node) {
			s.TLS = &TLS{}
			d.mapping(n, tls(s.TLS))
		}},
		prefixes("trusted_proxies", "Peers whose X-Forwarded-For is believed, right to left. Default: nobody.", &s.TrustedProxies),
		boolean("proxy_protocol", "Read the PROXY protocol from trusted_proxies. Default false.", &s.ProxyProtocol),
		object("limits", "What one caller may cost.",
			size("header", "Header lines together. Default 32KiB.", &s.Limits.Header), size("target", "Path and query. Default 8KiB.", &s.Limits.Target),
			size("body", "Request body, unless the route says otherwise. Default 2GiB.", &s.Limits.Body),
			lasting("header_timeout", "Time to send the header. Default 5s.", &s.Limits.HeaderTimeout), lasting("idle_timeout", "Time between requests of a connection. Default 75s.", &s.Limits.IdleTimeout),
			integer("in_flight", "Requests served at once; more are refused with 503. Default: no limit.", &s.Limits.InFlight, 1, 1_000_000)),
		duration("shutdown_grace", "How long requests under way may take when d2gate stops. Default 20s.", &s.ShutdownGrace),
	}
}

func tls(t *TLS) []field {
	return []field{file("cert_file", "Certificate chain, PEM.", &t.CertFile), file("key_file", "Private key, PEM.", &t.KeyFile)}
}

func store(s *Store) []field {
	return []field{
		storeURL("url", "sqlite:PATH or postgres://…; a URL with a password stands behind env:, file: or cred:. Default sqlite:d2gate.db.", &s.URL),
		duration("max_staleness", "How long cached verdicts serve while the store is gone; then 503. Default 5s.", &s.MaxStaleness),
		object("cache", "Look-ups kept in memory.", integer("entries", "Tokens. Default 100000.", &s.CacheEntries, 1, 10_000_000)),
		object("retention", "How long what is over stays to be looked at.",
			duration("expired_tokens", "Tokens whose time is over. Default 90d.", &s.Retention.ExpiredTokens), duration("audit", "Of a sink of type store. Default 365d.", &s.Retention.Audit)),
	}
}

func upstream(u *Upstream) []field {
	return []field{
		httpURL("url", "DHIS2's address, with its own context path. Required.", &u.URL),
		object("timeouts", "How long d2gate waits for DHIS2.", lasting("connect", "Until a connection stands. Default 3s.", &u.ConnectTimeout), lasting("response_header", "Until the answer begins. Default 60s.", &u.ResponseTimeout)),
		integer("idle_connections", "Kept open. Default 64.", &u.IdleConnections, 1, 100_000),
		object("identity", "As whom d2gate signs in for callers. Default mode jwt.", identity(&u.Identity)...),
		named("identities", "Others, by name, for routes, embeds and users.state.as.", &u.Identities, identity),
	}
}

func identity(i *Identity) []field {
	return []field{
		oneOf("mode", "jwt: a signed token for the caller's user; pat: a native token for each user; basic: one service account; passthrough: the caller's own credential; none: nothing.", &i.Mode, modes...),
		urlText("issuer", "jwt: where DHIS2 reaches d2gate, if not <public_url>/d2gate/issuer.", &i.Issuer),
		oneOf("claim", "jwt: the mapping claim, username (DHIS2 2.42 and later) or email. Default username.", &i.Claim, "username", "email"),
		str("audience", "jwt: the client_id in dhis.conf. Default d2gate.", &i.Audience),
		duration("ttl", "jwt: how long a token is good. Default 60s.", &i.TTL),
		secret("signing_key", "jwt: RSA key, PEM. Default issuer.pem beside the SQLite file, made at first start; required with PostgreSQL.", &i.SigningKey),
		str("username", "basic: the account; jwt: always this user.", &i.Username),
		secret("password", "basic: its password.", &i.Password),
		integer("sessions", "basic: sessions at DHIS2. Default 1.", &i.Sessions, 1, 10),
	}
}

var modes = []string{"jwt", "pat", "basic", "passthrough", "none"}

func users(u *Users) []field {
	return []field{
		oneOf("verify", "Who judges passwords: dhis2, asked at /api/me.", &u.Verify, "dhis2"),
		object("state", "Whether accounts are still allowed to act.",
			duration("check_every", "How old that knowledge may be. Default 60s.", &u.State.CheckEvery),
			field{name: "as", typ: "string", about: "Identity that may read users: a name in upstream.identities, or one written out. Unset: disabled users keep their tokens.", read: func(d *decoder, n ast.Node) { stateAs(d, n, u) }}),
		object("admins", "Who sees everybody's tokens and clients, never a secret.", filled(words("authorities", "Any of these. Default ALL.", &u.Admins))),
	}
}

func stateAs(d *decoder, n ast.Node, u *Users) {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		u.State.AsIdentity = &Identity{}
		d.mapping(n, identity(u.State.AsIdentity))
	default:
		u.State.As, _ = d.text(n)
	}
}

func tokens(t *Tokens) []field {
	return []field{
		oneOf("mint", "Generation of new tokens: d2pat or d2p. Default d2pat.", &t.Mint, "d2pat", "d2p"),
		duration("default_expiry", "Of a token that names none. Default 30d.", &t.DefaultExpiry),
		duration("max_expiry", "Longest that may be asked for. Default: no limit.", &t.MaxExpiry),
		integer("max_per_user", "Live tokens of one user. Default: no limit.", &t.MaxPerUser, 1, 1_000_000),
		object("require", "Constraints that a token must carry.", words("browser", "With referrers.", requirement(t, "browser"), "addresses", "methods", "referrers", "scopes"),
			words("script", "Without referrers.", requirement(t, "script"), "addresses", "methods", "referrers", "scopes")),
		oneOf("unknown", "Tokens that d2gate does not know: refuse, or ask_upstream to let DHIS2 judge those it issued itself. Default refuse.", &t.Unknown, "refuse", "ask_upstream"),
		object("rotation", "A new secret for an old token.", duration("overlap", "How long the old secret works on. Default 24h.", &t.Overlap)),
		object("notices", "Before a token expires.", list("before_expiry", "How long before, each once.", func(_ *decoder, s string) error {
			v, err := parseDuration(s)
			t.Notices.BeforeExpiry = append(t.Notices.BeforeExpiry, v)
			return err
		}), secret("webhook", "Address to POST to.", &t.Notices.Webhook)),
	}
}

// requirement is the list that tokens.require keeps under a name.
func requirement(t *Tokens, name string) *[]string {
	l := new([]string)
	t.requires = append(t.requires, requires{name, l})
	return l
}

func oauth2(o *OAuth2) []field {
	return []field{
		boolean("legacy_paths", "Serve /uaa/oauth/* as DHIS2 up to 2.41. Default true.", &o.LegacyPaths),
		boolean("password_grant", "Let clients that list it trade a password for a token. Default false.", &o.PasswordGrant),
		object("access_token", "What a client sends with each request.", oneOf("format", "opaque: a UUID; jwt: a signed JWT. Default opaque.", &o.AccessFormat, "opaque", "jwt"), lasting("ttl", "How long it is good. Default 12h.", &o.AccessTTL)),
		object("refresh_token", "What a client trades for the next access token.", lasting("ttl", "Of the whole sign-in. Default 30d.", &o.RefreshTTL), duration("reuse_grace", "How long a second use of a replaced token is forgiven. Default 0s.", &o.ReuseGrace)),
		object("code", "The authorization code.", duration("ttl", "Of an authorization code, at most 60s. Default 60s.", &o.CodeTTL)),
		objects("trusted_issuers", "Others whose JWT bearers are taken.", &o.TrustedIssuers, func(i *TrustedIssuer) []field {
			return []field{urlText("issuer", "Exact issuer.", &i.Issuer), str("audience", "Required audience.", &i.Audience), str("username_claim", "Claim that names the DHIS2 user. Default preferred_username.", &i.UsernameClaim)}
		}),
	}
}

func login(l *Login) []field {
	return []field{
		object("session", "A sign-in at the pages.", lasting("ttl", "How long it lasts. Default 8h.", &l.SessionTTL), lasting("idle", "How long it lasts without a request. Default 30m.", &l.SessionIdle)),
		objects("providers", "Ways to sign in. Default: DHIS2's own password.", &l.Providers, func(p *Provider) []field {
			return []field{
				str("id", "Name in addresses.", &p.ID), oneOf("type", "password or oidc.", &p.Type, "password", "oidc"), str("name", "Text of the button.", &p.Name),
				urlText("issuer", "oidc.", &p.Issuer), str("client_id", "oidc.", &p.ClientID), secret("client_secret", "oidc.", &p.ClientSecret),
				str("username_claim", "oidc: claim that names the DHIS2 user. Default preferred_username.", &p.UsernameClaim),
			}
		}),
	}
}

func route(r *Route) []field {
	return []field{
		str("id", "Name in the audit log and explain; unique.", &r.ID),
		str("path", "Glob below context_path: * is one segment, ** the rest.", &r.Path),
		str("resource", "First segment below /api, with an optional selector, as in a scope: dataStore/scorecards.", &r.Resource),
		filled(words("methods", "Default: all seven.", &r.Methods, "HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")),
		filled(words("credentials", "Which kinds pass. Default pat, oauth2, basic.", &r.Credentials, "pat", "oauth2", "basic", "session", "none")),
		filled(prefixes("addresses", "Callers' addresses.", &r.Addresses)),
		filled(words("referrers", "Pages that may call: origin, host, or origin with a path.", &r.Referrers)),
		str("identity", "Name in upstream.identities. Default: upstream.identity.", &r.Identity),
		size("body", "Largest request body.", &r.Body), lasting("timeout", "Until the answer begins.", &r.Timeout),
		integer("concurrency", "Requests at a time.", &r.Concurrency, 1, 1_000_000), str("rate", "Name in rates.", &r.Rate),
		str("refuse", "Refuse, with this text for the log.", &r.Refuse),
		oneOf("mode", "report: what would be refused is logged, counted and let through.", &r.Mode, "report", "enforce"),
		instant("enforce_after", "When report ends.", &r.EnforceAfter),
		words("compat", "Help for older clients: api_versions, metadata_parameters.", &r.Compat, "api_versions", "metadata_parameters"),
	}
}

func embed(e *Embed) []field {
	return []field{
		str("id", "Name.", &e.ID), words("hosts", "Host names that serve it.", &e.Hosts), words("parents", "Origins that may frame it.", &e.Parents), str("identity", "Name in upstream.identities.", &e.Identity),
		words("dashboards", "Uids.", &e.Dashboards), object("periods", "Which periods may be asked.", str("oldest", "Oldest period, such as LAST_5_YEARS.", &e.Oldest)),
		object("cache", "Answers kept.", duration("ttl", "How long an answer is fresh.", &e.CacheTTL), duration("stale", "How long an old one may be shown while a new one is fetched.", &e.CacheStale), size("size", "All answers together.", &e.CacheSize)), str("rate", "Name in rates.", &e.Rate),
	}
}

func sink(s *Sink) []field {
	return []field{
		oneOf("type", "file or store.", &s.Type, "file", "store"), file("path", "file: where.", &s.Path), size("rotate", "file: begin a new one at this size.", &s.Rotate),
		integer("keep", "file: how many old ones.", &s.Keep, 1, 100_000), boolean("chain", "file: each line holds the hash of the one before.", &s.Chain),
	}
}
