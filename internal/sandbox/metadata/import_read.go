package metadata

import (
	"encoding/json"
	"io"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// read stages a payload: {"<plural>": [objects]}. What is no object, no type or no
// list is passed over, as DHIS2 does; what is no JSON is a *jsonError.
func (g *stage) read(r io.Reader) error {
	s := newScanner(r)
	b, ok, err := s.skipSpace()
	if err != nil || !ok {
		return err
	}
	if b != '{' {
		if err := s.value(0); err != nil {
			return err
		}
		return s.drain()
	}
	f, err := s.open(b, 0)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(f, first)
		if err != nil {
			return err
		}
		if !more {
			return s.drain()
		}
		name, err := s.key(f)
		if err != nil {
			return err
		}
		if err := g.readMember(s, name); err != nil {
			return err
		}
	}
}

func (g *stage) readMember(s *scanner, name string) error {
	typ := g.s.cat.byPlural[name]
	b, _, err := s.skipSpace()
	if err != nil {
		return err
	}
	if typ == nil || !typ.stored() || b != '[' {
		return s.value(1)
	}
	f, err := s.open(b, 1)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(f, first)
		if err != nil || !more {
			return err
		}
		raw, err := s.capture(2)
		if err != nil {
			return err
		}
		if err := g.readObject(typ, raw); err != nil {
			return err
		}
	}
}

func (g *stage) readObject(typ *schema, raw []byte) error {
	if len(raw) > 0 && raw[0] == '{' {
		return g.add(typ, raw)
	}
	v, err := parseAny(raw)
	if err != nil || v == nil {
		return err
	}
	switch v := v.(type) {
	case string:
		return problem.Plain409("Cannot construct instance of `%s` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('%s')\n at [Source: UNKNOWN; byte offset: #UNKNOWN]", typ.className(), v)
	case json.Number:
		return problem.Plain409("Cannot construct instance of `%s` (although at least one Creator exists): no int/Int-argument constructor/factory method to deserialize from Number value (%s)\n at [Source: UNKNOWN; byte offset: #UNKNOWN]", typ.className(), v)
	}
	what, token := tokenOf(v)
	return problem.Plain409("Cannot deserialize value of type `%s` from %s (token `JsonToken.%s`)\n at [Source: UNKNOWN; byte offset: #UNKNOWN]", typ.className(), what, token)
}
