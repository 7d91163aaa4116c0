package main

import (
	"context"
	"slices"
	"strings"

	"github.com/d2gate/d2gate/constraints"
	"github.com/d2gate/d2gate/pat"
)

// editToken says what to change of a token. What is left out stays.
type editToken struct {
	Name    *string  `json:"name,omitempty"`
	Expires string   `json:"expires,omitempty"`
	Set     limits   `json:"set"`             // replaces
	Add     limits   `json:"add"`             // adds to what is there
	Remove  limits   `json:"remove"`          // takes away
	Clear   []string `json:"clear,omitempty"` // kinds that are no limit any more: address, method, referrer, scope
}

type attributeKind struct {
	flag string // --address
	key  string // addresses: in tests of the configuration
	kind constraints.Kind
	of   func(limits) []string
}

// kinds names the attributes as the flags do.
var kinds = [...]attributeKind{
	{"address", "addresses", constraints.IPAllowedList, func(l limits) []string { return l.Addresses }},
	{"method", "methods", constraints.MethodAllowedList, func(l limits) []string { return l.Methods }},
	{"referrer", "referrers", constraints.RefererAllowedList, func(l limits) []string { return l.Referrers }},
	{"scope", "scopes", constraints.ScopeAllowedList, func(l limits) []string { return l.Scopes }},
}

// edit changes a token; its secret stays.
func (t *tokens) edit(ctx context.Context, name string, e editToken) (tokenView, error) {
	r, err := t.find(ctx, name)
	if err != nil {
		return tokenView{}, err
	}
	if e.Name != nil && len(*e.Name) > 50 {
		return tokenView{}, usage("--name: at most 50 characters")
	}
	r, err = t.issuer.Edit(ctx, operator(r.Owner), r.UID, func(r *pat.Record) error { return t.change(r, e) })
	return t.view(r), err
}

func (t *tokens) change(r *pat.Record, e editToken) error {
	if e.Name != nil {
		r.Code = *e.Name
	}
	if e.Expires != "" {
		end, err := parseEnd(e.Expires, t.now())
		if err != nil {
			return err
		}
		r.Constraints.Expiry = end
	}
	list := slices.Clone(r.Constraints.Attributes)
	for _, k := range kinds {
		values, touched := e.values(k, list)
		if !touched {
			continue
		}
		list = slices.DeleteFunc(list, func(a constraints.Attribute) bool { return a.Kind == k.kind })
		if len(values) == 0 {
			continue
		}
		a, err := constraints.ParseAttribute(k.kind, values)
		if err != nil {
			return usage("--%s: %w", k.flag, err)
		}
		list = append(list, a)
	}
	r.Constraints.Attributes = list
	return nil
}

// values gives what an attribute becomes, and whether it changes at all.
func (e editToken) values(k attributeKind, have []constraints.Attribute) ([]string, bool) {
	set, add, remove := k.of(e.Set), k.of(e.Add), k.of(e.Remove)
	if slices.Contains(e.Clear, k.flag) {
		return nil, true
	}
	if len(set)+len(add)+len(remove) == 0 {
		return nil, false
	}
	values := slices.Clone(set)
	if len(set) == 0 {
		for _, a := range have {
			if a.Kind == k.kind {
				values = append(values, a.Values...)
			}
		}
	}
	for _, v := range add {
		if !containsFold(values, v) {
			values = append(values, v)
		}
	}
	return slices.DeleteFunc(values, func(v string) bool { return containsFold(remove, v) }), true
}

func containsFold(list []string, v string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, v) })
}
