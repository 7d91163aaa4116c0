package storetest

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

func edits(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	t.Run("an edit is stored and returned", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		got, err := s.EditToken(ctx, "Token000001", func(r *pat.Record) error {
			r.Code, r.Version, r.LastUpdated = "", 333, noon.Add(time.Hour)
			r.Constraints = constraints.Set{Attributes: []constraints.Attribute{attribute(t, constraints.MethodAllowedList, "GET")}}
			return nil
		})
		require.NoError(t, err)
		stored, err := s.TokenByHash(ctx, hash(1))
		require.NoError(t, err)
		same(t, got, stored.Record)
		require.Equal(t, 333, got.Version)
		require.True(t, stored.Record.Constraints.Expiry.IsZero())
	})
	t.Run("an edit changes neither uid, owner, creation nor last use", func(t *testing.T) {
		s := open(t).Tokens
		want := record(1, "nurse")
		require.NoError(t, s.PutToken(ctx, want, hash(1)))
		_, err := s.EditToken(ctx, "Token000001", func(r *pat.Record) error {
			r.UID, r.Owner.Username, r.Created, r.LastUsed, r.Origin = "Token000002", "doctor", noon.Add(time.Hour), noon, "x"
			return nil
		})
		require.NoError(t, err)
		got, err := s.TokenByUID(ctx, "Token000001")
		require.NoError(t, err)
		same(t, want, got)
	})
	t.Run("an edit that fails stores nothing and returns its own error", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		refused := errors.New("refused")
		_, err := s.EditToken(ctx, "Token000001", func(r *pat.Record) error { r.Code = "x"; return refused })
		require.Equal(t, refused, err)
		got, err := s.TokenByUID(ctx, "Token000001")
		require.NoError(t, err)
		require.Equal(t, "code 1", got.Code)
	})
	t.Run("an edit of an unknown token, or to a taken code, says so", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		require.NoError(t, s.PutToken(ctx, record(2, "nurse"), hash(2)))
		_, err := s.EditToken(ctx, "Token000003", func(*pat.Record) error { return nil })
		require.ErrorIs(t, err, pat.ErrUnknown)
		_, err = s.EditToken(ctx, "Token000002", func(r *pat.Record) error { r.Code = "code 1"; return nil })
		require.ErrorIs(t, err, pat.ErrDuplicate)
	})
	t.Run("no edit is lost when many are made at once", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		var wg sync.WaitGroup
		errs := make([]error, 20)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = s.EditToken(ctx, "Token000001", func(r *pat.Record) error { r.Version++; return nil })
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		got, err := s.TokenByUID(ctx, "Token000001")
		require.NoError(t, err)
		require.Equal(t, 21, got.Version)
	})
}

func rotation(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	rotate := func(t *testing.T, s pat.Store, to int, overlap time.Time) {
		t.Helper()
		_, err := s.RotateToken(ctx, "Token000001", hash(to), func(r *pat.Record) error { r.OverlapEnds = overlap; return nil })
		require.NoError(t, err)
	}
	known := func(t *testing.T, s pat.Store) map[int]string {
		t.Helper()
		out := map[int]string{}
		for n := range 5 {
			l, err := s.TokenByHash(ctx, hash(n))
			if errors.Is(err, pat.ErrUnknown) {
				continue
			}
			require.NoError(t, err)
			out[n] = "current"
			if l.Rotated {
				out[n] = "until " + strconv.FormatInt(l.Record.OverlapEnds.UnixMilli(), 10)
			}
		}
		return out
	}
	until := func(at time.Time) string { return "until " + strconv.FormatInt(at.UnixMilli(), 10) }

	t.Run("without overlap the old hash is gone at once", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		rotate(t, s, 2, time.Time{})
		require.Equal(t, map[int]string{2: "current"}, known(t, s))
	})
	t.Run("with overlap the old hash names its end", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		rotate(t, s, 2, noon)
		require.Equal(t, map[int]string{1: until(noon), 2: "current"}, known(t, s))
	})
	t.Run("a second rotation ends the first old hash", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		rotate(t, s, 2, noon)
		rotate(t, s, 3, noon.Add(time.Hour))
		require.Equal(t, map[int]string{2: until(noon.Add(time.Hour)), 3: "current"}, known(t, s))
		rotate(t, s, 4, time.Time{})
		require.Equal(t, map[int]string{4: "current"}, known(t, s))
	})
	t.Run("revoking ends the old hash too", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		rotate(t, s, 2, noon)
		require.NoError(t, s.DeleteToken(ctx, "Token000001"))
		require.Empty(t, known(t, s))
	})
	t.Run("a rotation to a hash that is in use changes nothing", func(t *testing.T) {
		s := open(t).Tokens
		require.NoError(t, s.PutToken(ctx, record(1, "nurse"), hash(1)))
		require.NoError(t, s.PutToken(ctx, record(2, "nurse"), hash(2)))
		_, err := s.RotateToken(ctx, "Token000001", hash(2), func(*pat.Record) error { return nil })
		require.Error(t, err)
		require.Equal(t, map[int]string{1: "current", 2: "current"}, known(t, s))
	})
}
