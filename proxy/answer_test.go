package proxy_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/proxy"
)

// slowReader asks for /api/me over a connection that buffers little.
func slowReader(t *testing.T, url string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(64<<10))
	_, err = io.WriteString(conn, "GET /api/me HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n"+basic+"\r\n\r\n")
	require.NoError(t, err)
	return conn
}

func TestAReaderThatStopsIsEndedAndGivesBackWhatItWasLent(t *testing.T) {
	page := make([]byte, 64<<20) // more than sockets buffer
	forwarded := setup{stall: 100 * time.Millisecond, upstream: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) }}
	own := setup{stall: 100 * time.Millisecond, owned: func(g *proxy.Gateway) http.Handler {
		return g.Public(func(w http.ResponseWriter, _ *http.Request) error { _, _ = w.Write(page); return nil })
	}}
	t.Run("forwarded", func(t *testing.T) {
		r := start(t, forwarded)
		slowReader(t, r.url)
		r.audited(1) // the place is given back while the connection is held
	})
	t.Run("own", func(t *testing.T) {
		r := start(t, own)
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		require.NoError(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /d2gate/page HTTP/1.1\r\nHost: gw\r\n\r\n")
		require.NoError(t, err)
		r.audited(1)
	})
}

func TestASlowButSteadyReaderGetsTheWholeAnswer(t *testing.T) {
	const size, stall = 16 << 20, 500 * time.Millisecond
	r := start(t, setup{stall: stall, upstream: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, size)) }})
	conn, began, got := slowReader(t, r.url), time.Now(), 0
	buf := make([]byte, 64<<10)
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C { // slow is what is tested
		n, err := conn.Read(buf)
		got += n
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.Greater(t, got, size)
	require.Greater(t, time.Since(began), 2*stall, "it took longer than a single end for the whole would allow")
}

func TestAnAnswerThatPausesIsNotCut(t *testing.T) {
	const stall = 50 * time.Millisecond
	r := start(t, setup{stall: stall, upstream: func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			_, _ = io.WriteString(w, "piece ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(3 * stall) // the pause is what is tested
		}
	}})
	two := httptest.NewUnstartedServer(r.gateway)
	two.EnableHTTP2 = true
	two.StartTLS()
	t.Cleanup(two.Close)
	for url, client := range map[string]*http.Client{r.url: http.DefaultClient, two.URL: two.Client()} {
		req, err := http.NewRequest("GET", url+"/api/me", nil)
		require.NoError(t, err)
		req.SetBasicAuth("admin", "district")
		resp, err := client.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err, resp.Proto)
		require.Equal(t, "piece piece piece ", string(text))
		require.Equal(t, url == two.URL, resp.ProtoMajor == 2)
	}
}
