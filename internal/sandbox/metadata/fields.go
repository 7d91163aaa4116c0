package metadata

import (
	"errors"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// node is a member that a fields parameter asks for.
type node struct {
	name       string
	all        bool // no members were named: the default of what it is
	preset     string
	includes   map[string]*node
	order      []string // of the includes, as asked
	excludes   map[string]bool
	presets    []string
	transforms []transform
}

// transform is one ~name(arguments) of a member.
type transform struct {
	name string
	args []string
}

func newNode(name string) *node {
	return &node{name: name, all: true, includes: map[string]*node{}, excludes: map[string]bool{}}
}

// child returns the member's node, made when missing.
func (n *node) child(name string) *node {
	n.all = false
	c := n.includes[name]
	if c == nil {
		c = newNode(name)
		n.includes[name] = c
		n.order = append(n.order, name)
	}
	return c
}

// parseFields reads a fields parameter. A text that cannot be read is a 400 that
// shows the place. An empty text selects nothing. Of a member that is named twice
// the first naming decides how it is transformed.
func parseFields(text string) (*node, error) {
	paths, err := dhis2.ParseFields(text)
	if q, ok := errors.AsType[*dhis2.QueryError](err); ok {
		return nil, problem.New(q.Status, q.Code, "%s", q.Message)
	}
	if err != nil {
		return nil, err
	}
	root := newNode("")
	root.all = false
	for _, p := range paths {
		at := root
		for _, parent := range p.Parents {
			at = at.child(parent)
		}
		at.add(p)
	}
	return root, nil
}

// add takes one item of a fields expression below n.
func (n *node) add(p dhis2.FieldPath) {
	switch {
	case p.Exclude:
		n.all = false
		if !p.Preset {
			n.excludes[p.Name] = true
		}
	case p.Preset:
		n.all = false
		n.presets = append(n.presets, p.Name)
	default:
		c := n.child(p.Name)
		for _, t := range p.Transformers {
			c.transforms = append(c.transforms, transform{t.Name, t.Args})
		}
	}
}
