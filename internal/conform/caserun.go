package conform

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

// CaseTarget is a fresh server for one case.
type CaseTarget struct {
	Target
	// Protect reserves a dataStore namespace; nil if the server cannot.
	Protect func(Protection) error
	// Note does what a setup note asks for and reports whether it knows the note;
	// asked before the notes that every server can follow. May be nil.
	Note func(c Case, note string, vars map[string]any) (known bool, err error)
	// Ready is called after the setup and before the request; it may set variables
	// that the case names and no step made. May be nil.
	Ready func(c Case, vars map[string]any) error
	// Now is the server's clock; nil means time.Now.
	Now func() time.Time
}

type caseRun struct {
	*run
	t      *testing.T
	target CaseTarget
	c      Case
	pw     map[string]string
	before map[string]any // what must be unchanged: "GET /path member" -> value
}

// RunCase plays one case against a fresh server.
func RunCase(t *testing.T, target CaseTarget, c Case) {
	t.Helper()
	if target.Admin == "" {
		target.Admin = "admin:district"
	}
	if target.Password == "" {
		target.Password = "Abcd-1234"
	}
	if target.Now == nil {
		target.Now = time.Now
	}
	r := &caseRun{run: &run{t: target.Target, vars: map[string]any{}, warn: t.Logf}, t: t, target: target, c: c, pw: map[string]string{}, before: map[string]any{}}
	now := target.Now()
	r.vars["now+1h ms"] = strconv.FormatInt(now.Add(time.Hour).UnixMilli(), 10)
	r.vars["next year"] = now.AddDate(1, 0, 0).Format("2006-01-02")
	r.remember("admin")
	for i, st := range c.Setup {
		if err := r.setup(st); err != nil {
			t.Fatalf("setup %d: %v", i+1, err)
		}
	}
	if target.Ready != nil {
		if err := target.Ready(c, r.vars); err != nil {
			t.Fatalf("make what the case takes for granted: %v", err)
		}
	}
	if err := r.lookBefore(c.Expect["then"]); err != nil {
		t.Fatal(err)
	}
	resp, err := r.ask(c.Request)
	if err != nil {
		t.Fatal(err)
	}
	r.vars["response.uid"] = pick(decode(resp.Body), "response.uid")
	for _, d := range r.judgeAll(c.Expect, resp) {
		t.Error(d)
	}
}

func (r *caseRun) remember(user string) {
	a, err := r.ask(Request{Method: "GET", Path: "/api/me?fields=id", As: user})
	if err == nil {
		r.vars[user+".uid"] = pick(decode(a.Body), "id")
	}
}

func (r *caseRun) setup(st SetupStep) error {
	if st.User != "" {
		if err := r.user(st); err != nil {
			return err
		}
	}
	switch {
	case st.Request != nil:
		a, err := r.ask(*st.Request)
		if err != nil {
			return err
		}
		return r.keep(st.Save, a)
	case st.Token != nil:
		return r.token(st)
	case st.Protection != nil:
		if r.target.Protect == nil {
			return fmt.Errorf("the server cannot reserve a namespace")
		}
		return r.target.Protect(*st.Protection)
	case st.Setting != nil:
		for k, v := range st.Setting {
			raw, _ := json.Marshal(v)
			text := strings.Trim(string(raw), `"`)
			if a, err := r.ask(Request{Method: "POST", Path: "/api/systemSettings/" + k, Headers: map[string]string{"Content-Type": "text/plain"}, RawBody: &text}); err != nil || a.Status >= 300 {
				return fmt.Errorf("setting %s: %d %v", k, a.Status, err)
			}
		}
	case st.Note != "":
		return r.note(st.Note)
	}
	return nil
}

func (r *caseRun) user(st SetupStep) error {
	if _, there := r.pw[st.User]; there || st.User == "admin" || st.User == "none" {
		return nil
	}
	role, _ := json.Marshal(map[string]any{"name": "role " + st.User, "authorities": st.Authorities})
	a, err := r.ask(Request{Method: "POST", Path: "/api/userRoles", Body: role})
	if err != nil || a.Status != 201 {
		return fmt.Errorf("make role: %d %v %s", a.Status, err, a.Body)
	}
	pw := st.Password
	if pw == "" {
		pw = r.target.Password
	}
	u := map[string]any{
		"username": st.User, "firstName": "First" + st.User, "surname": "Sur" + st.User, "password": pw,
		"userRoles": []any{map[string]any{"id": pick(decode(a.Body), "response.uid")}},
	}
	for k, v := range map[string]any{"email": st.Email, "openId": st.OpenID} {
		if v != "" {
			u[k] = v
		}
	}
	if st.Disabled {
		u["disabled"] = true
	}
	body, _ := json.Marshal(u)
	a, err = r.ask(Request{Method: "POST", Path: "/api/users", Body: body})
	if err != nil || a.Status != 201 {
		return fmt.Errorf("make user %s: %d %v %s", st.User, a.Status, err, a.Body)
	}
	r.pw[st.User] = pw
	r.vars[st.User+".uid"] = pick(decode(a.Body), "response.uid")
	return nil
}

func (r *caseRun) token(st SetupStep) error {
	expire, err := r.instant(st.Token.Expire)
	if err != nil {
		return err
	}
	attributes := st.Token.Attributes
	if attributes == nil {
		attributes = json.RawMessage("[]")
	}
	body, _ := json.Marshal(map[string]any{"expire": expire.UnixMilli(), "attributes": attributes})
	a, err := r.ask(Request{Method: "POST", Path: "/api/apiToken", As: st.Token.Owner, Body: body})
	if err != nil || a.Status != 201 {
		return fmt.Errorf("make token: %d %v %s", a.Status, err, a.Body)
	}
	var name string
	if json.Unmarshal(st.Save, &name) == nil && name != "" {
		r.vars[name] = pick(decode(a.Body), "response.key")
		r.vars[name+".uid"] = pick(decode(a.Body), "response.uid")
	}
	return nil
}

// instant reads "now+30d", "now-1h"; empty is 30 days ahead.
func (r *caseRun) instant(s string) (time.Time, error) {
	now := r.target.Now()
	if s == "" {
		return now.AddDate(0, 0, 30), nil
	}
	rest, ok := strings.CutPrefix(s, "now")
	if !ok {
		return now, fmt.Errorf("no instant: %q", s)
	}
	if days, ok := strings.CutSuffix(rest, "d"); ok {
		n, err := strconv.Atoi(strings.TrimPrefix(days, "+"))
		return now.AddDate(0, 0, n), err
	}
	if rest == "" {
		return now, nil
	}
	d, err := time.ParseDuration(strings.TrimPrefix(rest, "+"))
	return now.Add(d), err
}

func (r *caseRun) keep(save json.RawMessage, a Answer) error {
	if save == nil {
		return nil
	}
	var paths map[string]string
	if err := json.Unmarshal(save, &paths); err != nil {
		var name string
		if err := json.Unmarshal(save, &name); err != nil {
			return err
		}
		paths = map[string]string{name: "response.uid"}
	}
	for name, p := range paths {
		if v := pick(decode(a.Body), p); v != nil {
			r.vars[name] = v
		}
	}
	return nil
}

// ask sends a request of the case as its user.
func (r *caseRun) ask(q Request) (Answer, error) {
	headers := map[string]any{}
	for k, v := range q.Headers {
		headers[k] = r.fill(v)
	}
	st := Step{Do: q.Method + " " + r.fill(q.Path), As: q.As, Headers: headers, Keep: []string{"set-cookie", "pragma"}}
	if q.As != "" && q.As != "admin" && q.As != "none" {
		pw, there := r.pw[q.As]
		if !there {
			return Answer{}, fmt.Errorf("no user %q was made", q.As)
		}
		basic := q.As + ":" + pw
		st.Basic = &basic
	}
	if _, own := headers["Authorization"]; own {
		st.As, st.Basic = "none", nil
	}
	switch {
	case q.RawBody != nil:
		text := r.fill(*q.RawBody)
		st.Text = &text
	case len(q.Body) > 0 && string(q.Body) != "null":
		text := r.fill(string(q.Body))
		var asText string
		if whole, ok := r.wholeBody(q.Body); ok {
			text = whole
		} else if json.Unmarshal(q.Body, &asText) == nil && !strings.Contains(q.Headers["Content-Type"], "json") && q.Headers["Content-Type"] != "" {
			text = r.fill(asText)
		} else if q.Headers["Content-Type"] == "" {
			headers["Content-Type"] = "application/json"
		}
		st.Text = &text
	}
	return r.send(r.target.Base, st)
}

// wholeBody is the value of a variable that is all of a body: "{{name}}".
func (r *caseRun) wholeBody(body json.RawMessage) (string, bool) {
	name, ok := strings.CutPrefix(string(body), `"{{`)
	name, ends := strings.CutSuffix(name, `}}"`)
	text, isText := r.vars[name].(string)
	return text, ok && ends && isText
}

// fill substitutes {{name}}, whose names may hold blanks here.
func (r *caseRun) fill(s string) string {
	for k, v := range r.vars {
		s = strings.ReplaceAll(s, "{{"+k+"}}", scalar(v))
	}
	return s
}
