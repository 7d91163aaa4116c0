package metadata

import "fmt"

// frame is an open object or array.
type frame struct {
	close     byte
	line, col int
}

func (f frame) name() string {
	if f.close == '}' {
		return "Object"
	}
	return "Array"
}

func (s *scanner) unclosed(f frame) error {
	return s.fail("Unexpected end-of-input: expected close marker for %s (start marker at %s)", f.name(), fmt.Sprintf(redactedSource, f.line, f.col))
}

func (s *scanner) wrongClose(b byte, f frame) error {
	return s.fail("Unexpected close marker '%c': expected '%c' (for %s starting at %s)", b, f.close, f.name(), fmt.Sprintf(redactedSource, f.line, f.col))
}

// open consumes { or [ and returns its frame.
func (s *scanner) open(b byte, depth int) (frame, error) {
	f := frame{close: '}', line: s.line, col: s.col}
	if b == '[' {
		f.close = ']'
	}
	s.take()
	if depth >= maxDepth {
		return f, s.fail("Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", depth+1, maxDepth)
	}
	return f, nil
}

// more moves to the next entry of an open object or array: true when there is
// one, false when it was closed. First says that no entry was read yet.
func (s *scanner) more(f frame, first bool) (bool, error) {
	b, ok, err := s.skipSpace()
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, s.unclosed(f)
	case b == f.close:
		s.take()
		return false, nil
	case b == '}' || b == ']':
		return false, s.wrongClose(b, f)
	case first:
		return true, nil
	case b != ',':
		return false, s.fail("%s: was expecting comma to separate %s entries", unexpected(b), f.name())
	}
	s.take()
	b, ok, err = s.skipSpace()
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, s.fail("Unexpected end-of-input within/between %s entries", f.name())
	case b == '}' || b == ']':
		if f.close == '}' {
			return false, s.fail("%s: was expecting double-quote to start field name", unexpected(b))
		}
		return false, s.fail("%s: expected a value", unexpected(b))
	}
	return true, nil
}

// key reads a member's name and its colon. The name is given as written, without
// quotes.
func (s *scanner) key(f frame) (string, error) {
	b, _, err := s.skipSpace()
	if err != nil {
		return "", err
	}
	if b != '"' {
		return "", s.fail("%s: was expecting double-quote to start field name", unexpected(b))
	}
	name, err := s.text(true)
	if err != nil {
		return "", err
	}
	b, ok, err := s.skipSpace()
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", s.fail("Unexpected end-of-input within/between %s entries", f.name())
	case b != ':':
		return "", s.fail("%s: was expecting a colon to separate field name and value", unexpected(b))
	}
	s.take()
	if _, ok, err = s.skipSpace(); err != nil {
		return "", err
	} else if !ok {
		return "", s.fail("Unexpected end-of-input within/between %s entries", f.name())
	}
	return name, nil
}

func (s *scanner) container(b byte, depth int) error {
	f, err := s.open(b, depth)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := s.more(f, first)
		if err != nil || !more {
			return err
		}
		if f.close == '}' {
			if _, err := s.key(f); err != nil {
				return err
			}
		}
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
}
