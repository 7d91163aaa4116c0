package metadata

import "github.com/d2gate/d2gate/internal/dhis2"

// fill gives the defaults of members that the payload leaves out.
func (b *bundle) fill(s *schema, doc document) {
	for _, p := range s.properties {
		if _, ok := doc[p.name]; ok || p.def == "" || !p.isStored() {
			continue
		}
		v, err := parseAny([]byte(p.def))
		if err == nil {
			doc[p.name] = v
		}
	}
	for _, p := range s.properties {
		if p.kind != kObjs || p.item == nil {
			continue
		}
		for _, v := range listOf(doc, p.name) {
			d, _ := v.(map[string]any)
			b.fillEmbedded(p.item, d, doc)
		}
	}
}

// fillEmbedded completes an embedded object: a uid of its own, and the reference to
// the object that holds it.
func (b *bundle) fillEmbedded(s *schema, doc, owner document) {
	b.fill(s, doc)
	for _, p := range s.properties {
		if p.ownerUID {
			doc[p.name] = id(textOf(owner, "id"))
		}
	}
	if !s.identifiable() || s.stored() {
		return
	}
	if textOf(doc, "id") == "" {
		if uid, err := dhis2.NewUID(b.s.cfg.Rand); err == nil {
			doc["id"] = uid
		}
	}
	if p := s.byName["created"]; p != nil && textOf(doc, "created") == "" {
		doc["created"] = b.now
	}
	if p := s.byName["lastUpdated"]; p != nil {
		doc["lastUpdated"] = b.now
	}
}
