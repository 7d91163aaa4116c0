package metadata

import (
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// gistOperators are the Gist engine's, by its spellings.
var gistOperators = map[string]string{
	"eq": "eq", "!eq": "!eq", "ne": "!eq", "neq": "!eq", "ieq": "ieq", "gt": "gt", "gte": "ge", "ge": "ge", "lt": "lt", "lte": "le", "le": "le",
	"like": "like", "!like": "!like", "$like": "$like", "!$like": "!$like", "like$": "like$", "!like$": "!like$",
	"ilike": "ilike", "!ilike": "!ilike", "startsWith": "$ilike", "$ilike": "$ilike", "!$ilike": "!$ilike", "!startsWith": "!$ilike", "startsLike": "$like",
	"endsWith": "ilike$", "ilike$": "ilike$", "!ilike$": "!ilike$", "!endsWith": "!ilike$", "in": "in", "!in": "!in", "null": "null", "!null": "!null", "empty": "empty", "!empty": "!empty",
	"token": "token", "!token": "!token",
}

// gistFilters reads filters with the Gist engine's complaints.
func (c *request) gistFilters() ([]*filter, error) {
	var out []*filter
	for _, param := range c.query["filter"] {
		for _, t := range splitPieces(param) {
			if t = strings.TrimSpace(t); t == "" {
				continue
			}
			f, err := c.gistFilter(t)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func (c *request) gistFilter(text string) (*filter, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) < 2 || parts[1] == "" {
		return nil, problem.BadRequest("Not a valid filter expression: %s", text)
	}
	canonical := gistOperators[parts[1]]
	if canonical == "" {
		return nil, problem.BadRequest("Not an comparison operator symbol: %s", parts[1])
	}
	f := &filter{text: text, op: canonical}
	if err := f.resolve(c.s.cat, c.typ, parts[0]); err != nil {
		return nil, problem.BadRequest("Property `%s` does not exist in %s", parts[0], c.typ.singular)
	}
	f.op, f.not = strings.TrimPrefix(canonical, "!"), strings.HasPrefix(canonical, "!")
	unary := f.op == "null" || f.op == "empty"
	switch {
	case len(parts) == 3 && unary:
		return nil, problem.BadRequest("Filter `%s:%s:[%s]` uses an unary operator and does not need an argument.", parts[0], parts[1], parts[2])
	case len(parts) == 2 && !unary:
		return nil, problem.BadRequest("Filter `%s:%s:[]` uses a binary operator that does need an argument.", parts[0], parts[1])
	case len(parts) == 3:
		f.value = parts[2]
	}
	if f.op == "in" && !strings.HasPrefix(f.value, "[") {
		f.value = "[" + f.value + "]"
	}
	if err := f.check(); err != nil {
		class := "java.lang.String"
		if f.final != nil {
			class = f.final.class()
		}
		return nil, problem.BadRequest("Type class %s is not compatible with provided filter value: `%s`", class, f.value)
	}
	return f, nil
}
