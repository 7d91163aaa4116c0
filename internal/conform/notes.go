package conform

import (
	"encoding/json"
	"fmt"
	"strings"
)

// note does what a setup note says in words. An unknown note is an error: a case
// must not pass without what it needs.
func (r *caseRun) note(note string) error {
	if r.target.Note != nil {
		if known, err := r.target.Note(r.c, note, r.vars); known || err != nil {
			return err
		}
	}
	switch {
	case note == "client address 127.0.0.1", strings.HasPrefix(note, "authenticate over "):
		return nil
	case strings.HasSuffix(note, " is a member of {{group}}"):
		return r.group(strings.TrimSuffix(note, " is a member of {{group}}"))
	case strings.HasPrefix(note, `app "test" installed, manifest activities.dhis.namespace=`):
		_, ns, _ := strings.Cut(note, "namespace=")
		return r.app(map[string]any{"activities": map[string]any{"dhis": map[string]any{"href": "*", "namespace": ns}}})
	case strings.HasPrefix(note, "app with additionalNamespaces test-app-extra-ns"):
		return r.app(map[string]any{"activities": map[string]any{"dhis": map[string]any{
			"href": "*", "namespace": "test-app-ns",
			"additionalNamespaces": []any{map[string]any{"namespace": "test-app-extra-ns", "authorities": []string{"test-app-common"}, "readOnlyAuthorities": []string{"test-app-read"}}},
		}}})
	case note == "delete app with data":
		return r.want("DELETE", "/api/apps/test?deleteAppData=true", nil)
	case note == "sharing of cat set to r-------":
		return r.share("cat", "r-------")
	case strings.HasPrefix(note, "CORS whitelist = ["):
		list := strings.Split(strings.Trim(strings.TrimPrefix(note, "CORS whitelist = "), "[]"), ",")
		return r.want("POST", "/api/configuration/corsWhitelist", list)
	case note == "delete the token":
		return r.want("DELETE", "/api/apiToken/"+scalar(r.vars["pat.uid"]), nil)
	case note == "disable the owner":
		return r.want("POST", "/api/users/"+scalar(r.firstUser())+"/disabled", nil)
	}
	return fmt.Errorf("the note %q is not understood", note)
}

func (r *caseRun) firstUser() any {
	for _, st := range r.c.Setup {
		if st.User != "" {
			return r.vars[st.User+".uid"]
		}
	}
	return nil
}

func (r *caseRun) want(method, path string, body any) error {
	q := Request{Method: method, Path: path}
	if body != nil {
		q.Body, _ = json.Marshal(body)
	}
	a, err := r.ask(q)
	if err == nil && a.Status >= 300 {
		err = fmt.Errorf("%s %s: %d %s%s", method, path, a.Status, a.Body, a.Text)
	}
	return err
}

func (r *caseRun) group(user string) error {
	body, _ := json.Marshal(map[string]any{"name": "group of " + user, "users": []any{map[string]any{"id": r.vars[user+".uid"]}}})
	a, err := r.ask(Request{Method: "POST", Path: "/api/userGroups", Body: body})
	if err != nil || a.Status != 201 {
		return fmt.Errorf("make group: %d %v %s", a.Status, err, a.Body)
	}
	r.vars["group"] = pick(decode(a.Body), "response.uid")
	r.vars["group.uid"] = r.vars["group"]
	return nil
}

func (r *caseRun) app(extra map[string]any) error {
	manifest := map[string]any{"name": "test", "version": "1.0", "launch_path": "index.html"}
	for k, v := range extra {
		manifest[k] = v
	}
	raw, _ := json.Marshal(manifest)
	a, err := r.send(r.target.Base, Step{Do: "POST /api/apps", App: raw})
	if err == nil && a.Status >= 300 {
		err = fmt.Errorf("install app: %d %s", a.Status, a.Body)
	}
	return err
}

func (r *caseRun) share(key, access string) error {
	for _, st := range r.c.Setup {
		if st.Request == nil || !strings.HasSuffix(st.Request.Path, "/"+key) {
			continue
		}
		a, err := r.ask(Request{Method: "GET", Path: st.Request.Path + "/metaData"})
		if err != nil {
			return err
		}
		return r.want("PUT", "/api/sharing?type=dataStore&id="+scalar(pick(decode(a.Body), "id")), map[string]any{"object": map[string]any{"publicAccess": access}})
	}
	return fmt.Errorf("no key %q was made", key)
}
