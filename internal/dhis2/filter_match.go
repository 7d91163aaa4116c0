package dhis2

import (
	"strings"
	"unicode"
)

// Matches reports whether all conditions hold for an object, or with or one of
// them. No conditions hold always. The error is of docs.
func Matches(conditions []*Condition, or bool, o *Object, docs Documents) (bool, error) {
	for _, c := range conditions {
		ok, err := c.Matches(o, docs)
		if err != nil || ok == or {
			return ok, err
		}
	}
	return !or || len(conditions) == 0, nil
}

// Matches reports whether the condition holds for an object. Through a collection
// one item that fits is enough. Null fits null and empty alone, as in SQL.
func (c *Condition) Matches(o *Object, docs Documents) (bool, error) {
	if c.any != nil {
		// a negated token must miss everywhere, the others may fit anywhere
		return Matches(c.any, !c.any[0].op.negate, o, docs)
	}
	if c.attribute != "" {
		return c.fits(attributeValue(o, c.attribute)), nil
	}
	return c.walk(o, 0, docs)
}

// walk follows the path from step i on.
func (c *Condition) walk(o *Object, i int, docs Documents) (bool, error) {
	v, err := c.member(o, i, docs)
	if err != nil {
		return false, err
	}
	if i == len(c.path)-1 {
		return c.fits(v), nil
	}
	switch v := v.(type) {
	case *Object:
		return c.into(v, i, docs)
	case []any:
		for _, item := range v {
			next, ok := item.(*Object)
			if !ok {
				continue
			}
			if ok, err := c.into(next, i, docs); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	}
	return c.op.kind == isNull && !c.op.negate, nil
}

func (c *Condition) member(o *Object, i int, docs Documents) (any, error) {
	s := c.path[i]
	if s.property == nil {
		v, _ := o.Get(s.name)
		return v, nil
	}
	return docs.Value(s.schema, o, s.property)
}

// into goes on inside a value, which it looks up when it is a reference that does
// not hold what comes next.
func (c *Condition) into(o *Object, i int, docs Documents) (bool, error) {
	here, next := c.path[i], c.path[i+1]
	if here.property != nil && here.property.IsReference() && next.name != "id" {
		whole, err := docs.Object(here.property.Item, o.Text("id"))
		if err != nil {
			return false, err
		}
		if whole != nil {
			o = whole
		}
	}
	return c.walk(o, i+1, docs)
}

// fits compares one value.
func (c *Condition) fits(v any) bool {
	switch c.op.kind {
	case isNull:
		return (v == nil) != c.op.negate
	case isEmpty:
		n, ok := sizeOf(v)
		return (v == nil || ok && n == 0) != c.op.negate
	}
	class := c.class
	if class == classText || class == classReference {
		if _, isObject := v.(*Object); isObject && class == classText {
			class = classSize // a set that no schema describes
		} else if _, isList := v.([]any); isList {
			class = classSize
		}
	}
	got, ok := valueOperand(class, v)
	if !ok {
		return false
	}
	return c.compare(got) != c.op.negate
}

func (c *Condition) compare(got operand) bool {
	if c.op.kind == isIn {
		for _, w := range c.want {
			if got.compare(w) == 0 {
				return true
			}
		}
		return false
	}
	want := c.want[0]
	if c.op.folds() {
		got.text = strings.ToLower(got.text)
	}
	switch c.op.kind {
	case isEqual:
		return got.compare(want) == 0
	case isGreater:
		return got.compare(want) > 0
	case isGreaterOrEqual:
		return got.compare(want) >= 0
	case isLess:
		return got.compare(want) < 0
	case isLessOrEqual:
		return got.compare(want) <= 0
	case isEqualFold:
		return got.text == want.text
	case isLike, isLikeFold:
		return strings.Contains(got.text, want.text)
	case isPrefix, isPrefixFold:
		return strings.HasPrefix(got.text, want.text)
	case isSuffix, isSuffixFold:
		return strings.HasSuffix(got.text, want.text)
	}
	return c.tokens(got.text, want.text)
}

// tokens reports whether every word of want begins some word of got; ids and
// codes must be given whole (DHIS2 2.44, observed).
func (c *Condition) tokens(got, want string) bool {
	whole := c.property.Name == "id" || c.property.Name == "code"
	words := strings.FieldsFunc(got, notWord)
	for _, w := range strings.Fields(want) {
		if whole {
			if got != w {
				return false
			}
			continue
		}
		if !beginsSome(words, strings.FieldsFunc(w, notWord)) {
			return false
		}
	}
	return true
}

func notWord(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '_' }

func beginsSome(words, parts []string) bool {
	for _, p := range parts {
		found := false
		for _, w := range words {
			found = found || strings.HasPrefix(w, p)
		}
		if !found {
			return false
		}
	}
	return true
}
