package metadata

import "slices"

// wants reports whether n asks for the member, and for what of it.
func (n *node) wants(s *schema, p *property) (*node, bool) {
	if n.excludes[p.name] {
		return nil, false
	}
	if c := n.includes[p.name]; c != nil {
		return c, true
	}
	if p.hidden {
		return nil, false
	}
	if n.all {
		return defaultNode("all"), true
	}
	for _, preset := range n.presets {
		if inPreset(s, p, preset) {
			return defaultNode(preset), true
		}
	}
	return nil, false
}

// defaultNode is a member that was asked for by a preset only.
func defaultNode(preset string) *node { return &node{all: true, preset: preset} }

var identifiableMembers = []string{"id", "name", "code", "created", "lastUpdated", "lastUpdatedBy"}

var nameableMembers = []string{"id", "name", "shortName", "description", "code", "created", "lastUpdated"}

func inPreset(s *schema, p *property, preset string) bool {
	switch preset {
	case "all":
		return true
	case "identifiable":
		return slices.Contains(identifiableMembers, p.name)
	case "nameable":
		return slices.Contains(nameableMembers, p.name)
	case "owner":
		return p.owner()
	case "persisted":
		return p.owner() || p.inverse != nil || p.notOwner && !p.calc
	case "simple":
		return p.simple()
	}
	return false
}

// nothingKnown reports whether only presets are asked that DHIS2 does not know; an
// object is then shown as if nothing were asked.
func (n *node) nothingKnown() bool {
	return len(n.order) == 0 && len(n.presets) > 0 && !slices.ContainsFunc(n.presets, func(p string) bool { return slices.Contains(knownPresets, p) })
}

var knownPresets = []string{"all", "identifiable", "nameable", "owner", "persisted", "simple"}

// pick keeps the named members of an object, or of every object of a list.
func pick(v any, c *node) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, m := range v {
			if n := c.includes[k]; n != nil {
				if len(n.order) > 0 {
					m = pick(m, n)
				}
				out[k] = m
			} else if len(c.presets) > 0 && !c.excludes[k] {
				out[k] = m
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = pick(v[i], c)
		}
		return out
	}
	return v
}
