package proxy_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
	"github.com/d2gate/d2gate/internal/identity"
	"github.com/d2gate/d2gate/proxy"
)

func TestAnUpstreamThatIsNotThereIs502(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		c.Upstream.URL = &url.URL{Scheme: "http", Host: l.Addr().String()}
	}})
	a := r.send("GET /api/me", basic)
	require.Equal(t, 502, a.status)
	require.Equal(t, "upstream_unreachable", a.reason())
	require.NotContains(t, a.body, "connection refused", "the caller learns nothing of the inside")
	l := r.audited(1)[0]
	require.Equal(t, "refuse", l.Decision)
	require.Equal(t, "upstream_unreachable", l.Reason)
}

func TestASlowUpstreamIs504AfterTheTimeOfItsRoute(t *testing.T) {
	hold := make(chan struct{})
	r := start(t, setup{config: func(c *config.Config) {
		c.Upstream.ResponseTimeout = 50 * time.Millisecond
		c.Routes = []config.Route{{ID: "patient", Resource: "metadata", Timeout: time.Minute}, {ID: "api", Path: "/api/**"}}
	}, upstream: func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/api/metadata" {
			close(hold)
			return
		}
		<-hold
	}})
	a := r.send("GET /api/me", basic)
	require.Equal(t, 504, a.status)
	require.Equal(t, "upstream_timeout", a.reason())
	require.Equal(t, 200, r.send("GET /api/metadata", basic).status)
}

func TestATimeoutIsForTheResponseHeaderNotForTheBody(t *testing.T) {
	const timeout = time.Second
	r := start(t, setup{config: func(c *config.Config) { c.Upstream.ResponseTimeout = timeout }, upstream: func(w http.ResponseWriter, q *http.Request) {
		w.WriteHeader(200)
		rc := http.NewResponseController(w)
		for range 5 {
			_, _ = io.WriteString(w, "part ")
			_ = rc.Flush()
			select {
			case <-time.After(timeout / 3):
			case <-q.Context().Done():
				return
			}
		}
	}})
	require.Equal(t, strings.Repeat("part ", 5), r.send("GET /api/me", basic).body)
}

func TestAnOversizedResponseHeaderIs502(t *testing.T) { // security.md B15
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("a", 2<<20))
	}})
	require.Equal(t, "upstream_unreachable", r.send("GET /api/me", basic).reason())
}

func TestAnUpstreamThatRefusesOurSignInIs502(t *testing.T) {
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="Invalid issuer"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"invalid_token","devMessage":"Invalid issuer"}`)
	}})
	a := r.send("GET /api/me", basic)
	require.Equal(t, 502, a.status)
	require.Equal(t, "upstream_refused_identity", a.reason())
	require.NotContains(t, a.body, "issuer")
	require.Equal(t, 401, r.audited(1)[0].UpstreamStatus)
}

func TestASessionThatEndedIsSignedInAgainWithTheSameBody(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	r := start(t, setup{identity: &signs{again: true}, upstream: func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(body))
		if len(bodies)%2 == 1 {
			http.Redirect(w, q, "/login/", http.StatusFound)
		}
	}})
	require.Equal(t, 200, r.sendBody("POST /api/me", strings.NewReader("once more"), basic).status)
	require.Equal(t, []string{"once more", "once more"}, bodies)
	require.Equal(t, 200, r.send("GET /api/me", basic).status)
	a := r.sendBody("POST /api/me", strings.NewReader(strings.Repeat("x", 70_000)), basic)
	require.Equal(t, 302, a.status, "a long body has streamed away and cannot be sent again")
	require.Len(t, bodies, 5)
	require.Len(t, r.audited(3), 3)
}

func TestACallerThatStopsSendingIsAtFaultItself(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) { c.Upstream.ResponseTimeout = 100 * time.Millisecond }, upstream: func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
	}})
	answers, _ := r.raw(request("POST /api/me", "Content-Length: 100000") + "some")
	require.Len(t, answers, 1)
	require.Equal(t, 400, answers[0].status)
	require.Equal(t, "request_malformed", answers[0].reason())
	require.True(t, answers[0].close)
}

func TestASlowUploadThatGoesOnIsNotCutOff(t *testing.T) {
	const timeout = time.Second
	r := start(t, setup{config: func(c *config.Config) { c.Upstream.ResponseTimeout = timeout }, upstream: func(_ http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
	}})
	pr, pw := io.Pipe()
	go func() {
		for range 8 {
			_, _ = pw.Write(bytes.Repeat([]byte("a"), 1000))
			time.Sleep(timeout / 5) // the pace of a caller on a slow line
		}
		pw.Close()
	}()
	require.Equal(t, 200, r.sendBody("POST /api/me", pr, basic).status)
}

func TestACallerThatHangsUpEndsTheExchange(t *testing.T) {
	entered, ended := make(chan struct{}), make(chan struct{})
	r := start(t, setup{upstream: func(_ http.ResponseWriter, q *http.Request) {
		close(entered)
		<-q.Context().Done()
		close(ended)
	}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, request("GET /api/me"))
	require.NoError(t, err)
	<-entered
	require.NoError(t, conn.Close())
	<-ended
	l := r.audited(1)[0]
	require.Equal(t, "allow", l.Decision)
	require.Zero(t, l.UpstreamStatus)
}

func TestAnAnswerThatBreaksOffIsAborted(t *testing.T) {
	begun := make(chan struct{})
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "part")
		_ = http.NewResponseController(w).Flush()
		<-begun
		panic(http.ErrAbortHandler)
	}})
	req, err := http.NewRequest("GET", r.url+"/api/me", nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", "district")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	close(begun)
	_, err = io.ReadAll(resp.Body)
	require.Error(t, err, "the caller must not take a part for the whole")
	l := r.audited(1)[0]
	require.Equal(t, "allow", l.Decision)
	require.Equal(t, 200, l.UpstreamStatus)
}

func TestTrailersOfTheUpstreamStayInside(t *testing.T) {
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "Set-Cookie")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("Set-Cookie", "JSESSIONID=1")
		w.Header().Set(http.TrailerPrefix+"X-Late", "1")
	}})
	req, err := http.NewRequest("GET", r.url+"/api/me", nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", "district")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(body))
	require.Empty(t, resp.Trailer)
	require.Empty(t, resp.Header.Values("Set-Cookie"))
}

func TestAnswersStreamAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	r := start(t, setup{upstream: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		for range 2 {
			_, _ = io.WriteString(w, "12345")
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}})
	req, err := http.NewRequest("GET", r.url+"/api/me", nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", "district")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	buf := make([]byte, 5)
	_, err = io.ReadFull(resp.Body, buf)
	require.NoError(t, err, "the first half arrives before the second is made")
	close(next)
	_, err = io.ReadFull(resp.Body, buf)
	require.NoError(t, err)
}

func TestAThousandParametersAreForwardedAsTheyCame(t *testing.T) { // CVE-2022-2880, CVE-2026-39825
	r := start(t, setup{config: func(c *config.Config) { c.Server.Limits.Target = 1 << 20 }})
	query := strings.Repeat("a=%zz;&", 10_001) + "fields=id"
	require.Equal(t, 200, r.send("GET /api/me?"+query, basic).status)
	require.Equal(t, "/api/me?"+query, r.got()[0].Target)
}

func TestAHundredUsersAtOnceAreEachThemselves(t *testing.T) { // CVE-2026-71326
	r := start(t, setup{upstream: func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, q.Header.Get("Authorization"))
	}})
	var wg sync.WaitGroup
	for i := range 100 {
		user := fmt.Sprintf("user%d", i)
		auth := "Authorization: ApiToken " + r.token(user)
		wg.Go(func() {
			for range 5 {
				if got := r.send("GET /api/me", auth).body; got != "Bearer upstream-credential-of-"+user {
					t.Errorf("%s got the answer of %q", user, got)
				}
			}
		})
	}
	wg.Wait()
}

func TestANobodyIsForwardedWithoutACredentialButForTheServiceAccount(t *testing.T) {
	r := start(t, setup{config: func(c *config.Config) {
		c.Routes = []config.Route{
			{ID: "public", Path: "/api/public/**", Credentials: []string{"none"}, Identity: "service"},
			{ID: "ping", Path: "/api/ping", Credentials: []string{"none"}},
		}
	}})
	r.send("GET /api/ping")
	require.Empty(t, r.got()[0].Header.Values("Authorization"))
	r.send("GET /api/public/x", basic)
	require.Equal(t, "Bearer upstream-credential-of-", r.got()[0].Header.Get("Authorization"), "the account of the identity, whoever calls")
}

// failing cannot sign anybody in.
type failing struct{}

func (failing) Sign(context.Context, identity.User, http.Header, *http.Request) (identity.Lease, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestAFailingSignInFailsClosed(t *testing.T) {
	r := start(t, setup{identity: failing{}})
	a := r.send("GET /api/me", basic)
	require.Equal(t, 502, a.status)
	require.Empty(t, r.got())
}

var _ proxy.Forwarder = (*proxy.ReverseProxy)(nil)

// TestAGibibytePassesInLittleMemory streams 1 GiB up and 1 GiB down.
func TestAGibibytePassesInLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 2 GiB")
	}
	const size = 1 << 30
	sum := func(src io.Reader) string {
		h := sha256.New()
		n, err := io.Copy(h, src)
		return fmt.Sprintf("%d %x %v", n, h.Sum(nil), err)
	}
	r := start(t, setup{config: func(c *config.Config) { c.Server.Limits.Body = 2 << 30 }, upstream: func(w http.ResponseWriter, q *http.Request) {
		if q.Method == http.MethodGet {
			_, _ = io.CopyN(w, zeros{}, size)
			return
		}
		_, _ = io.WriteString(w, sum(q.Body))
	}})
	want := sum(io.LimitReader(zeros{}, size))
	peak := watchHeap(t)
	require.Equal(t, want, r.sendBody("PUT /api/me", io.LimitReader(zeros{}, size), basic).body)
	req, err := http.NewRequest("GET", r.url+"/api/me", nil)
	require.NoError(t, err)
	req.SetBasicAuth("admin", "district")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, want, sum(resp.Body))
	require.Less(t, peak(), uint64(64<<20), "bytes, caller and upstream included")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
