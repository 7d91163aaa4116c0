package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/proxy"
)

// deadlines is a connection that writes down until when it waits for the caller.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error { d.set = append(d.set, at); return nil }

func TestABodyForOurOwnPathsMustComeInTime(t *testing.T) { // security.md B15
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := start(t, setup{owned: func(g *proxy.Gateway) http.Handler {
		return g.Public(func(_ http.ResponseWriter, q *http.Request) error {
			require.Len(t, w.set, 1, "there is an end before the first byte is waited for")
			require.WithinRange(t, w.set[0], time.Now(), time.Now().Add(30*time.Second))
			_, err := io.ReadAll(q.Body)
			require.NoError(t, err)
			require.Len(t, w.set, 2)
			require.Zero(t, w.set[1], "an answer may take longer than the body")
			return nil
		})
	}})
	for _, length := range []int64{4, -1} {
		w.set = nil
		q := httptest.NewRequest("POST", "/oauth2/token", strings.NewReader("a=b&"))
		q.RequestURI, q.ContentLength = "/oauth2/token", length
		r.gateway.ServeHTTP(w, q)
		require.Equal(t, 200, w.Code)
		require.Len(t, w.set, 2)
	}
}
