package store_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/d2gate/d2gate/internal/store"
	"github.com/stretchr/testify/require"
)

const million = 1_000_000

func hashOf(n int) string {
	sum := sha256.Sum256([]byte(strconv.Itoa(n)))
	return hex.EncodeToString(sum[:])
}

// generate fills the store at path with a million tokens of a thousand users.
func generate(b *testing.B, path string) {
	b.Helper()
	s, err := store.Open(b.Context(), "sqlite", path)
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	for n := 0; n < million; {
		tx, err := s.DB().Begin()
		require.NoError(b, err)
		n = insertSome(b, tx, n, 50_000)
		require.NoError(b, tx.Commit())
	}
}

func insertSome(b *testing.B, tx *sql.Tx, from, count int) int {
	b.Helper()
	token, err := tx.Prepare(`INSERT INTO api_token (uid, code, created, last_updated, owner_uid, owner_username, owner_name,
		owner_display_name, updated_by_uid, updated_by_username, updated_by_name, updated_by_display_name, version, type, expire,
		attributes, sharing, last_used_from, origin) VALUES ($1, $2, $3, $3, $4, $5, $6, $6, $4, $5, $6, $6, 1,
		'PERSONAL_ACCESS_TOKEN_V1', 4102444800000, '[]', '', '', 'd2gate')`)
	require.NoError(b, err)
	hash, err := tx.Prepare(`INSERT INTO api_token_hash (hash, uid, ends) VALUES ($1, $2, NULL)`)
	require.NoError(b, err)
	for n := from; n < from+count; n++ {
		uid, user := fmt.Sprintf("T%010d", n), strconv.Itoa(n%1000)
		_, err = token.Exec(uid, "code "+strconv.Itoa(n), 1_700_000_000_000+n, "uid"+user, "user"+user, "User "+user)
		require.NoError(b, err)
		_, err = hash.Exec(hashOf(n), uid)
		require.NoError(b, err)
	}
	return from + count
}

// BenchmarkAMillionTokens: opening must stay under 1 s, a cold look-up under 100 µs.
func BenchmarkAMillionTokens(b *testing.B) {
	path := filepath.Join(b.TempDir(), "d2gate.db")
	generate(b, path)

	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			s, err := store.Open(b.Context(), "sqlite", path)
			require.NoError(b, err)
			require.NoError(b, s.Close())
		}
		require.Less(b, b.Elapsed()/time.Duration(b.N), time.Second)
	})
	s, err := store.Open(b.Context(), "sqlite", path)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	b.Run("cold look-up", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n = (n + 618_033) % million // no two near each other
			if _, err := s.TokenByHash(b.Context(), hashOf(n)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("page of one of a thousand users", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Tokens(b.Context(), userPage("user7", 500)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("revoke", func(b *testing.B) {
		n := 0
		for b.Loop() {
			if err := s.DeleteToken(b.Context(), fmt.Sprintf("T%010d", n)); err != nil {
				b.Fatal(err)
			}
			n++
		}
	})
}
