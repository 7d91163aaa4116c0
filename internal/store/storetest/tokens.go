package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 123_000_000, time.UTC)

func hash(n int) string { return fmt.Sprintf("%064x", n) }

// record makes the n-th record of a user; every field has a value.
func record(n int, username string) pat.Record {
	owner := pat.Owner{UID: "uid" + username, Username: username, Name: "First " + username, DisplayName: "Display " + username}
	return pat.Record{
		UID:           fmt.Sprintf("Token%06d", n),
		Code:          fmt.Sprintf("code %d", n),
		Created:       noon.Add(time.Duration(n) * time.Second),
		LastUpdated:   noon.Add(time.Duration(n) * time.Second),
		Owner:         owner,
		LastUpdatedBy: owner,
		Version:       1,
		Type:          "PERSONAL_ACCESS_TOKEN_V1",
		Constraints:   constraints.Set{Expiry: noon.Add(24 * time.Hour)},
		Origin:        "d2gate",
	}
}

func attribute(t *testing.T, kind constraints.Kind, values ...string) constraints.Attribute {
	t.Helper()
	a, err := constraints.ParseAttribute(kind, values)
	require.NoError(t, err)
	return a
}

func tokens(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	t.Run("a record comes back as it was stored", func(t *testing.T) {
		s := open(t).Tokens
		want := record(1, "nurse")
		want.Constraints.Attributes = []constraints.Attribute{
			attribute(t, constraints.RefererAllowedList, "https://moh.example.org/a?x=1"),
			attribute(t, constraints.IPAllowedList, "10.0.0.0/8", "2001:db8::1"),
			attribute(t, constraints.IPAllowedList),
			attribute(t, constraints.MethodAllowedList, "GET"),
			attribute(t, constraints.ScopeAllowedList, "dataStore/a-*:read"),
		}
		want.Sharing = `{"owner":"uidnurse","public":"--------","users":{},"userGroups":{}}`
		require.NoError(t, s.PutToken(ctx, want, hash(1)))

		got, err := s.TokenByHash(ctx, hash(1))
		require.NoError(t, err)
		require.False(t, got.Rotated)
		same(t, want, got.Record)
		byUID, err := s.TokenByUID(ctx, want.UID)
		require.NoError(t, err)
		same(t, want, byUID)
	})
	t.Run("a record without code, expiry and attributes comes back so", func(t *testing.T) {
		s := open(t).Tokens
		want := pat.Record{UID: "Token000001", Created: noon, LastUpdated: noon, Type: "PERSONAL_ACCESS_TOKEN_V2", Version: 2}
		require.NoError(t, s.PutToken(ctx, want, hash(1)))
		second := want
		second.UID = "Token000002"
		require.NoError(t, s.PutToken(ctx, second, hash(2)), "two records may be without code")
		got, err := s.TokenByUID(ctx, want.UID)
		require.NoError(t, err)
		same(t, want, got)
	})
	t.Run("expiry keeps the first and the last instant that DHIS2 can name", func(t *testing.T) {
		s := open(t).Tokens
		for i, ms := range []int64{-5, 0, 1000, 163465349603200, 9223372036854775807, -9223372036854775808} {
			r := record(i, "nurse")
			r.Constraints.Expiry = time.UnixMilli(ms).UTC()
			require.NoError(t, s.PutToken(ctx, r, hash(i)))
			got, err := s.TokenByUID(ctx, r.UID)
			require.NoError(t, err)
			require.Equal(t, ms, got.Constraints.Expiry.UnixMilli())
			require.False(t, got.Constraints.Expiry.IsZero())
		}
	})
	t.Run("an unknown hash or uid is ErrUnknown", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		_, err := s.TokenByHash(ctx, hash(2))
		require.ErrorIs(t, err, pat.ErrUnknown)
		_, err = s.TokenByHash(ctx, hash(1)[:63])
		require.ErrorIs(t, err, pat.ErrUnknown, "no prefix of a hash matches")
		_, err = s.TokenByUID(ctx, "Token000002")
		require.ErrorIs(t, err, pat.ErrUnknown)
	})
	t.Run("a code is unique over all owners, and so are hashes", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		other := record(2, "doctor")
		other.Code = record(1, "").Code
		require.ErrorIs(t, s.PutToken(ctx, other, hash(2)), pat.ErrDuplicate)
		_, err := s.TokenByHash(ctx, hash(2))
		require.ErrorIs(t, err, pat.ErrUnknown, "nothing of the refused record is stored")
		err = s.PutToken(ctx, record(3, "doctor"), hash(1))
		require.Error(t, err)
		require.NotErrorIs(t, err, pat.ErrDuplicate)
	})
	t.Run("a revoked token is gone with its hashes", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		require.NoError(t, s.DeleteToken(ctx, "Token000001"))
		_, err := s.TokenByHash(ctx, hash(1))
		require.ErrorIs(t, err, pat.ErrUnknown)
		require.ErrorIs(t, s.DeleteToken(ctx, "Token000001"), pat.ErrUnknown)
		require.NoError(t, s.PutToken(ctx, record(2, "nurse"), hash(1)), "the hash is free")
	})
	t.Run("expired records are removed, others stay", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		never := record(2, "nurse")
		never.Constraints.Expiry = time.Time{}
		require.NoError(t, s.PutToken(ctx, never, hash(2)))
		n, err := s.DeleteExpired(ctx, noon.Add(24*time.Hour))
		require.NoError(t, err)
		require.Zero(t, n)
		n, err = s.DeleteExpired(ctx, noon.Add(25*time.Hour))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = s.TokenByUID(ctx, never.UID)
		require.NoError(t, err)
	})
	t.Run("last use is stored, the older and the unknown are passed over", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		require.NoError(t, s.TouchTokens(ctx, []pat.Use{
			{UID: "Token000001", At: noon.Add(time.Minute), From: "10.0.0.1"},
			{UID: "Token000001", At: noon, From: "10.0.0.2"},
			{UID: "Token999999", At: noon, From: "10.0.0.3"},
		}))
		got, err := s.TokenByUID(ctx, "Token000001")
		require.NoError(t, err)
		require.Equal(t, noon.Add(time.Minute), got.LastUsed)
		require.Equal(t, "10.0.0.1", got.LastUsedFrom)
	})
}

// same compares records by what can be seen of them.
func same(t *testing.T, want, got pat.Record) {
	t.Helper()
	require.Len(t, got.Constraints.Attributes, len(want.Constraints.Attributes))
	for i, a := range want.Constraints.Attributes {
		require.Equal(t, a.Kind, got.Constraints.Attributes[i].Kind)
		require.Equal(t, len(a.Values), len(got.Constraints.Attributes[i].Values))
		require.Subset(t, got.Constraints.Attributes[i].Values, a.Values)
	}
	want.Constraints.Attributes, got.Constraints.Attributes = nil, nil
	require.Equal(t, want, got)
}
