package storetest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/store"
	"github.com/d2gate/d2gate/pat"
	"github.com/stretchr/testify/require"
)

func changes(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	t.Run("issue, edit, rotate and revoke are noted, last use is not", func(t *testing.T) {
		s := open(t)
		require.NoError(t, s.Tokens.PutToken(ctx, record(1, "nurse"), hash(1)))
		_, err := s.Tokens.EditToken(ctx, "Token000001", func(*pat.Record) error { return nil })
		require.NoError(t, err)
		_, err = s.Tokens.RotateToken(ctx, "Token000001", hash(2), func(*pat.Record) error { return nil })
		require.NoError(t, err)
		require.NoError(t, s.Tokens.TouchTokens(ctx, []pat.Use{{UID: "Token000001", At: noon}}))
		require.NoError(t, s.Tokens.DeleteToken(ctx, "Token000001"))

		got, err := s.Changes.Changes(ctx, 0)
		require.NoError(t, err)
		require.Equal(t, []store.Change{
			{Seq: 1, Topic: "token", Key: "Token000001"}, {Seq: 2, Topic: "token", Key: "Token000001"},
			{Seq: 3, Topic: "token", Key: "Token000001"}, {Seq: 4, Topic: "token", Key: "Token000001"},
		}, got)
		got, err = s.Changes.Changes(ctx, 3)
		require.NoError(t, err)
		require.Len(t, got, 1)
		last, err := s.Changes.LastChange(ctx)
		require.NoError(t, err)
		require.Equal(t, int64(4), last)
	})
	t.Run("what was not stored is not noted", func(t *testing.T) {
		s := open(t)
		require.NoError(t, s.Tokens.PutToken(ctx, record(1, "nurse"), hash(1)))
		other := record(2, "nurse")
		other.Code = "code 1"
		require.Error(t, s.Tokens.PutToken(ctx, other, hash(2)))
		_, err := s.Tokens.EditToken(ctx, "Token000001", func(*pat.Record) error { return errors.New("no") })
		require.Error(t, err)
		require.Error(t, s.Tokens.DeleteToken(ctx, "Token000009"))
		got, err := s.Changes.Changes(ctx, 0)
		require.NoError(t, err)
		require.Len(t, got, 1)
	})
	t.Run("a reader sees every change once, in order, while others write", func(t *testing.T) {
		s := open(t)
		const writers, each = 4, 10
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		seen := make(chan int64, writers*each)
		cleared := make(chan struct{}, 2)
		var wg sync.WaitGroup
		wg.Go(func() {
			s.Changes.Follow(ctx, store.FollowConfig{
				Every: 5 * time.Millisecond,
				Apply: func(c store.Change) { seen <- c.Seq },
				Clear: func() { cleared <- struct{}{} },
			})
		})
		<-cleared
		errs := make([]error, writers*each)
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					n := w*each + i
					errs[n] = s.Tokens.PutToken(ctx, record(n, "nurse"), hash(n))
				}
			})
		}
		for want := int64(1); want <= writers*each; want++ {
			select {
			case got := <-seen:
				require.Equal(t, want, got)
			case <-ctx.Done():
				t.Fatal("a change was never seen")
			}
		}
		cancel()
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Empty(t, cleared, "no gap was seen")
	})
}
