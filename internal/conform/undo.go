package conform

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

var versioned = regexp.MustCompile(`^/api(/\d+)?`)

// track remembers how to delete what a request has made.
func (r *run) track(method, path string, st Step, a Answer, parsed any) {
	p, _, _ := strings.Cut(path, "?")
	p = strings.TrimRight(versioned.ReplaceAllString(p, "/api"), "/")
	if a.Status >= 300 && !(p == "/api/metadata" && a.Status == 409) { // atomicMode=NONE: 409, yet some stored
		return
	}
	seg := strings.Split(p, "/")
	write := method == "POST" || method == "PUT"
	switch {
	case write && len(seg) >= 4 && seg[2] == "dataStore":
		r.undo = append(r.undo, Step{Do: "DELETE /api/dataStore/" + seg[3]})
	case write && len(seg) >= 4 && seg[2] == "userDataStore":
		r.undo = append(r.undo, Step{Do: "DELETE /api/userDataStore/" + seg[3], As: st.As, Auth: st.Auth})
	case method == "POST" && p == "/api/metadata" && st.JSON != nil && !strings.Contains(path, "importStrategy=DELETE") && !strings.Contains(path, "VALIDATE"):
		if ids := importedIDs(decode([]byte(substitute(string(st.JSON), r.vars)))); ids != nil {
			r.undo = append(r.undo, Step{Do: "POST /api/metadata?importStrategy=DELETE&atomicMode=NONE", JSON: ids})
		}
	case method == "POST" && p == "/api/apps" && st.App != nil:
		m := decode(st.App)
		key := pick(m, "short_name")
		if key == nil {
			key = strings.ToLower(scalar(pick(m, "name")))
		}
		r.undo = append(r.undo, Step{Do: "DELETE /api/apps/" + scalar(key) + "?deleteAppData=true"})
	case method == "POST" && len(seg) == 3 && a.Status == 201:
		if uid := pick(parsed, "response.uid"); uid != nil {
			r.undo = append(r.undo, Step{Do: "DELETE " + p + "/" + scalar(uid)})
		}
	}
}

func importedIDs(payload any) json.RawMessage {
	o, _ := payload.(map[string]any)
	ids, any1 := map[string][]map[string]any{}, false
	for kind, v := range o {
		l, ok := v.([]any)
		if !ok {
			continue
		}
		ids[kind] = []map[string]any{}
		for _, e := range l {
			if id := pick(e, "id"); id != nil && id != "" {
				ids[kind], any1 = append(ids[kind], map[string]any{"id": id}), true
			}
		}
	}
	if !any1 {
		return nil
	}
	raw, _ := json.Marshal(ids)
	return raw
}

// clean deletes in reverse; what is vetoed because something still refers to it
// goes in the next round.
func (r *run) clean() {
	left := slices.Clone(r.undo)
	slices.Reverse(left)
	for range 3 {
		var again []Step
		for _, st := range left {
			if a, err := r.send(r.t.SetupBase, st); err == nil && (a.Status == 409 || a.Status == 500) {
				again = append(again, st)
			}
		}
		left = again
	}
	for range 2 { // not everything of a payload can always go at once
		for _, st := range left {
			o, _ := decode(st.JSON).(map[string]any)
			for kind, l := range o {
				for _, e := range l.([]any) {
					_, _ = r.send(r.t.SetupBase, Step{Do: "DELETE /api/" + kind + "/" + scalar(pick(e, "id"))})
				}
			}
		}
	}
	r.undo = nil
}
