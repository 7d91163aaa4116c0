package storetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/identity"
)

// natives are the rules of identity.NativeStore.
func natives(t *testing.T, open func(t *testing.T) Stores) {
	ctx := t.Context()
	t.Run("the last native token of a user is kept, and none is no error", func(t *testing.T) {
		s, ok := open(t).Tokens.(identity.NativeStore)
		require.True(t, ok)
		got, err := s.NativePAT(ctx, "nurse")
		require.NoError(t, err)
		require.Nil(t, got)
		require.NoError(t, s.DeleteNativePAT(ctx, "nurse"))
		require.NoError(t, s.PutNativePAT(ctx, "nurse", []byte{0, 1, 255}))
		require.NoError(t, s.PutNativePAT(ctx, "nurse", []byte{0, 2, 255}))
		require.NoError(t, s.PutNativePAT(ctx, "NURSE", []byte{3}))
		got, err = s.NativePAT(ctx, "nurse")
		require.NoError(t, err)
		require.Equal(t, []byte{0, 2, 255}, got)
		require.NoError(t, s.DeleteNativePAT(ctx, "nurse"))
		got, err = s.NativePAT(ctx, "nurse")
		require.NoError(t, err)
		require.Nil(t, got)
		got, err = s.NativePAT(ctx, "NURSE")
		require.NoError(t, err)
		require.Equal(t, []byte{3}, got)
	})
}
