package metadata

import (
	"slices"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// This file is DHIS2's Gist API, and the bridge that serves plain lists through it
// (2.44 gist/GistBridge.java, observed): its pages, its addresses, its errors.

// bridgeParams are the only parameters that a bridged list may have.
var bridgeParams = []string{"fields", "filter", "order", "page", "pageSize", "paging", "locale", "rootJunction", "gist"}

// bridges reports whether a list is served by the Gist engine: paged, with simple
// parameters only.
func (c *request) bridges(p listParams, n *node) bool {
	if !p.paging || p.gist == "false" || c.typ.singular == "attribute" || len(c.query["fields"]) > 1 {
		return false
	}
	for k := range c.query {
		if !slices.Contains(bridgeParams, k) {
			return false
		}
	}
	return c.bridgesFields(n) && c.bridgesFilters() && c.bridgesOrder()
}

func (c *request) bridgesFields(n *node) bool {
	isDefault := strings.TrimSpace(strings.Join(c.query["fields"], "")) == ""
	if isDefault {
		return c.typ.translatable
	}
	if len(n.presets) > 0 || n.all || len(n.order) == 0 {
		return false
	}
	for _, name := range n.order {
		p, f := c.typ.byName[name], n.includes[name]
		if p == nil || slices.ContainsFunc(f.transforms, func(t transform) bool { return t.name != "rename" }) {
			return false
		}
		if !f.all {
			if !c.bridgesNested(p, f) {
				return false
			}
			continue
		}
		display := name == "displayName" && c.typ.translatable
		if !display && !(p.simple() && p.isStored() || p.calcOwner || p.kind == kShare) {
			return false
		}
	}
	return true
}

// bridgesNested: one level into objects with a uid.
func (c *request) bridgesNested(p *property, f *node) bool {
	if p.kind != kRef && p.kind != kRefs || p.item == nil || !p.item.identifiable() || len(f.presets) > 0 {
		return false
	}
	for _, name := range f.order {
		m := p.item.byName[name]
		if m == nil || !m.simple() || !m.isStored() || !f.includes[name].all || slices.ContainsFunc(f.includes[name].transforms, func(t transform) bool { return t.name != "rename" }) {
			return false
		}
	}
	return len(f.order) > 0
}

func (c *request) bridgesFilters() bool {
	for _, t := range dhis2.SplitFilters(c.query["filter"]) {
		parts := strings.SplitN(t, ":", 3)
		if len(parts) < 2 || strings.Contains(parts[0], ".") {
			return false
		}
		p := c.typ.byName[parts[0]]
		if p == nil || p.calc && !p.calcOwner || gistOperators[parts[1]] == "" || strings.HasSuffix(parts[1], "token") {
			return false
		}
		if p.kind == kEnum && strings.Contains(parts[1], "like") {
			return false
		}
	}
	for _, p := range c.query["filter"] {
		for _, f := range splitPieces(p) {
			if !strings.Contains(f, ":") {
				return false
			}
		}
	}
	return true
}

// splitPieces cuts at commas outside brackets and keeps everything.
func splitPieces(p string) []string {
	var out []string
	depth, start := 0, 0
	for i := range len(p) {
		switch p[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth <= 0 {
				out = append(out, p[start:i])
				start = i + 1
			}
		}
	}
	return append(out, p[start:])
}

func (c *request) bridgesOrder() bool {
	for _, p := range c.query["order"] {
		for t := range strings.SplitSeq(p, ",") {
			name, dir, _ := strings.Cut(strings.TrimSpace(t), ":")
			pr := c.typ.byName[name]
			if pr == nil || pr.calc && !pr.calcOwner && !(name == "displayName" && c.typ.translatable) || strings.HasPrefix(strings.ToLower(dir), "i") {
				return false
			}
		}
	}
	return true
}
