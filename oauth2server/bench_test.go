package oauth2server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/d2gate/d2gate/oauth2server"
)

// BenchmarkRefresh spends refresh tokens over the endpoint, by a client with a
// secret and by a public one; store is the same transaction alone. The difference
// is what the token server costs.
func BenchmarkRefresh(b *testing.B) {
	b.Run("confidential", func(b *testing.B) {
		r := newRig(b)
		refresh := r.password().body["refresh_token"].(string)
		for b.Loop() {
			refresh = refreshed(b, r.token("grant_type", "refresh_token", "refresh_token", refresh))
		}
		perSecond(b)
	})
	b.Run("public", func(b *testing.B) {
		r := newRig(b)
		r.client("app", "", "password", "refresh_token")
		refresh := refreshed(b, r.post("/oauth2/token", "", "client_id", "app", "grant_type", "password", "username", "admin", "password", "district"))
		for b.Loop() {
			refresh = refreshed(b, r.post("/oauth2/token", "", "client_id", "app", "grant_type", "refresh_token", "refresh_token", refresh))
		}
		perSecond(b)
	})
	b.Run("store", func(b *testing.B) {
		r := newRig(b)
		live := oauth2server.Refresh{Hash: hashOf(0), Family: "f", ClientCID: "demo", Owner: owner, Expires: r.clock().Add(time.Hour)}
		if err := r.st.Issue(b.Context(), func() (oauth2server.Issued, error) { return issued(r, live), nil }); err != nil {
			b.Fatal(err)
		}
		n := 0
		for b.Loop() {
			n++
			next := live
			next.Hash, next.Parent = hashOf(n), live.Hash
			if err := r.st.Rotate(b.Context(), live.Hash, r.clock(), func() (oauth2server.Issued, error) { return issued(r, next), nil }); err != nil {
				b.Fatal(err)
			}
			live = next
		}
		perSecond(b)
	})
}

func refreshed(b *testing.B, out reply) string {
	b.Helper()
	text, ok := out.body["refresh_token"].(string)
	if out.status != 200 || !ok {
		b.Fatal(out.status, out.body)
	}
	return text
}

func issued(r *rig, next oauth2server.Refresh) oauth2server.Issued {
	a := oauth2server.Access{ID: next.Hash[53:], Hash: "a" + next.Hash[1:], Family: "f", ClientCID: "demo", Owner: owner, Issued: r.clock(), Expires: r.clock().Add(time.Hour)}
	return oauth2server.Issued{Access: a, Refresh: &next}
}

func hashOf(n int) string { return fmt.Sprintf("%064x", n) }

// BenchmarkIntrospect asks about one live token, with the store's part alone
// beside it.
func BenchmarkIntrospect(b *testing.B) {
	b.Run("endpoint", func(b *testing.B) {
		r := newRig(b)
		access := r.password().body["access_token"].(string)
		for b.Loop() {
			if out := r.post("/oauth2/introspect", demo, "token", access); out.body["active"] != true {
				b.Fatal(out.body)
			}
		}
		perSecond(b)
	})
	b.Run("store", func(b *testing.B) {
		r := newRig(b)
		live := oauth2server.Refresh{Hash: hashOf(1), Family: "f", ClientCID: "demo", Owner: owner, Expires: r.clock().Add(time.Hour)}
		one := issued(r, live)
		if err := r.st.Issue(b.Context(), func() (oauth2server.Issued, error) { return one, nil }); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if _, err := r.st.AccessByHash(b.Context(), one.Access.Hash); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b)
	})
}

// BenchmarkBearer verifies an access token as each request with one does: kept in
// memory, and texts that are no token.
func BenchmarkBearer(b *testing.B) {
	r := newRig(b)
	access := r.password().body["access_token"].(string)
	b.Run("cached", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := r.verifier.Verify(b.Context(), access); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("garbage", func(b *testing.B) {
		b.ReportAllocs()
		text := strings.Repeat("x", len(access))
		for b.Loop() {
			if _, err := r.verifier.Verify(b.Context(), text); err == nil {
				b.Fatal("taken")
			}
		}
	})
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}
