// Package jsonb is JSON as PostgreSQL's type jsonb keeps, compares, prints and
// updates it, because that is what a DHIS2 dataStore shows its callers: keys in
// order of length, then bytes; the last of duplicate keys; numbers without
// exponent. It stores nothing. Read value.go first, then parse.go.
package jsonb

import "sort"

// Kind is the type of a value, in PostgreSQL's order of comparison.
type Kind uint8

// The kinds, lowest first (PostgreSQL 15 compareJsonbContainers).
const (
	Null Kind = iota
	String
	Number
	Bool
	Array
	Object
)

// Value is one JSON value. The zero value is null.
type Value struct {
	kind    Kind
	truth   bool
	text    string // a String's characters, a Number's digits as PostgreSQL prints them
	items   []Value
	members []Member // in order of key
}

// Member is one member of an object.
type Member struct {
	Key   string
	Value Value
}

// Kind tells the type of v.
func (v Value) Kind() Kind { return v.kind }

// Text is the characters of a String, the digits of a Number, else "".
func (v Value) Text() string { return v.text }

// True tells whether v is the boolean true.
func (v Value) True() bool { return v.kind == Bool && v.truth }

// Len is the number of items of an Array or members of an Object, else 0.
func (v Value) Len() int {
	if v.kind == Array {
		return len(v.items)
	}
	return len(v.members)
}

// Items are the items of an Array; the caller must not change them.
func (v Value) Items() []Value { return v.items }

// Members are the members of an Object; the caller must not change them.
func (v Value) Members() []Member { return v.members }

// Text makes a String.
func Text(s string) Value { return Value{kind: String, text: s} }

// Boolean makes a Bool.
func Boolean(b bool) Value { return Value{kind: Bool, truth: b} }

// List makes an Array.
func List(items ...Value) Value { return Value{kind: Array, items: items} }

// keyLess is jsonb's order of keys: by length in bytes, then by bytes.
func keyLess(a, b string) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// settle sorts members and keeps the last of those with one key.
func settle(members []Member) []Member {
	sort.SliceStable(members, func(i, j int) bool { return keyLess(members[i].Key, members[j].Key) })
	out := members[:0]
	for i, m := range members {
		if i+1 < len(members) && members[i+1].Key == m.Key {
			continue
		}
		out = append(out, m)
	}
	return out
}

// member finds a member by binary search.
func (v Value) member(key string) int {
	i := sort.Search(len(v.members), func(i int) bool { return !keyLess(v.members[i].Key, key) })
	if i < len(v.members) && v.members[i].Key == key {
		return i
	}
	return -1
}
