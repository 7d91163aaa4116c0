package storetest

import (
	"testing"
	"time"

	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

func lists(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	s := open(t).Tokens
	for n, user := range []string{"nurse", "doctor", "nurse", "nurse", "Nurse"} {
		require.NoError(t, s.PutToken(ctx, record(n, user), hash(n)))
	}
	shared := record(5, "doctor")
	shared.Sharing = `{"public":"--------","users":{"uidnurse":{"id":"uidnurse","access":"r-------"},"uidother":{"access":"--------"}}}`
	require.NoError(t, s.PutToken(ctx, shared, hash(5)))
	public := record(6, "doctor")
	public.Sharing = `{"public":"r-------"}`
	require.NoError(t, s.PutToken(ctx, public, hash(6)))
	reused := record(7, "nurse")
	reused.Owner.UID = "earlierUser"
	require.NoError(t, s.PutToken(ctx, reused, hash(7)))
	nameOnly := record(8, "clerk")
	nameOnly.Owner.UID = ""
	require.NoError(t, s.PutToken(ctx, nameOnly, hash(8)))

	for _, tt := range []struct {
		name   string
		filter pat.Filter
		want   []int
		count  int
	}{
		{"no filter gives all, oldest first", pat.Filter{}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 9},
		{"newest first", pat.Filter{Descending: true, Limit: 2}, []int{8, 7}, 9},
		{"a page of them", pat.Filter{Offset: 1, Limit: 2}, []int{1, 2}, 9},
		{"a page beyond the end is empty", pat.Filter{Offset: 100, Limit: 2}, nil, 9},
		{"by owner, whose name is case-sensitive", pat.Filter{Username: "Nurse"}, []int{4}, 1},
		{"an earlier account of the same name is another", pat.Filter{Username: "nurse", UserUID: "uidnurse"}, []int{0, 2, 3}, 3},
		{"a page of an owner", pat.Filter{Username: "nurse", UserUID: "uidnurse", Limit: 1, Offset: 1}, []int{2}, 3},
		{"a record without uid is its user's by name", pat.Filter{Username: "clerk", UserUID: "uidclerk"}, []int{8}, 1},
		{"with what is shared with the user and with all", pat.Filter{Username: "nurse", UserUID: "uidnurse", Shared: true}, []int{0, 2, 3, 5, 6}, 5},
		{"no access is not shared", pat.Filter{Username: "other", UserUID: "uidother", Shared: true}, []int{6}, 1},
		{"what is not expired at the end of all", pat.Filter{LiveAt: noon.Add(24 * time.Hour)}, nil, 0},
		{"what is not expired just before it", pat.Filter{LiveAt: noon.Add(24*time.Hour - time.Millisecond), Limit: 1}, []int{0}, 9},
		{"what comes behind a place", pat.Filter{After: &pat.Cursor{Created: record(6, "").Created, UID: record(6, "").UID}}, []int{7, 8}, 2},
		{"by uid", pat.Filter{UID: record(3, "").UID}, []int{3}, 1},
		{"by owner, asked by another", pat.Filter{Username: "nurse", UserUID: "uidnurse", Shared: true, OwnerName: "doctor"}, []int{5, 6}, 2},
		{"by the owner's uid", pat.Filter{OwnerUID: "uiddoctor"}, []int{1, 5, 6}, 3},
		{"what is expired at the end of all", pat.Filter{OverAt: noon.Add(24 * time.Hour), Limit: 1}, []int{0}, 9},
		{"what is expired just before it", pat.Filter{OverAt: noon.Add(24*time.Hour - time.Millisecond)}, nil, 0},
		{"what has no expiry", pat.Filter{Forever: true}, nil, 0},
		{"by code", pat.Filter{Code: "code 3"}, []int{3}, 1},
		{"by code of another owner", pat.Filter{Code: "code 1", Username: "nurse"}, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Tokens(ctx, tt.filter)
			require.NoError(t, err)
			var uids, want []string
			for _, r := range got {
				uids = append(uids, r.UID)
			}
			for _, n := range tt.want {
				want = append(want, record(n, "").UID)
			}
			require.Equal(t, want, uids)
			n, err := s.CountTokens(ctx, tt.filter)
			require.NoError(t, err)
			require.Equal(t, tt.count, n)
		})
	}

	t.Run("what is no longer shared is no longer seen", func(t *testing.T) {
		_, err := s.EditToken(ctx, shared.UID, func(r *pat.Record) error { r.Sharing = ""; return nil })
		require.NoError(t, err)
		n, err := s.CountTokens(ctx, pat.Filter{Username: "nurse", UserUID: "uidnurse", Shared: true})
		require.NoError(t, err)
		require.Equal(t, 4, n)
	})
}
