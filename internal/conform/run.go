package conform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Target is the server that is judged.
type Target struct {
	Base     string // "http://127.0.0.1:1234", without a trailing slash
	Admin    string // "user:password"; empty means admin:district
	Password string // of made users; empty means Abcd-1234
	// Skip says which steps differ on purpose: scenario id -> step numbers from 1.
	// They are sent and not compared.
	Skip map[string][]int
	// SetupBase, if set, takes the requests that only prepare: users, roles, setup
	// and cleaning up. The zero value means Base.
	SetupBase string
	// Through is the address of a proxy that takes the requests instead, as a browser
	// does that behaves like the recorded one; "" means none.
	Through string
}

// Failure is a step whose answer is not DHIS2's.
type Failure struct {
	Step  int // from 1
	Do    string
	Diffs []string
}

// Result says how a scenario went.
type Result struct {
	Same, Skipped int
	Failures      []Failure
}

type run struct {
	t    Target
	vars map[string]any
	undo []Step
	warn func(format string, args ...any)
}

// Play plays one scenario and deletes afterwards what it made.
func Play(t Target, sc Scenario, warn func(format string, args ...any)) Result {
	if t.Admin == "" {
		t.Admin = "admin:district"
	}
	if t.Password == "" {
		t.Password = "Abcd-1234"
	}
	if t.SetupBase == "" {
		t.SetupBase = t.Base
	}
	r := &run{t: t, vars: map[string]any{}, warn: warn}
	r.prepare(sc)
	res := r.steps(sc)
	r.clean()
	return res
}

func (r *run) prepare(sc Scenario) {
	r.send(r.t.SetupBase, Step{Do: "GET /api/me?fields=id", Save: map[string]string{"admin": "id"}})
	for _, name := range sc.UserOrder {
		full, tail := strings.CutSuffix(name, "*")
		if tail {
			r.vars["user_"+full] = fmt.Sprint(full, 1_000_000+rand.IntN(9_000_000))
			continue
		}
		r.vars["user_"+name] = name
	}
	for _, name := range sc.UserOrder {
		r.makeUser(strings.TrimSuffix(name, "*"), sc.Users[name])
	}
	for k, v := range sc.SetupVars {
		r.vars[k] = v
	}
	for _, st := range sc.Setup {
		if a, err := r.send(r.t.SetupBase, st); err != nil || a.Status >= 400 {
			r.warn("%s: setup %s: %v %v %s", sc.ID, st.Do, a.Status, err, cut(string(a.Body)+a.Text, 300))
		}
	}
}

func (r *run) makeUser(name string, authorities []string) {
	full := r.vars["user_"+name]
	role, _ := json.Marshal(map[string]any{"name": fmt.Sprint("role ", full), "authorities": authorities})
	a, err := r.send(r.t.SetupBase, Step{Do: "POST /api/userRoles", JSON: role})
	if err != nil || a.Status != 201 {
		r.warn("cannot make role of %s: %d %v %s", name, a.Status, err, cut(string(a.Body), 300))
	}
	user, _ := json.Marshal(map[string]any{
		"username": full, "firstName": strings.ToUpper(name[:1]) + strings.ToLower(name[1:]), "surname": "Test", "password": r.t.Password,
		"userRoles": []any{map[string]any{"id": pick(decode(a.Body), "response.uid")}},
	})
	a, err = r.send(r.t.SetupBase, Step{Do: "POST /api/users", JSON: user})
	if err != nil || a.Status != 201 {
		r.warn("cannot make user %s: %d %v %s", name, a.Status, err, cut(string(a.Body), 300))
	}
	r.vars["id_"+name] = pick(decode(a.Body), "response.uid")
}

func (r *run) steps(sc Scenario) Result {
	var res Result
	for i, st := range sc.Steps {
		if st.Wait > 0 {
			time.Sleep(time.Duration(st.Wait * float64(time.Second)))
			continue
		}
		got, err := r.send(r.t.Base, st)
		switch {
		case err != nil:
			res.Failures = append(res.Failures, Failure{i + 1, st.Do, []string{err.Error()}})
		case slices.Contains(r.t.Skip[sc.ID], i+1):
			res.Skipped++
		default:
			if d := r.judge(st, got); len(d) > 0 {
				res.Failures = append(res.Failures, Failure{i + 1, st.Do, d})
			} else {
				res.Same++
			}
		}
	}
	return res
}

// judge compares an answer with the recorded one.
func (r *run) judge(st Step, got Answer) []string {
	want := st.Response
	c := comparer{vars: maps.Clone(r.vars)}
	c.vars["base"] = r.t.Base
	c.vars["netloc"] = strings.TrimPrefix(r.t.Base, "http://")
	c.unordered, _ = decode(st.Sort).([]any)
	var d []string
	if want.Status != got.Status {
		d = append(d, fmt.Sprintf("status: want %d, got %d %s", want.Status, got.Status, cut(string(got.Body)+got.Text, 300)))
	}
	for _, k := range slices.Sorted(maps.Keys(want.Headers)) {
		d = append(d, c.header(want, got, k)...)
	}
	html := strings.Contains(want.Headers["content-type"], "html")
	switch {
	case want.Body != nil:
		g := decode(got.Body)
		if got.Body == nil {
			g = got.Text
		}
		d = append(d, c.same(decode(want.Body), g, "body")...)
	case want.Text != "" && !html:
		var g any = got.Text
		if got.Body != nil {
			g = decode(got.Body)
		}
		d = append(d, c.same(want.Text, g, "text")...)
	}
	for _, h := range st.Has {
		if h = substitute(h, r.vars); !strings.Contains(got.Text, h) {
			d = append(d, fmt.Sprintf("text: lacks %q", h))
		}
	}
	return d
}

var commas = regexp.MustCompile(`[,\s]+`)

func (c comparer) header(want *Answer, got Answer, k string) []string {
	w, g := want.Headers[k], got.Headers[k]
	_, there := got.Headers[k]
	switch k {
	case "etag", "cache-control", "content-disposition":
		return nil // their exact text is not the point
	case "content-type":
		if want.Status >= 400 && strings.Contains(w, "html") {
			return nil // the container's own page: only the status counts
		}
		media := func(s string) string { s, _, _ = strings.Cut(s, ";"); return strings.TrimSpace(s) }
		if media(w) != media(g) {
			return []string{fmt.Sprintf("content-type: want %s, got %s", w, g)}
		}
		return nil
	case "allow", "access-control-allow-methods":
		set := func(s string) string { l := commas.Split(s, -1); slices.Sort(l); return strings.Join(l, " ") }
		if set(w) != set(g) {
			return []string{fmt.Sprintf("%s: want %s, got %s", k, w, g)}
		}
		return nil
	case "www-authenticate":
		if !there {
			return []string{"www-authenticate: missing, want " + w}
		}
		return nil
	}
	var gv any = g
	if !there {
		gv = nil
	}
	return c.same(w, gv, k)
}

// send sends a step, saves what it names, and remembers what it made.
func (r *run) send(base string, st Step) (Answer, error) {
	w, err := r.request(st)
	if err != nil {
		return Answer{}, err
	}
	resp, data, err := roundTrip(strings.TrimPrefix(base, "http://"), r.t.Through, w)
	if err != nil {
		return Answer{}, err
	}
	a, parsed := r.answer(st, resp, data)
	r.save(st, resp, string(data), parsed)
	if len(st.Only) > 0 && parsed != nil {
		only := map[string]any{}
		for _, p := range st.Only {
			only[p] = pick(parsed, p)
		}
		a.Body, _ = json.Marshal(only)
	}
	_, path, _ := strings.Cut(substitute(st.Do, r.vars), " ")
	r.track(w.method, path, st, a, parsed)
	return a, nil
}

func (r *run) request(st Step) (wire, error) {
	method, path, _ := strings.Cut(substitute(st.Do, r.vars), " ")
	w := wire{method: method, target: quote(path)}
	headers := map[string]string{"Accept": "application/json"}
	for k, v := range st.Headers {
		headers[k] = substitute(text(v), r.vars)
	}
	basic := func(s string) { headers["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	switch {
	case st.Auth != nil:
		headers["Authorization"] = substitute(*st.Auth, r.vars)
	case st.Basic != nil:
		basic(substitute(*st.Basic, r.vars))
	case st.As == "none":
	case st.As == "" || st.As == "admin":
		basic(r.t.Admin)
	default:
		name := st.As
		if full, ok := r.vars["user_"+name]; ok {
			name = scalar(full)
		}
		basic(name + ":" + r.t.Password)
	}
	if err := r.body(st, &w, headers); err != nil {
		return w, err
	}
	if !w.hasBody && slices.Contains([]string{"POST", "PUT", "PATCH"}, method) {
		w.hasBody = true
	}
	for _, k := range slices.Sorted(maps.Keys(headers)) {
		if headers[k] != "" {
			w.headers = append(w.headers, [2]string{k, headers[k]})
		}
	}
	return w, nil
}

func (r *run) body(st Step, w *wire, headers map[string]string) (err error) {
	typed := func(t string) {
		if _, set := headers["Content-Type"]; !set {
			headers["Content-Type"] = t
		}
	}
	w.hasBody = true
	switch {
	case st.JSON != nil:
		w.body = []byte(substitute(string(st.JSON), r.vars))
		typed("application/json")
	case st.Text != nil:
		w.body = []byte(substitute(*st.Text, r.vars))
	case st.Form != nil:
		w.body, err = form([]byte(substitute(string(st.Form), r.vars)))
		typed("application/x-www-form-urlencoded")
	case st.App != nil:
		w.body, headers["Content-Type"] = appZip([]byte(substitute(string(st.App), r.vars)))
	default:
		w.hasBody = false
	}
	return err
}

var kept = []string{
	"content-type", "location", "www-authenticate", "etag", "cache-control", "content-disposition", "allow",
	"access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
}

func (r *run) answer(st Step, resp *http.Response, data []byte) (Answer, any) {
	a := Answer{Status: resp.StatusCode, Headers: map[string]string{}}
	for _, k := range append(slices.Clone(kept), st.Keep...) {
		if v := resp.Header.Values(k); len(v) > 0 {
			a.Headers[strings.ToLower(k)] = v[len(v)-1]
			if strings.EqualFold(k, "Set-Cookie") { // each counts
				a.Headers["set-cookie"] = strings.Join(v, ", ")
			}
		}
	}
	text := strings.ToValidUTF8(string(data), "\uFFFD")
	var parsed any
	ct := resp.Header.Get("Content-Type")
	isJSON := false
	if strings.TrimSpace(text) != "" && (ct == "" || strings.Contains(ct, "json")) {
		if v, ok := tryDecode(data); ok {
			parsed, isJSON = settle(v), v != nil || strings.TrimSpace(text) == "null"
		}
	}
	switch {
	case isJSON && !st.Raw:
		items := decode([]byte(substitute(string(st.Items), r.vars)))
		a.Body, _ = json.Marshal(narrow(parsed, items, decode(st.Sort)))
	case text != "":
		a.Text = cut(text, 20000)
	}
	return a, parsed
}

func (r *run) save(st Step, resp *http.Response, text string, parsed any) {
	for name, p := range st.Save {
		p, re, cutting := strings.Cut(p, " ~ ")
		var v any
		switch {
		case p == "text":
			v = text
		case strings.HasPrefix(p, "header."):
			if l := resp.Header.Values(p[len("header."):]); len(l) > 0 {
				v = l[len(l)-1]
			}
		default:
			v = pick(parsed, p)
		}
		if cutting {
			m := regexp.MustCompile(re).FindStringSubmatch(scalar(v))
			if v = nil; m != nil {
				v = m[1]
			}
		}
		if v == nil {
			continue
		}
		if strings.EqualFold(p, "header.Set-Cookie") {
			var parts []string
			for _, c := range resp.Header.Values("Set-Cookie") {
				c, _, _ = strings.Cut(c, ";")
				parts = append(parts, c)
			}
			v = strings.Join(parts, "; ")
		}
		r.vars[name] = v
	}
}

func decode(raw []byte) any {
	v, _ := tryDecode(raw)
	return v
}

func tryDecode(raw []byte) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		return nil, false
	}
	return v, true
}
