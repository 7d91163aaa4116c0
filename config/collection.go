package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/d2gate/d2gate/constraints"
)

// list reads a list of scalars.
func list(name, about string, item func(d *decoder, s string) error) field {
	return field{name: name, typ: "array", about: about, read: func(d *decoder, n ast.Node) {
		d.items(n, func(n ast.Node) {
			s, ok := d.text(n)
			if !ok {
				return
			}
			if err := item(d, s); err != nil {
				d.complain(n, "%s: %v", d.key(), err)
			}
		})
	}}
}

func words(name, about string, to *[]string, known ...string) field {
	f := list(name, about, func(_ *decoder, s string) error {
		if len(known) > 0 {
			if err := among(s, known); err != nil {
				return err
			}
		}
		if s == "" {
			return fmt.Errorf("must not be empty")
		}
		if slices.Contains(*to, s) {
			return fmt.Errorf("%q is there twice", s)
		}
		*to = append(*to, s)
		return nil
	})
	f.enum = known
	return f
}

func prefixes(name, about string, to *[]netip.Prefix) field {
	return list(name, about, func(_ *decoder, s string) error {
		p, err := constraints.ParseAddress(s)
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a CIDR such as 192.0.2.0/24", s)
		}
		if strings.Contains(s, "/") {
			if given, err := netip.ParsePrefix(s); err == nil && given.Addr().Unmap() != p.Addr() {
				return fmt.Errorf("%q has bits beyond its length: write %s", s, p)
			}
		}
		*to = append(*to, p)
		return nil
	})
}

// filled refuses an empty list: with some keys it would read as "nobody" and mean
// "everybody".
func filled(f field) field {
	read := f.read
	f.read = func(d *decoder, n ast.Node) {
		if l, ok := n.(*ast.SequenceNode); ok && len(l.Values) == 0 {
			d.complain(n, "%s is empty: leave the key out, or name what it should hold", d.key())
			return
		}
		read(d, n)
	}
	return f
}

// object reads a mapping.
func object(name, about string, fields ...field) field {
	return field{name: name, typ: "object", about: about, sub: fields, read: func(d *decoder, n ast.Node) { d.mapping(n, fields) }}
}

// objects reads a list of mappings; add makes room for one and gives its fields.
func objects[T any](name, about string, to *[]T, fields func(*T) []field) field {
	var sample T
	return field{name: name, typ: "array", about: about, sub: fields(&sample), read: func(d *decoder, n ast.Node) {
		d.items(n, func(n ast.Node) {
			var item T
			d.mapping(n, fields(&item))
			*to = append(*to, item)
		})
	}}
}

// named reads a mapping from names to mappings.
func named[T any](name, about string, to *map[string]T, fields func(*T) []field) field {
	var sample T
	return field{name: name, typ: "object", about: about, sub: []field{{name: "NAME", typ: "object", sub: fields(&sample)}}, read: func(d *decoder, n ast.Node) {
		pairs, ok := d.pairs(n)
		if !ok {
			return
		}
		*to = map[string]T{}
		for _, kv := range pairs {
			key, ok := d.name(kv)
			if !ok {
				continue
			}
			if _, twice := (*to)[key]; twice {
				d.complain(kv.Key, "%q is there twice", key)
				continue
			}
			var item T
			d.under(key, kv, func() { d.mapping(kv.Value, fields(&item)) })
			(*to)[key] = item
		}
	}}
}
