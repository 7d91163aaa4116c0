package conform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shape judges sizes, sets, orders and members.
func shape(kind string, want, body any, c comparer) []string {
	switch kind {
	case "array_size":
		return differs(want, json.Number(fmt.Sprint(length(body))))
	case "set_equals":
		return sets(want, body)
	case "keys":
		return sets(want, names(body))
	case "keys_subset_of":
		return each(anyList(names(body)), func(k string) string {
			return ifTrue(!slices.Contains(want.([]any), any(k)), "%s is there", k)
		})
	case "contains_item":
		l, _ := body.([]any)
		return ifAny(!slices.ContainsFunc(l, func(e any) bool { return len(c.subset(want, e, "")) == 0 }), "no item like %s in %s", dumps(want), dumps(body))
	}
	var out []string
	for path, w := range want.(map[string]any) {
		got := pick(body, path)
		if strings.Contains(path, ".*.") {
			got = pluck(body, path)
		}
		var d []string
		switch kind {
		case "size":
			d = differs(w, json.Number(fmt.Sprint(length(got))))
		case "min_size":
			n, _ := w.(json.Number).Int64()
			d = ifAny(int64(length(got)) < n, "%d are fewer than %d", length(got), n)
		case "set_equals_path":
			d = sets(w, got)
		case "keys_of":
			d = sets(w, names(got))
		case "ordered":
			d = differs(dumps(w), dumps(got))
		case "among": // in this order, with others between them
			d = differs(dumps(w), dumps(only(got, w)))
		case "each_keys":
			l, _ := got.([]any)
			for _, e := range l {
				d = append(d, sets(w, names(e))...)
			}
		}
		for _, s := range d {
			out = append(out, path+": "+s)
		}
	}
	return out
}

// only keeps those of a list that are wanted.
func only(list, wanted any) []any {
	l, _ := list.([]any)
	w, _ := wanted.([]any)
	out := []any{}
	for _, e := range l {
		if slices.ContainsFunc(w, func(x any) bool { return dumps(x) == dumps(e) }) {
			out = append(out, e)
		}
	}
	return out
}

func length(v any) int {
	switch x := v.(type) {
	case []any:
		return len(x)
	case map[string]any:
		return len(x)
	case string:
		return len(x)
	}
	return -1
}

func names(v any) any {
	o, _ := v.(map[string]any)
	return anyList(slices.Sorted(maps.Keys(o)))
}

func anyList(v any) any {
	l, ok := v.([]string)
	if !ok {
		return v
	}
	out := make([]any, len(l))
	for i, s := range l {
		out[i] = s
	}
	return out
}

func sets(want, got any) []string {
	text := func(v any) []string {
		l, _ := v.([]any)
		var out []string
		for _, e := range l {
			out = append(out, dumps(e))
		}
		slices.Sort(out)
		return out
	}
	if w, g := text(want), text(got); !slices.Equal(w, g) {
		return []string{fmt.Sprintf("want %v, got %v", w, g)}
	}
	return nil
}

// pluck follows "list.*.member".
func pluck(v any, path string) any {
	before, after, _ := strings.Cut(path, ".*.")
	l, _ := pick(v, before).([]any)
	out := make([]any, 0, len(l))
	for _, e := range l {
		out = append(out, pick(e, after))
	}
	return out
}
