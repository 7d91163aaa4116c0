package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/oauth2server"
)

var (
	someone = oauth2server.Owner{UID: "M5zQapPyTZI", Username: "admin", Name: "admin admin"}
)

func aClient(cid string) oauth2server.Client {
	return oauth2server.Client{
		UID: "Uid" + cid, Name: "Name " + cid, CID: cid, SecretHash: "sha256:00", GrantTypes: []string{"password", "refresh_token"},
		RedirectURIs: []string{"https://a.example/cb"}, Created: noon, LastUpdated: noon, CreatedBy: someone, UpdatedBy: someone,
	}
}

func aCode(hash string) oauth2server.Code {
	return oauth2server.Code{Hash: hash, ClientCID: "demo", Redirect: "https://a.example/cb", Asked: true, Challenge: "c", Owner: someone, Scope: "ALL", Family: "family-" + hash, Expires: noon.Add(time.Minute)}
}

// tokensOf makes an access and a refresh token of a family.
func tokensOf(family, hash string) oauth2server.Mint {
	return func() (oauth2server.Issued, error) {
		return oauth2server.Issued{
			Access:  oauth2server.Access{ID: "Id" + hash, Hash: "a" + hash, Family: family, ClientCID: "demo", Owner: someone, Scope: "ALL", Issued: noon, Expires: noon.Add(time.Hour)},
			Refresh: &oauth2server.Refresh{Hash: "r" + hash, Family: family, ClientCID: "demo", Owner: someone, Scope: "ALL", Expires: noon.Add(24 * time.Hour)},
		}, nil
	}
}

// childOf is tokensOf for a refresh token that replaces another.
func childOf(parent, family, hash string) oauth2server.Mint {
	return func() (oauth2server.Issued, error) {
		i, err := tokensOf(family, hash)()
		i.Refresh.Parent = parent
		return i, err
	}
}

func oauth2(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	t.Run("clients are found by both names, changed, and unique in each", func(t *testing.T) {
		s := open(t).OAuth2
		c := aClient("demo")
		require.NoError(t, s.PutClient(ctx, c))
		for _, find := range []func() (oauth2server.Client, error){
			func() (oauth2server.Client, error) { return s.ClientByCID(ctx, "demo") },
			func() (oauth2server.Client, error) { return s.ClientByUID(ctx, "Uiddemo") },
		} {
			got, err := find()
			require.NoError(t, err)
			require.Equal(t, c, got)
		}
		twice := aClient("other")
		twice.Name = c.Name
		require.ErrorIs(t, s.PutClient(ctx, twice), oauth2server.ErrDuplicate)
		require.ErrorIs(t, s.UpdateClient(ctx, aClient("nobody")), oauth2server.ErrUnknown)
		c.Name, c.GrantTypes = "New", nil
		require.NoError(t, s.UpdateClient(ctx, c))
		list, err := s.Clients(ctx)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, "New", list[0].Name)
		require.Empty(t, list[0].GrantTypes)
		_, err = s.ClientByCID(ctx, "nope")
		require.ErrorIs(t, err, oauth2server.ErrUnknown)
	})
	t.Run("a deleted client takes its codes and tokens along", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutClient(ctx, aClient("demo")))
		require.NoError(t, s.PutCode(ctx, aCode("x")))
		require.NoError(t, s.Issue(ctx, tokensOf("f", "1")))
		require.NoError(t, s.DeleteClient(ctx, "Uiddemo"))
		require.ErrorIs(t, s.DeleteClient(ctx, "Uiddemo"), oauth2server.ErrUnknown)
		_, err := s.CodeByHash(ctx, "x", "demo", "c")
		require.ErrorIs(t, err, oauth2server.ErrUnknown)
		_, err = s.AccessByHash(ctx, "a1")
		require.ErrorIs(t, err, oauth2server.ErrUnknown)
	})
	t.Run("a code is seen by its client with its challenge alone, and spent once", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutCode(ctx, aCode("x")))
		for _, wrong := range [][3]string{{"y", "demo", "c"}, {"x", "other", "c"}, {"x", "demo", ""}} {
			_, err := s.CodeByHash(ctx, wrong[0], wrong[1], wrong[2])
			require.ErrorIs(t, err, oauth2server.ErrUnknown)
		}
		got, err := s.CodeByHash(ctx, "x", "demo", "c")
		require.NoError(t, err)
		require.Equal(t, aCode("x"), got)
		require.NoError(t, s.Redeem(ctx, "x", noon, tokensOf(got.Family, "1")))
		require.ErrorIs(t, s.Redeem(ctx, "x", noon, tokensOf(got.Family, "2")), oauth2server.ErrSpent)
		got, err = s.CodeByHash(ctx, "x", "demo", "c")
		require.ErrorIs(t, err, oauth2server.ErrSpent)
		require.Equal(t, "family-x", got.Family, "the caller learns whose tokens to end")
	})
	t.Run("what cannot be minted spends nothing", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutCode(ctx, aCode("x")))
		broken := errors.New("no randomness")
		require.ErrorIs(t, s.Redeem(ctx, "x", noon, func() (oauth2server.Issued, error) { return oauth2server.Issued{}, broken }), broken)
		require.NoError(t, s.Redeem(ctx, "x", noon, nil))
	})
	t.Run("a refresh token is replaced once, and the family ends as a whole", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.Issue(ctx, tokensOf("f", "1")))
		r, spent, err := s.RefreshByHash(ctx, "r1")
		require.NoError(t, err)
		require.True(t, spent.IsZero())
		require.Equal(t, someone, r.Owner)
		require.NoError(t, s.Rotate(ctx, "r1", noon, childOf("r1", "f", "2")))
		require.ErrorIs(t, s.Rotate(ctx, "r1", noon, tokensOf("f", "3")), oauth2server.ErrSpent)
		_, spent, err = s.RefreshByHash(ctx, "r1")
		require.NoError(t, err)
		require.Equal(t, noon, spent)
		grown, err := s.Succeeded(ctx, "r1")
		require.NoError(t, err)
		require.False(t, grown, "what replaced it was not used yet")
		require.NoError(t, s.Rotate(ctx, "r2", noon, nil))
		grown, err = s.Succeeded(ctx, "r1")
		require.NoError(t, err)
		require.True(t, grown)
		require.NoError(t, s.RevokeFamily(ctx, "f"))
		for _, hash := range []string{"a1", "a2"} {
			_, err = s.AccessByHash(ctx, hash)
			require.ErrorIs(t, err, oauth2server.ErrUnknown)
		}
		_, _, err = s.RefreshByHash(ctx, "r2")
		require.ErrorIs(t, err, oauth2server.ErrUnknown)
		require.ErrorIs(t, s.Rotate(ctx, "r2", noon, tokensOf("f", "4")), oauth2server.ErrSpent, "nothing is added to a family that was revoked")
	})
	t.Run("a family that was revoked before its tokens came stays empty", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.RevokeFamily(ctx, "f"))
		require.ErrorIs(t, s.Issue(ctx, tokensOf("f", "1")), oauth2server.ErrSpent)
	})
	t.Run("of concurrent uses one succeeds", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutCode(ctx, aCode("x")))
		require.NoError(t, s.Issue(ctx, tokensOf("f", "0")))
		for _, spend := range []func(mint oauth2server.Mint) error{
			func(m oauth2server.Mint) error { return s.Redeem(ctx, "x", noon, m) },
			func(m oauth2server.Mint) error { return s.Rotate(ctx, "r0", noon, m) },
		} {
			results := make([]error, 20)
			var wg sync.WaitGroup
			for i := range results {
				wg.Go(func() { results[i] = spend(nil) })
			}
			wg.Wait()
			won := 0
			for _, err := range results {
				if err == nil {
					won++
				} else {
					require.ErrorIs(t, err, oauth2server.ErrSpent)
				}
			}
			require.Equal(t, 1, won)
		}
	})
	t.Run("one access token, or all of a user, can be revoked", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.Issue(ctx, tokensOf("f", "1")))
		require.NoError(t, s.Issue(ctx, tokensOf("g", "2")))
		require.NoError(t, s.RevokeAccess(ctx, "a1"))
		require.NoError(t, s.RevokeAccess(ctx, "a1"))
		_, err := s.AccessByHash(ctx, "a1")
		require.ErrorIs(t, err, oauth2server.ErrUnknown)
		_, _, err = s.RefreshByHash(ctx, "r1")
		require.NoError(t, err)
		n, err := s.RevokeOwner(ctx, "admin")
		require.NoError(t, err)
		require.Equal(t, 2, n)
		_, err = s.AccessByHash(ctx, "a2")
		require.ErrorIs(t, err, oauth2server.ErrUnknown)
	})
	t.Run("codes of a user whose access was ended are spent, those of others are not", func(t *testing.T) {
		s := open(t).OAuth2
		for name, user := range map[string]string{"mine": "admin", "other": "nurse"} {
			require.NoError(t, s.PutCode(ctx, oauth2server.Code{Hash: name, ClientCID: "demo", Redirect: "https://a.example/cb", Owner: oauth2server.Owner{Username: user}, Scope: "ALL", Family: "f" + name, Expires: noon.Add(time.Minute)}))
		}
		_, err := s.RevokeOwner(ctx, "admin")
		require.NoError(t, err)
		_, err = s.CodeByHash(ctx, "mine", "demo", "")
		require.ErrorIs(t, err, oauth2server.ErrSpent)
		_, err = s.CodeByHash(ctx, "other", "demo", "")
		require.NoError(t, err)
	})
	t.Run("consent is remembered for one user, client, scope and address", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutConsent(ctx, "admin", "demo", "ALL", "https://a.example/cb", noon))
		require.NoError(t, s.PutConsent(ctx, "admin", "demo", "ALL", "https://a.example/cb", noon))
		ok, err := s.Consented(ctx, "admin", "demo", "ALL", "https://a.example/cb")
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = s.Consented(ctx, "admin", "demo", "me:read", "https://a.example/cb")
		require.NoError(t, err)
		require.False(t, ok)
		_, err = s.RevokeOwner(ctx, "admin")
		require.NoError(t, err)
		ok, err = s.Consented(ctx, "admin", "demo", "ALL", "https://a.example/cb")
		require.NoError(t, err)
		require.False(t, ok, "who ends the access of all is asked again")
	})
	t.Run("signing keys come newest first", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutSigningKey(ctx, oauth2server.StoredKey{ID: "old", Sealed: []byte{0, 1}, Created: noon}))
		require.NoError(t, s.PutSigningKey(ctx, oauth2server.StoredKey{ID: "new", Sealed: []byte{2}, Created: noon.Add(time.Hour)}))
		keys, err := s.SigningKeys(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"new", "old"}, []string{keys[0].ID, keys[1].ID})
		require.NoError(t, s.DeleteSigningKey(ctx, "old"))
	})
	t.Run("what has expired is purged, and no more", func(t *testing.T) {
		s := open(t).OAuth2
		require.NoError(t, s.PutCode(ctx, aCode("x")))
		require.NoError(t, s.Issue(ctx, tokensOf("f", "1")))
		n, err := s.Purge(ctx, noon.Add(2*time.Hour))
		require.NoError(t, err)
		require.EqualValues(t, 2, n, "the code and the access token")
		_, _, err = s.RefreshByHash(ctx, "r1")
		require.NoError(t, err)
		n, err = s.Purge(ctx, noon.Add(48*time.Hour))
		require.NoError(t, err)
		require.EqualValues(t, 2, n, "the refresh token and the family")
	})
}
