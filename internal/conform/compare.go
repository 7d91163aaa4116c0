package conform

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

const anything = "{{*any}}"

var (
	wildcards = map[string]string{
		"uid":   `[A-Za-z][A-Za-z0-9]{10}`,
		"time":  `\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d{4}|[+-]\d\d:\d\d)?`,
		"token": `d2p(?:at)?_[A-Za-z0-9]{40,60}`,
		"uuid":  `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
		"any":   `[\s\S]*?`,
	}
	variable = regexp.MustCompile(`\{\{(\*?)(\w+)\}\}`)
	// ours are members that d2gate may add to DHIS2's answer.
	ours = map[string]bool{"gateway": true, "lastUsed": true, "lastUsedFrom": true}
	// unordered lists come in hash-map order from DHIS2.
	unordered = map[string]bool{"errorReports": true, "properties": true, "schemas": true, "typeReports": true}
)

// comparer knows the saved values, and which lists of this step are unordered
// besides those that always are.
type comparer struct {
	vars      map[string]any
	unordered []any
}

// same lists the differences between a recorded value and an answered one.
func (c comparer) same(want, got any, path string) []string {
	if want == anything {
		return nil
	}
	switch w := want.(type) {
	case map[string]any:
		return c.sameObject(w, got, path)
	case []any:
		return c.sameList(w, got, path)
	case string:
		if strings.Contains(w, "{{") {
			g := scalar(got)
			if pattern(w, c.vars).MatchString(g) {
				return nil
			}
			return []string{fmt.Sprintf("%s: want %q, got %q", path, w, cut(g, 200))}
		}
	}
	if equal(want, got) {
		return nil
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", path, cut(dumps(want), 200), cut(dumps(got), 200))}
}

func (c comparer) sameObject(want map[string]any, got any, path string) []string {
	g, ok := got.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s: want an object, got %s", path, cut(dumps(got), 120))}
	}
	var diffs []string
	w := make(map[string]any, len(want))
	for k, v := range want {
		w[substitute(k, c.vars)] = v
	}
	for _, k := range slices.Sorted(maps.Keys(w)) {
		v, there := g[k]
		switch {
		case there:
			diffs = append(diffs, c.same(w[k], v, path+"."+k)...)
		case w[k] != anything:
			diffs = append(diffs, fmt.Sprintf("%s.%s: missing (want %s)", path, k, cut(dumps(w[k]), 100)))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(g)) {
		if _, there := w[k]; !there && !ours[k] {
			diffs = append(diffs, fmt.Sprintf("%s.%s: not in DHIS2's answer (%s)", path, k, cut(dumps(g[k]), 80)))
		}
	}
	return diffs
}

func (c comparer) sameList(want []any, got any, path string) []string {
	g, ok := got.([]any)
	if !ok {
		return []string{fmt.Sprintf("%s: want a list, got %s", path, cut(dumps(got), 120))}
	}
	if len(want) != len(g) {
		return []string{fmt.Sprintf("%s: want %d items, got %d: %s", path, len(want), len(g), cut(dumps(got), 300))}
	}
	name := path[strings.LastIndexByte(path, '.')+1:]
	if (unordered[name] || slices.Contains(c.unordered, any(name))) && c.sameInAnyOrder(want, g) {
		return nil
	}
	var diffs []string
	for i := range want {
		diffs = append(diffs, c.same(want[i], g[i], fmt.Sprintf("%s[%d]", path, i))...)
	}
	return diffs
}

func (c comparer) sameInAnyOrder(want, got []any) bool {
	rest := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(rest, func(g any) bool { return len(c.same(w, g, "")) == 0 })
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

// equal compares scalars; numbers by value, true never equals 1.
func equal(a, b any) bool {
	x, xok := a.(json.Number)
	y, yok := b.(json.Number)
	if xok && yok {
		f, err1 := x.Float64()
		g, err2 := y.Float64()
		return x == y || err1 == nil && err2 == nil && f == g
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// pattern turns a recorded text with variables and wildcards into a regexp.
func pattern(want string, vars map[string]any) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`\A(?:`)
	last := 0
	for _, m := range variable.FindAllStringSubmatchIndex(want, -1) {
		b.WriteString(regexp.QuoteMeta(want[last:m[0]]))
		name := want[m[4]:m[5]]
		if m[3] > m[2] {
			b.WriteString("(?:" + wildcards[name] + ")")
		} else if v, ok := vars[name]; ok {
			b.WriteString(regexp.QuoteMeta(scalar(v)))
		} else {
			b.WriteString(regexp.QuoteMeta(want[m[0]:m[1]]))
		}
		last = m[1]
	}
	b.WriteString(regexp.QuoteMeta(want[last:]) + `)\z`)
	return regexp.MustCompile(b.String())
}

// substitute fills {{name}} from the saved values; unknown names stay.
func substitute(s string, vars map[string]any) string {
	if !strings.Contains(s, "{{") {
		return s
	}
	s = fillTOTP(s, vars)
	return variable.ReplaceAllStringFunc(s, func(m string) string {
		if v, ok := vars[m[2:len(m)-2]]; ok {
			return scalar(v)
		}
		return m
	})
}

func scalar(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case nil:
		return "None"
	case bool:
		return strings.ToUpper(strconv.FormatBool(x)[:1]) + strconv.FormatBool(x)[1:]
	}
	return dumps(v)
}

// dumps writes JSON with ", " and ": " and ASCII only: recorded lists are sorted
// by this text.
func dumps(v any) string {
	var b strings.Builder
	write(&b, v)
	return b.String()
}

func write(b *strings.Builder, v any) {
	switch x := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(ascii(k) + ": ")
			write(b, x[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range x {
			if i > 0 {
				b.WriteString(", ")
			}
			write(b, e)
		}
		b.WriteByte(']')
	case string:
		b.WriteString(ascii(x))
	case nil:
		b.WriteString("null")
	default:
		fmt.Fprint(b, x)
	}
}

func ascii(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r > 0x7e && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// pick follows a dotted path; numbers index lists, also from the end.
func pick(x any, path string) any {
	for k := range strings.SplitSeq(path, ".") {
		switch v := x.(type) {
		case []any:
			i, err := strconv.Atoi(k)
			if err != nil || i < -len(v) || i >= len(v) {
				return nil
			}
			if i < 0 {
				i += len(v)
			}
			x = v[i]
		case map[string]any:
			x = v[k]
		default:
			return nil
		}
	}
	return x
}

// settle sorts type reports: a hash map by class in DHIS2.
func settle(x any) any {
	switch v := x.(type) {
	case map[string]any:
		for k, e := range v {
			settle(e)
			if l, ok := e.([]any); ok && k == "typeReports" {
				sort.SliceStable(l, func(i, j int) bool { return scalar(pick(l[i], "klass")) < scalar(pick(l[j], "klass")) })
			}
		}
	case []any:
		for _, e := range v {
			settle(e)
		}
	}
	return x
}

// narrow sorts an unordered list and keeps the wanted items of it.
func narrow(x any, items any, order any) any {
	if names, ok := order.([]any); ok {
		x = sortNamed(x, names)
	}
	l, ok := x.([]any)
	if !ok || items == nil && order != true {
		return x
	}
	var kept []any
	for _, e := range l {
		if wanted(e, items) {
			kept = append(kept, e)
		}
	}
	if kept == nil {
		kept = []any{}
	}
	sort.SliceStable(kept, func(i, j int) bool { return dumps(kept[i]) < dumps(kept[j]) })
	return kept
}

func wanted(e, items any) bool {
	in := func(list any, v any) bool {
		l, _ := list.([]any)
		return slices.ContainsFunc(l, func(w any) bool { return dumps(w) == dumps(v) })
	}
	switch it := items.(type) {
	case map[string]any:
		o, ok := e.(map[string]any)
		if !ok {
			return false
		}
		for f, values := range it {
			if !in(values, o[f]) {
				return false
			}
		}
		return true
	case []any:
		return in(it, e)
	}
	return true
}

func sortNamed(x any, names []any) any {
	switch v := x.(type) {
	case map[string]any:
		for k, e := range v {
			e = sortNamed(e, names)
			if l, ok := e.([]any); ok && slices.Contains(names, any(k)) {
				sort.SliceStable(l, func(i, j int) bool { return dumps(l[i]) < dumps(l[j]) })
			}
			v[k] = e
		}
	case []any:
		for i, e := range v {
			v[i] = sortNamed(e, names)
		}
	}
	return x
}
