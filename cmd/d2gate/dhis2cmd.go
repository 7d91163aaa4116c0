package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/d2gate/d2gate/config"
)

func (p *program) dhis2Command() *cobra.Command {
	return group("dhis2", "Prepare the DHIS2 behind the gateway", p.dhis2Setup(), p.dhis2Check())
}

// dhis2Setup prints the lines of dhis.conf that make DHIS2 trust d2gate's JWTs
// (contract 2.3: six keys are required, an unknown one switches the provider off,
// issuer_uri is what the JWT's iss is compared with, the other addresses are
// never fetched).
func (p *program) dhis2Setup() *cobra.Command {
	c := &cobra.Command{
		Use: "setup", Short: "Print the lines for dhis.conf", Args: cobra.NoArgs,
		Long: "Prints what DHIS2 needs in dhis.conf to take d2gate's sign-in (upstream identity jwt). Restart DHIS2 afterwards.\n" +
			"DHIS2 must reach the issuer's address and get an answer within 500 ms.",
	}
	file := c.Flags().StringP("config", "c", "", "configuration file (required)")
	id := c.Flags().String("provider", "gw", "id of the provider in dhis.conf")
	legacy := c.Flags().Bool("before-2.42", false, "for DHIS2 2.36 to 2.41: also switch its own token server off, and map by openId")
	c.RunE = func(*cobra.Command, []string) error {
		if *file == "" {
			return usage("dhis2 setup: -c FILE is required")
		}
		switch *id {
		case "azure", "google", "wso2", "dhis2", "":
			return usage("--provider: DHIS2 keeps the name %q for itself", *id)
		}
		cfg, err := config.Load(*file)
		if err != nil {
			return &exitError{exitConfig, err}
		}
		jwt, ok := jwtIdentity(cfg)
		if !ok {
			return fmt.Errorf("%s: no upstream identity has the mode jwt, so DHIS2 needs no lines", *file)
		}
		p.printSetup(*id, issuerURL(cfg, jwt), jwt.Audience, claimFor(jwt, *legacy), *legacy)
		return nil
	}
	return c
}

// claimFor is the mapping claim: before 2.42 whatever it is called is looked up as
// openId.
func claimFor(jwt config.Identity, legacy bool) string {
	if legacy || jwt.Claim == "" {
		return "username"
	}
	return jwt.Claim
}

// jwtIdentity is the default identity if it is a jwt, else a named one.
func jwtIdentity(cfg *config.Config) (config.Identity, bool) {
	if cfg.Upstream.Identity.Mode == "jwt" {
		return cfg.Upstream.Identity, true
	}
	for _, name := range sortedKeys(cfg.Upstream.Identities) {
		if i := cfg.Upstream.Identities[name]; i.Mode == "jwt" {
			return i, true
		}
	}
	if as := cfg.Users.State.AsIdentity; as != nil && as.Mode == "jwt" {
		return *as, true
	}
	return config.Identity{}, false
}

// issuerURL is the iss of d2gate's JWTs: as configured, else below public_url.
func issuerURL(cfg *config.Config, i config.Identity) string {
	if i.Issuer != "" {
		return i.Issuer
	}
	return cfg.Server.PublicURL.JoinPath("d2gate", "issuer").String()
}

func (p *program) printSetup(id, issuer, audience, claim string, legacy bool) {
	key := "oidc.provider." + id + "."
	line := func(k, v string) { fmt.Fprintf(p.stdout, "%s = %s\n", k, v) }
	line("oidc.jwt.token.authentication.enabled", "on")
	if legacy {
		line("oauth2.authorization.server.enabled", "off")
	}
	line(key+"client_id", audience)
	line(key+"client_secret", "unused")
	line(key+"issuer_uri", issuer)
	line(key+"mapping_claim", claim)
	for _, k := range []string{"authorization_uri", "token_uri", "user_info_uri", "jwk_uri"} {
		line(key+k, issuer+"/jwks")
	}
	p.say("# For dhis.conf; restart DHIS2 then. It must reach %s/.well-known/openid-configuration within 500 ms.", issuer)
	if legacy {
		p.say("# Before 2.42 DHIS2 looks the user up by openId: set each user's openId to the user name.")
	}
}
