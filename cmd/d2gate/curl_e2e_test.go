package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// demo is demo mode on free ports, and a shell that talks to it.
type demo struct {
	t    *testing.T
	dir  string
	base string
	env  map[string]string
}

// startDemo runs d2gate without a verb until the test ends.
func startDemo(t *testing.T) *demo {
	t.Helper()
	d := &demo{t: t, dir: t.TempDir()}
	out, talk := newWritten(), newWritten()
	gw, err := listen("127.0.0.1:0", "")
	require.NoError(t, err)
	addr := gw.Addr().String()
	require.NoError(t, gw.Close())
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--listen", addr, "--admin-listen", "127.0.0.1:0", "--data", filepath.Join(d.dir, "data")}, noEnv, strings.NewReader(""), out, talk)
	}()
	t.Cleanup(func() { stop(); require.Zero(t, <-ended, talk) })
	for !strings.Contains(out.String()+talk.String(), "Ready") {
		select {
		case <-out.more:
		case <-talk.more:
		case code := <-ended:
			ended <- code
			t.Fatalf("ended with %d: %s", code, talk)
		}
	}
	d.base = "http://" + addr
	d.env = map[string]string{"SERVER": d.base, "SECRET": "1e6db50c-0fee-11e5-98d0-3c15c2c6caf6", "ADMIN": "-u admin:district", "JSON": "Content-Type: application/json"}
	return d
}

// sh runs one line in a shell, with the real curl, and gives status and body.
func (d *demo) sh(line string) (status, body string) {
	d.t.Helper()
	c := exec.CommandContext(d.t.Context(), "bash", "-c", `curl() { command curl -sS --max-time 30 -w '\n%{http_code}' "$@"; }; `+line)
	c.Dir = d.dir
	c.Env = append(os.Environ(), "no_proxy=*")
	for k, v := range d.env {
		c.Env = append(c.Env, k+"="+v)
	}
	out, err := c.CombinedOutput()
	require.NoError(d.t, err, "%s\n%s", line, out)
	i := strings.LastIndexByte(string(out), '\n')
	return string(out[i+1:]), string(out[:i])
}

// ends runs a line that must end in a status with a body that holds has.
func (d *demo) ends(status, line string, has ...string) map[string]any {
	d.t.Helper()
	got, body := d.sh(line)
	require.Equal(d.t, status, got, "%s\n%s", line, body)
	for _, h := range has {
		require.Contains(d.t, body, h, line)
	}
	var o map[string]any
	_ = json.Unmarshal([]byte(body), &o) // some answers are lists or words
	return o
}

func member(o map[string]any, path ...string) string {
	for _, p := range path[:len(path)-1] {
		o, _ = o[p].(map[string]any)
	}
	s, _ := o[path[len(path)-1]].(string)
	return s
}

func needCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl")
	}
}

// TestTheDocumentedLinesAboutTokensRunAsPasted: the calls of DHIS2's page on
// personal access tokens and users, as they stand there.
func TestTheDocumentedLinesAboutTokensRunAsPasted(t *testing.T) {
	needCurl(t)
	d := startDemo(t)
	d.ends("200", `curl $ADMIN $SERVER/api/33/me`, `"admin"`)
	d.ends("200", `curl $ADMIN $SERVER/api/33/me/authorities`, `ALL`)
	d.ends("200", `curl $ADMIN $SERVER/api/33/me/authorities/ALL`, `true`)
	d.ends("200", `curl $ADMIN $SERVER/api/authorities`, `"systemAuthorities":[{"id"`)
	d.ends("200", `curl $ADMIN $SERVER/api/periodTypes`, `"periodTypes"`)

	made := d.ends("201", `curl -X POST $ADMIN -H "$JSON" -d '{}' $SERVER/api/apiToken`)
	d.env["TOKEN"], d.env["TUID"] = member(made, "response", "key"), member(made, "response", "uid")
	require.NotEmpty(t, d.env["TOKEN"])
	me := `curl -H "Authorization: ApiToken $TOKEN" $SERVER/api/33/me`
	d.ends("200", me, `"admin"`)
	shown := d.ends("200", `curl -H "Authorization: ApiToken $TOKEN" -H "$JSON" $SERVER/api/apiToken/$TUID`)
	require.NotContains(t, shown, "key")
	d.ends("200", `curl -X PUT $ADMIN -H "$JSON" -d '{"version":1,"type":"PERSONAL_ACCESS_TOKEN","expire":163465349603200,"attributes":[{"type":"IpAllowedList","allowedIps":["192.168.0.1"]},{"type":"MethodAllowedList","allowedMethods":["GET"]}]}' $SERVER/api/apiToken/$TUID`)
	d.ends("401", me)
	d.ends("200", `curl -X DELETE $ADMIN $SERVER/api/apiToken/$TUID`)
	d.ends("401", me)
	made = d.ends("201", `curl -X POST $ADMIN -H "$JSON" -d '{}' $SERVER/api/apiToken`)
	d.env["TOKEN"], d.env["TUID"] = member(made, "response", "key"), member(made, "response", "uid")
	d.ends("200", `curl -X DELETE -H "Authorization: ApiToken $TOKEN" $SERVER/api/apiToken/$TUID`)
	d.ends("401", me)
	d.ends("401", `curl -H "Authorization: ApiToken d2pat_5xVA12xyUbWNedQxy4ohH77WlxRGVvZZ1151814092" $SERVER/api/me`)
}

// TestTheDocumentedLinesAboutOAuth2RunAsPasted: lines 11 to 16, and each of them
// again, when the rules about codes and refresh tokens show.
func TestTheDocumentedLinesAboutOAuth2RunAsPasted(t *testing.T) {
	needCurl(t)
	d := startDemo(t)
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "client.json"), []byte(`{"name":"OAuth2 Demo Client","cid":"demo","secret":"1e6db50c-0fee-11e5-98d0-3c15c2c6caf6","grantTypes":["password","refresh_token","authorization_code"],"redirectUris":["http://www.example.org"]}`), 0o600))
	register := `curl -X POST -H "$JSON" -d @client.json $ADMIN $SERVER/api/oAuth2Clients`
	d.ends("201", register)
	d.ends("409", register, "E5003")

	password := `curl -X POST -H "Accept: application/json" -u demo:$SECRET "$SERVER/uaa/oauth/token" -d grant_type=password -d username=admin -d password=district`
	first := d.ends("200", password, "access_token", "refresh_token", "expires_in", `"scope":"ALL"`, `"token_type":"bearer"`)
	d.env["ACCESS"], d.env["REFRESH"] = member(first, "access_token"), member(first, "refresh_token")
	require.NotEqual(t, d.env["ACCESS"], member(d.ends("200", password), "access_token"), "a new one each time")
	me := `curl -H "Authorization: Bearer $ACCESS" $SERVER/api/33/me`
	d.ends("200", me, `"admin"`)

	refresh := `curl -X POST -H "Accept: application/json" -u demo:$SECRET "$SERVER/uaa/oauth/token" -d grant_type=refresh_token -d refresh_token=$REFRESH`
	second := d.ends("200", refresh)
	require.NotEqual(t, d.env["REFRESH"], member(second, "refresh_token"), "rotated")
	d.ends("400", refresh, `"invalid_grant"`)
	d.env["REFRESH"], d.env["ACCESS"] = member(second, "refresh_token"), member(second, "access_token")
	d.ends("400", refresh, `"invalid_grant"`)
	d.ends("401", me)

	b := newBrowser(t, d.base)
	at := d.base + `/uaa/oauth/authorize?client_id=demo&response_type=code`
	p := b.open(at).submit("username", "admin", "password", "district")
	require.Equal(t, 200, p.status, p.body)
	p = p.submit("user_oauth_approval", "true")
	require.Equal(t, 303, p.status)
	require.Equal(t, "www.example.org", p.away.Host)
	require.Regexp(t, `^http://www\.example\.org/?\?code=`, p.header.Get("Location"))
	d.env["CODE"] = p.away.Query().Get("code")
	exchange := `curl -X POST -u demo:$SECRET -H "Accept: application/json" $SERVER/uaa/oauth/token -d grant_type=authorization_code -d code=$CODE`
	third := d.ends("200", exchange, "access_token", "refresh_token")
	d.env["ACCESS"] = member(third, "access_token")
	d.ends("200", me, `"admin"`)
	d.ends("400", exchange, `"invalid_grant"`)
	d.ends("401", me) // the code was used twice: what it was spent for is over

	denied := b.open(at).submit("user_oauth_approval", "false")
	require.Equal(t, "access_denied", denied.away.Query().Get("error"))
}

func TestTheDocumentedLinesAboutTheDataStoreRunAsPasted(t *testing.T) {
	needCurl(t)
	d := startDemo(t)
	d.ends("201", `curl -X POST $ADMIN -H "$JSON" -d '{"a":1}' $SERVER/api/dataStore/OrgUnitManager/one`)
	d.ends("200", `curl $ADMIN $SERVER/api/dataStore`, `["OrgUnitManager"]`)
	d.ends("200", `curl $ADMIN $SERVER/api/26/dataStore/OrgUnitManager`, `["one"]`)
	d.ends("201", `curl -X POST $ADMIN -H "$JSON" -d '{"key1":"value1","key2":"value2"}' $SERVER/api/dataStore/scorecards/DHIS2Level2AcademyBD`)
	d.ends("200", `curl -X PUT $ADMIN -H "$JSON" -d '{"key1":"value3"}' $SERVER/api/dataStore/scorecards/DHIS2Level2AcademyBD`)
	d.ends("200", `curl -X DELETE $ADMIN $SERVER/api/dataStore/scorecards/DHIS2Level2AcademyBD`)
	d.ends("201", `curl -X POST $ADMIN -H "$JSON" -d '{"key1":"value1"}' $SERVER/api/dataStore/scorecards/again`)
	d.ends("200", `curl -X DELETE $ADMIN $SERVER/api/dataStore/scorecards`)
}

// TestTheDocumentedLinesAboutMetadataRunAsPasted: an export moves to an empty
// DHIS2 by the two documented lines, and each GET works with a token as well.
func TestTheDocumentedLinesAboutMetadataRunAsPasted(t *testing.T) {
	needCurl(t)
	d := startDemo(t)
	some := `{"indicatorTypes":[{"id":"IndTypeAAAA","name":"Per cent","factor":100}],"dataElements":[` +
		`{"id":"DataElemAAA","name":"ANC first visit","shortName":"ANC 1","valueType":"INTEGER","domainType":"AGGREGATE","aggregationType":"SUM"},` +
		`{"id":"DataElemBBB","name":"BCG","shortName":"BCG","valueType":"INTEGER","domainType":"AGGREGATE","aggregationType":"SUM"}]}`
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "metadata.json"), []byte(some), 0o600))
	d.ends("200", `curl -X POST $ADMIN -H "$JSON" -d @metadata.json "$SERVER/api/metadata?importMode=VALIDATE"`, `"created":3`)
	d.ends("200", `curl -X POST $ADMIN -H "$JSON" -d @metadata.json "$SERVER/api/metadata?importMode=COMMIT&atomicMode=ALL&flushMode=AUTO"`, `"created":3`)
	made := d.ends("201", `curl -X POST $ADMIN -H "$JSON" -d '{}' $SERVER/api/apiToken`)
	d.env["TOKEN"] = member(made, "response", "key")
	for _, who := range []string{`$ADMIN`, `-H "Authorization: ApiToken $TOKEN"`} {
		d.ends("200", `curl `+who+` $SERVER/api/metadata`, "DataElemAAA", "DataElemBBB", "IndTypeAAAA")
		d.ends("200", `curl `+who+` "$SERVER/api/metadata?defaultOrder=lastUpdated:desc"`, "DataElemAAA")
		two := d.ends("200", `curl `+who+` "$SERVER/api/metadata?dataElements:fields=id,name&dataElements:order=displayName:desc"`)
		require.Equal(t, []any{
			map[string]any{"id": "DataElemBBB", "name": "BCG"}, map[string]any{"id": "DataElemAAA", "name": "ANC first visit"},
		}, two["dataElements"])
		_, anc := d.sh(`curl ` + who + ` "$SERVER/api/metadata?defaultFilter=name:^like:ANC&dataElements=true&indicators=true"`)
		require.Contains(t, anc, "DataElemAAA")
		require.NotContains(t, anc, "DataElemBBB")
		for _, path := range []string{"33/me", "33/me/authorities", "33/me/authorities/ALL", "authorities", "periodTypes", "dataStore", "33/dataElements.json"} {
			d.ends("200", `curl `+who+` $SERVER/api/`+path)
		}
	}
	_, all := d.sh(`curl $ADMIN $SERVER/api/metadata`)
	empty := startDemo(t)
	require.NoError(t, os.WriteFile(filepath.Join(empty.dir, "metadata.json"), []byte(all), 0o600))
	empty.ends("200", `curl -X POST $ADMIN -H "$JSON" -d @metadata.json "$SERVER/api/metadata?importMode=VALIDATE"`)
	empty.ends("200", `curl -X POST $ADMIN -H "$JSON" -d @metadata.json "$SERVER/api/metadata?importMode=COMMIT&atomicMode=ALL&flushMode=AUTO"`)
	const same = `curl $ADMIN "$SERVER/api/metadata?dataElements=true&indicatorTypes=true&fields=id,name,shortName,valueType,factor"`
	left, right := d.ends("200", same), empty.ends("200", same)
	delete(left, "system")
	delete(right, "system")
	require.Equal(t, left, right)
}
