package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/conform"
)

// TestOAuth2ConformanceThroughTheGateway replays what the OAuth2 server of a real
// DHIS2 2.41 answered. What differs on purpose is listed with its reason.
func TestOAuth2ConformanceThroughTheGateway(t *testing.T) {
	k := startStack(t, "2.41")
	except, err := conform.Exceptions(filepath.Join("..", "..", "testdata", "except-gateway-2.41.txt"))
	require.NoError(t, err)

	conform.Replay(t, conform.Target{Base: k.gateway, Skip: except, Through: newOldBrowser(t, k.gateway).Listener.Addr().String()}, nil, filepath.Join("..", "..", "testdata", "transcripts", "2.41", "oauth2-legacy.json"))
}
