package metadata

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// stageInMemory is how much of a payload is kept in memory; more goes into a file
// without a name, so that an import of any size needs little of it.
const stageInMemory = 8 << 20

// staged is one object of a payload. Its text lies in the stage.
type staged struct {
	uid, code string
	off       int64
	n         int
	seq       int64 // of the object that it updates, 0 if it is new
	given     bool  // the payload names the uid
	bad       bool  // has errors and is not stored
	index     int   // as the report counts
	errs      []errorReport
}

// stagedType are the objects of one type, in the order of the payload.
type stagedType struct {
	typ   *schema
	items []*staged
	byUID map[string]*staged
	extra int // objects that the report counts after the payload's own
}

// stage keeps a payload until it is checked and stored.
type stage struct {
	s     *Service
	mem   []byte
	file  *os.File
	size  int64
	types map[*schema]*stagedType
	total int
}

func (s *Service) newStage() *stage { return &stage{s: s, types: map[*schema]*stagedType{}} }

// close drops what was kept.
func (g *stage) close() {
	if g.file != nil {
		_ = g.file.Close() // the file has no name; nothing is lost
	}
}

// add keeps an object's text.
func (g *stage) add(typ *schema, raw []byte) error {
	t := g.types[typ]
	if t == nil {
		t = &stagedType{typ: typ, byUID: map[string]*staged{}}
		g.types[typ] = t
	}
	it := &staged{off: g.size, n: len(raw), index: len(t.items)}
	if err := it.identify(g.s, raw); err != nil {
		return err
	}
	if err := g.keep(raw); err != nil {
		return err
	}
	t.items = append(t.items, it)
	if t.byUID[it.uid] == nil {
		t.byUID[it.uid] = it
	}
	g.total++
	return nil
}

// identify finds uid and code; an object without a uid gets one.
func (it *staged) identify(s *Service, raw []byte) error {
	var ids struct {
		ID   any `json:"id"`
		UID  any `json:"uid"`
		Code any `json:"code"`
	}
	if err := json.Unmarshal(raw, &ids); err != nil {
		return fmt.Errorf("identify object: %w", err)
	}
	text := func(v any) string {
		switch v := v.(type) {
		case string:
			return v
		case float64:
			return javaDouble(v)
		}
		return ""
	}
	it.uid, it.code = text(ids.ID), text(ids.Code)
	if it.given = it.uid != ""; it.given {
		return nil
	}
	uid, err := dhis2.NewUID(s.cfg.Rand)
	it.uid = uid
	return err
}

func (g *stage) keep(raw []byte) error {
	if g.file == nil && len(g.mem)+len(raw) > stageInMemory {
		f, err := os.CreateTemp("", "d2gate-import-*")
		if err != nil {
			return fmt.Errorf("keep import: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			_ = f.Close() // the error that counts is the first
			return fmt.Errorf("keep import: %w", err)
		}
		if _, err := f.Write(g.mem); err != nil {
			_ = f.Close()
			return fmt.Errorf("keep import: %w", err)
		}
		g.file, g.mem = f, nil
	}
	g.size += int64(len(raw))
	if g.file == nil {
		g.mem = append(g.mem, raw...)
		return nil
	}
	if _, err := g.file.Write(raw); err != nil {
		return fmt.Errorf("keep import: %w", err)
	}
	return nil
}

// raw is an object's text.
func (g *stage) raw(it *staged) ([]byte, error) {
	if g.file == nil {
		return g.mem[it.off : it.off+int64(it.n)], nil
	}
	b := make([]byte, it.n)
	if _, err := g.file.ReadAt(b, it.off); err != nil {
		return nil, fmt.Errorf("read import: %w", err)
	}
	return b, nil
}

// decode reads an object as its type.
func (g *stage) decode(t *stagedType, it *staged) (document, error) {
	raw, err := g.raw(it)
	if err != nil {
		return nil, err
	}
	in, err := parseDocument(raw)
	if err != nil {
		return nil, fmt.Errorf("read import: %w", err)
	}
	doc, err := t.typ.coerce(in)
	if err != nil {
		return nil, err
	}
	doc["id"] = it.uid
	return doc, nil
}

// has reports whether the payload brings the object.
func (g *stage) has(typ *schema, uid string) bool {
	t := g.types[typ]
	return t != nil && t.byUID[uid] != nil && !t.byUID[uid].bad
}
