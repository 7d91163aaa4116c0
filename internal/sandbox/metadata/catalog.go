package metadata

import (
	"math"
	"strings"
)

// kind is what a member holds.
type kind uint8

const (
	kText kind = iota
	kIdent
	kBool
	kInt
	kNum
	kDate
	kURL
	kEmail
	kPassword
	kPeriodType
	kEnum
	kRef    // one object of another type, stored as {"id"}
	kRefs   // many
	kObj    // an object taken as it comes
	kObjs   // a list taken as it comes, or of embedded objects when item is set
	kTexts  // list of texts
	kInts   // list of integers
	kShare  // sharing
	kValues // attributeValues
)

// property is one member of a type.
type property struct {
	name, singular, field string // JSON name, name in the schema, Java field
	klass                 string // Java class without org.hisp.dhis., "" for the kind's own
	kind                  kind
	item                  *schema // of refs and embedded objects
	enum                  *enumeration
	min, max              float64 // of length, or of value; NaN when there is none
	required, unique      bool
	calc                  bool // worked out, not stored
	calcOwner             bool // worked out, yet part of an export
	notOwner, hidden      bool
	writable, persisted   bool
	ordered, dims         bool
	attribute             bool
	description           string
	def                   string // JSON of the default, "" for none
	constant              string
	inverse               *inverse
	ownerUID              bool // back reference to the object that embeds this one
	complex               bool

	itemName, inverseText string // as written, until links are made
}

// inverse is the other side of an association: typ.property refers to this type,
// or an embedded object in it does by its member part.
type inverse struct {
	typ            *schema
	property, part string
}

// enumeration is a closed list of values.
type enumeration struct {
	name, klass string
	values      []string
}

// schema is one type.
type schema struct {
	singular, plural, klass string
	name, endpoint          string // schema name and relative endpoint, "" for none
	collection              string
	order                   int
	metadata, shareable     bool
	dataShareable           bool
	translatable            bool
	open                    bool
	defaultPrivate          bool
	implicitPrivate         bool
	favoritable             bool
	internal                bool
	authorities             []typeAuthorities
	properties              []*property
	byName                  map[string]*property
}

// typeAuthorities are the authorities that allow one kind of act.
type typeAuthorities struct {
	typ   string
	names []string
}

// catalog is the table of schemas, ready for use. It is read only.
type catalog struct {
	schemas    []*schema // in DHIS2's order
	bySingular map[string]*schema
	byPlural   map[string]*schema
	byKlass    map[string]*schema
}

// simpleName is the class without its package: DataElement.
func (s *schema) simpleName() string { return s.klass[strings.LastIndexByte(s.klass, '.')+1:] }

// className is the whole Java class.
func (s *schema) className() string { return "org.hisp.dhis." + s.klass }

// displayName is the simple class name with a blank before every capital.
func (s *schema) displayName() string {
	var b strings.Builder
	for i, r := range s.simpleName() {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// stored reports whether objects of the type have rows of their own.
func (s *schema) stored() bool {
	return s.metadata && s.endpoint != "" && s.singular != "apiToken" && !strings.HasPrefix(s.singular, "oAuth2")
}

// authority lists the authorities for an act: CREATE, CREATE_PUBLIC, DELETE, …
func (s *schema) authority(act string) []string {
	for _, a := range s.authorities {
		if a.typ == act {
			return a.names
		}
	}
	return nil
}

// identifiable reports whether objects of the type have a uid.
func (s *schema) identifiable() bool { return s.byName["id"] != nil }

// nameable reports whether objects of the type have a short name.
func (s *schema) nameable() bool {
	return s.byName["shortName"] != nil && s.byName["description"] != nil
}

// owner reports whether the member belongs to what an export carries.
func (p *property) owner() bool {
	return p.calcOwner || !p.calc && !p.notOwner && p.inverse == nil && p.kind != kPassword
}

// simple reports whether DHIS2 counts the member as simple.
func (p *property) simple() bool {
	if p.complex {
		return false
	}
	switch p.kind {
	case kText, kIdent, kBool, kInt, kNum, kDate, kURL, kEmail, kPassword, kEnum:
		return true
	}
	return p.kind == kTexts && p.name == "objectTypes"
}

// collectionOf reports whether the member is a list of objects or values.
func (p *property) isCollection() bool {
	switch p.kind {
	case kRefs, kObjs, kTexts, kInts:
		return true
	}
	return false
}

// isStored reports whether the member is a member of the document.
func (p *property) isStored() bool { return !p.calc && p.inverse == nil && p.kind != kPassword }

// none is the missing bound.
func none() float64 { return math.NaN() }
