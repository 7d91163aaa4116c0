package conform

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// judgeAll lists what of the expectation an answer misses.
func (r *caseRun) judgeAll(expect map[string]json.RawMessage, a Answer) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(expect)) {
		want := decode([]byte(r.fill(string(expect[k]))))
		for _, d := range r.expectation(k, want, a) {
			out = append(out, k+": "+d)
		}
	}
	if len(out) > 0 {
		out = append(out, fmt.Sprintf("answer: %d %v %s%s", a.Status, a.Headers, cut(string(a.Body), 1500), cut(a.Text, 500)))
	}
	return out
}

func (r *caseRun) expectation(kind string, want any, a Answer) []string {
	body, c := decode(a.Body), comparer{vars: r.vars}
	text := a.Text
	if a.Body != nil {
		text = string(a.Body)
	}
	switch kind {
	case "note":
		return nil
	case "status":
		return statusIs(want, a.Status)
	case "json_subset":
		return c.subset(want, body, "body")
	case "body":
		return c.same(want, body, "body")
	case "raw":
		if a.Body != nil { // a text that is JSON: the contract compares values so
			return sameJSON(want, text)
		}
		return differs(want, text)
	case "message":
		return differs(want, pick(body, "message"))
	case "not_message":
		if want == pick(body, "message") {
			return []string{"is " + scalar(want)}
		}
	case "header", "match":
		return r.pairs(kind, want, a, body)
	case "absent_header":
		return each(want, func(k string) string { return ifTrue(a.header(k) != "", "%s is there: %s", k, a.header(k)) })
	case "present":
		return each(want, func(p string) string { return ifTrue(pick(body, p) == nil, "%s is not there", p) })
	case "absent":
		return each(want, func(p string) string { return ifTrue(pick(body, p) != nil, "%s is there", p) })
	case "contains":
		return each(want, func(s string) string { return ifTrue(!strings.Contains(plain(text, body), s), "lacks %q", s) })
	case "not_contains":
		return each(want, func(s string) string { return ifTrue(strings.Contains(text, s), "holds %q", s) })
	case "ordered":
		if strings.Contains(string(r.c.Expect["note"]), "may be interleaved") {
			return shape("among", want, body, c)
		}
		return shape(kind, want, body, c)
	case "size", "min_size", "array_size", "set_equals", "set_equals_path", "keys", "keys_of", "keys_subset_of", "each_keys", "contains_item":
		return shape(kind, want, body, c)
	case "any_error":
		return ifAny(!anyError(want, body, c), "no error report like %s", dumps(want))
	case "then":
		return r.then(want)
	default:
		return []string{"this expectation is not understood"}
	}
	return nil
}

// plain is the text that a reader sees: JSON's own escapes undone.
func plain(text string, body any) string {
	if body == nil {
		return text
	}
	var b strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, e := range x {
				b.WriteString(k + "\n")
				walk(e)
			}
		case []any:
			for _, e := range x {
				walk(e)
			}
		default:
			b.WriteString(scalar(x) + "\n")
		}
	}
	walk(body)
	return text + "\n" + b.String()
}

func (a Answer) header(k string) string { return a.Headers[strings.ToLower(k)] }

func statusIs(want any, got int) []string {
	switch w := want.(type) {
	case []any:
		for _, e := range w {
			if len(statusIs(e, got)) == 0 {
				return nil
			}
		}
		return []string{fmt.Sprintf("want one of %v, got %d", w, got)}
	case string:
		if w == "any" || strings.HasSuffix(w, "xx") && got/100 == int(w[0]-'0') {
			return nil
		}
	case json.Number:
		if w.String() == fmt.Sprint(got) {
			return nil
		}
	}
	return []string{fmt.Sprintf("want %v, got %d", want, got)}
}

// subset is same without complaint about members that were not asked for.
func (c comparer) subset(want, got any, path string) []string {
	w, isObject := want.(map[string]any)
	if !isObject {
		return c.same(want, got, path)
	}
	g, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: want an object, got %s", path, cut(dumps(got), 120))}
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(w)) {
		v, there := g[k]
		if !there && w[k] != nil {
			out = append(out, fmt.Sprintf("%s.%s: missing (want %s)", path, k, dumps(w[k])))
			continue
		}
		out = append(out, c.subset(w[k], v, path+"."+k)...)
	}
	return out
}

func (r *caseRun) pairs(kind string, want any, a Answer, body any) []string {
	var out []string
	for k, w := range want.(map[string]any) {
		h, isHeader := strings.CutPrefix(k, "header.")
		if kind == "header" {
			h, isHeader = k, true
		}
		got := scalar(pick(body, k))
		if isHeader {
			got = a.header(h)
		}
		ok := got == scalar(w)
		if kind == "header" && strings.EqualFold(h, "Content-Type") {
			x, _, _ := strings.Cut(got, ";")
			y, _, _ := strings.Cut(scalar(w), ";")
			ok = x == y
		}
		if kind == "header" && strings.EqualFold(h, "Location") {
			ok = strings.HasSuffix(got, scalar(w))
		}
		if kind == "match" {
			ok = regexp.MustCompile(scalar(w)).MatchString(got)
		}
		if !ok {
			out = append(out, fmt.Sprintf("%s: want %q, got %q", k, scalar(w), got))
		}
	}
	return out
}

func anyError(want, v any, c comparer) bool {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if l, ok := e.([]any); ok && k == "errorReports" && slices.ContainsFunc(l, func(e any) bool { return isError(want, e, c) }) {
				return true
			}
			if anyError(want, e, c) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(x, func(e any) bool { return anyError(want, e, c) })
	}
	return false
}

// isError judges one error report. "message_contains" is a part of its message.
func isError(want, e any, c comparer) bool {
	w, _ := want.(map[string]any)
	exact := map[string]any{}
	for k, v := range w {
		if name, part := strings.CutSuffix(k, "_contains"); part {
			if !strings.Contains(scalar(pick(e, name)), scalar(v)) {
				return false
			}
			continue
		}
		exact[k] = v
	}
	return len(c.subset(exact, e, "")) == 0
}

// lookBefore notes what the members have that must be unchanged afterwards.
func (r *caseRun) lookBefore(then json.RawMessage) error {
	w, _ := decode(then).(map[string]any)
	for do, members := range w {
		m, _ := members.(map[string]any)
		for k, v := range m {
			if v != "unchanged" {
				continue
			}
			a, err := r.ask(Request{Method: "GET", Path: strings.TrimPrefix(do, "GET ")})
			if err != nil || a.Status != 200 {
				return fmt.Errorf("look at %s before: %d %v", do, a.Status, err)
			}
			r.before[do+" "+k] = pick(decode(a.Body), k)
		}
	}
	return nil
}

// then sends follow-up requests: "GET /path (as user)" -> what they answer.
func (r *caseRun) then(want any) []string {
	var out []string
	for do, w := range want.(map[string]any) {
		for _, d := range r.follow(do, w) {
			out = append(out, do+": "+d)
		}
	}
	return out
}

func (r *caseRun) follow(do string, want any) []string {
	if token, ok := strings.CutPrefix(do, "auth with "); ok {
		a, err := r.ask(Request{Method: "GET", Path: "/api/me", Headers: map[string]string{"Authorization": "ApiToken " + token}})
		return ifAny(err != nil || a.Status != 200, "%d %v", a.Status, err)
	}
	method, path, _ := strings.Cut(do, " ")
	as := ""
	if i := strings.Index(path, " (as "); i >= 0 {
		as, path = strings.TrimSuffix(path[i+len(" (as "):], ")"), path[:i]
	}
	a, err := r.ask(Request{Method: method, Path: path, As: as})
	if err != nil {
		return []string{err.Error()}
	}
	body, c := decode(a.Body), comparer{vars: r.vars}
	w, isObject := want.(map[string]any)
	if !isObject {
		return c.same(want, body, "body")
	}
	var out []string
	for k, v := range w {
		switch {
		case k == "status":
			out = append(out, statusIs(v, a.Status)...)
		case k == "raw":
			text := a.Text
			if a.Body != nil {
				text = string(a.Body)
			}
			out = append(out, sameJSON(v, text)...)
		case strings.HasSuffix(k, ".length"):
			l := pick(body, strings.TrimSuffix(k, ".length"))
			out = append(out, differs(v, json.Number(fmt.Sprint(length(l))))...)
		case v == "unchanged":
			out = append(out, c.same(r.before[do+" "+k], pick(body, k), k)...)
		case v == "present":
			out = append(out, ifAny(pick(body, k) == nil, "%s is not there", k)...)
		default:
			out = append(out, c.subset(v, pick(body, k), k)...)
		}
	}
	if len(w) == 0 {
		out = append(out, c.same(want, body, "body")...)
	}
	return out
}

// sameJSON compares two JSON texts as JSON.
func sameJSON(want any, got string) []string {
	return comparer{}.same(decode([]byte(scalar(want))), decode([]byte(got)), "raw")
}

func differs(want, got any) []string {
	if equal(want, got) {
		return nil
	}
	return []string{fmt.Sprintf("want %s, got %s", scalar(want), cut(scalar(got), 500))}
}

func ifTrue(bad bool, format string, args ...any) string {
	if !bad {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func ifAny(bad bool, format string, args ...any) []string {
	if !bad {
		return nil
	}
	return []string{fmt.Sprintf(format, args...)}
}

func each(list any, judge func(string) string) []string {
	l, ok := list.([]any)
	if !ok {
		l = []any{list}
	}
	var out []string
	for _, e := range l {
		if d := judge(scalar(e)); d != "" {
			out = append(out, d)
		}
	}
	return out
}
