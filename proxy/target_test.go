package proxy_test

import (
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/fault"
	"github.com/d2gate/d2gate/proxy"
)

var site = proxy.Site{Scheme: "http", Host: "gw.example.org"}

type targetRow struct{ target, want string }

func targetCorpus(t testing.TB) (rows []targetRow) {
	t.Helper()
	text, err := os.ReadFile("testdata/targets.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		require.NoError(t, err, line)
		target, err := strconv.Unquote(quoted)
		require.NoError(t, err, line)
		rows = append(rows, targetRow{target, strings.TrimSpace(line[len(quoted):])})
	}
	return rows
}

func TestTargetsAreReadAsTheCorpusSays(t *testing.T) {
	rows := targetCorpus(t)
	require.GreaterOrEqual(t, len(rows), 300)
	for _, row := range rows {
		got, err := proxy.ParseTarget(row.target, site)
		if row.want == "refuse" {
			require.ErrorIs(t, err, fault.New(fault.TargetAmbiguous, ""), "%q", row.target)
			continue
		}
		require.NoError(t, err, "%q", row.target)
		canonical, who := proxy.Owner(&got)
		switch {
		case row.want == "guard":
			require.Equal(t, "guard", who, "%q", row.target)
		case strings.HasPrefix(row.want, "own "):
			require.Equal(t, "own", who, "%q", row.target)
			require.Equal(t, row.want[len("own "):], canonical, "%q", row.target)
		default:
			var segments []string
			require.NoError(t, json.Unmarshal([]byte(row.want), &segments), row.want)
			require.Equal(t, "routes", who, "%q", row.target)
			require.Equal(t, len(segments), len(got.Segments), "%q: %q", row.target, got.Segments)
			for i := range segments {
				require.Equal(t, segments[i], got.Segments[i], "%q", row.target)
			}
		}
	}
}

func TestAPathOutsideTheContextPathIsOutsideInEverySpelling(t *testing.T) {
	dhis := proxy.Site{Scheme: "https", Host: "gw.example.org", ContextPath: "/dhis"}
	for target, outside := range map[string]bool{
		"/dhis": false, "/dhis/": false, "/dhis/api/me": false, "/dhis?x": false,
		"/": true, "/api/me": true, "/dhisx/api/me": true, "/DHIS/api/me": true, "/%64his/api/me": true, "/x/dhis/api": true,
	} {
		got, err := proxy.ParseTarget(target, dhis)
		require.NoError(t, err, target)
		require.Equal(t, outside, got.Outside, target)
	}
	got, err := proxy.ParseTarget("https://gw.example.org:443/dhis/api/41/me.json?a", dhis)
	require.NoError(t, err)
	require.Equal(t, "/api/41/me.json", got.Path)
	require.Equal(t, []string{"api", "41", "me.json"}, got.Segments)
	require.Equal(t, "41", got.DHIS2.Version)
	require.Equal(t, ".json", got.DHIS2.Suffix)
	require.Equal(t, "a", got.Query)
}

func FuzzParseTarget(f *testing.F) {
	for _, row := range targetCorpus(f) {
		f.Add(row.target)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := proxy.ParseTarget(raw, site)
		if err != nil {
			require.ErrorIs(t, err, fault.New(fault.TargetAmbiguous, ""))
			return
		}
		forwarded := got.Path
		if forwarded == "" {
			t.Fatal("an empty path without a context path")
		}
		if got.HasQuery {
			forwarded += "?" + got.Query
		}
		require.True(t, strings.HasSuffix(raw, forwarded) || raw+"/" == "http://"+raw[len("http://"):]+forwarded, "%q is not forwarded as received: %q", raw, forwarded)
		again, err := proxy.ParseTarget(forwarded, site)
		require.NoError(t, err)
		require.Equal(t, got.Segments, again.Segments)
		for _, s := range got.Segments {
			require.NotContains(t, []string{"", ".", ".."}, s)
			require.False(t, strings.ContainsAny(s, "/\\;%\x00"), "%q", s)
		}
		// What the gateway matched is what any other reader of the URL finds.
		u, err := url.ParseRequestURI(forwarded)
		if err == nil {
			require.Equal(t, strings.TrimSuffix(strings.TrimPrefix(u.Path, "/"), "/"), strings.Join(got.Segments, "/"))
		}
		c, who := proxy.Owner(&got)
		require.Equal(t, who == "own", c != "")
	})
}
