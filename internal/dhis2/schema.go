package dhis2

// PropertyType is how DHIS2 calls the type of a property (DHIS2 2.44
// PropertyType.java).
type PropertyType string

// The types of properties.
const (
	TypeIdentifier PropertyType = "IDENTIFIER"
	TypeText       PropertyType = "TEXT"
	TypeNumber     PropertyType = "NUMBER"
	TypeInteger    PropertyType = "INTEGER"
	TypeBoolean    PropertyType = "BOOLEAN"
	TypeUsername   PropertyType = "USERNAME"
	TypeEmail      PropertyType = "EMAIL"
	TypePassword   PropertyType = "PASSWORD"
	TypeURL        PropertyType = "URL"
	TypeDate       PropertyType = "DATE"
	TypePhone      PropertyType = "PHONENUMBER"
	TypeGeo        PropertyType = "GEOLOCATION"
	TypeColor      PropertyType = "COLOR"
	TypeConstant   PropertyType = "CONSTANT"
	TypeComplex    PropertyType = "COMPLEX"
	TypeCollection PropertyType = "COLLECTION"
	TypeReference  PropertyType = "REFERENCE"
)

// Schema describes a type of object, as /api/schemas shows it. One table of them
// serves that page, the query language, JSON Patch and imports.
type Schema struct {
	Singular    string // "dataElement"
	Plural      string // "dataElements", also the member that a list stands in
	Klass       string // Java class
	DisplayName string // "Data Element"
	Endpoint    string // below /api with a slash, "/dataElements"; "" for types without one
	Order       int    // place in an import

	Metadata, SecondaryMetadata bool
	Persisted                   bool
	Shareable, DataShareable    bool
	Translatable                bool
	Identifiable, Nameable      bool
	DefaultPrivate              bool
	ImplicitPrivateAuthority    bool
	Favoritable, Subscribable   bool
	NoGist                      bool // the Gist engine never serves lists of it (attributes)

	// Subtypes are what an object of the type can be, by the member "type"; TypeIDs
	// are those that errors name.
	Subtypes []*Schema
	TypeIDs  []string

	Authorities []Authority
	// Properties are in the order in which documents print them.
	Properties []Property
}

// Authority says what one of a list of authorities allows: CREATE,
// CREATE_PUBLIC, CREATE_PRIVATE, READ, UPDATE or DELETE.
type Authority struct {
	Type        string   `json:"type"`
	Authorities []string `json:"authorities"`
}

// Property describes a member of an object.
type Property struct {
	Name      string       // name in JSON ("dataElementGroups")
	ItemName  string       // of collections: DHIS2's name of the property ("dataElementGroup"); "" means Name
	FieldName string       // Java field ("groups"); "" means Name
	Type      PropertyType // of the value
	ItemType  PropertyType // of collections: of the items
	Item      string       // singular of the schema of the value or items, "" for plain values
	Klass     string       // Java class of the value; "" means the usual one of Type
	ItemKlass string       // of collections: Java class of the items

	Owner        bool // stored with the object, so part of :owner
	Persisted    bool // kept in the database
	Simple       bool // a plain value
	Required     bool
	Unique       bool
	ReadOnly     bool    // writable is false
	Translatable bool    // has a displayX beside it
	Min, Max     float64 // length, size or value; both 0 means no limit
	Length       int     // of the database's column, 0 means 255
	Constants    []string
	Ordered      bool   // a list, not a set
	Cascade      bool   // items live and die with the object
	Base         string // of displayName and the like: the property it shows, "name"
	Description  string
	Embedded     bool // value is part of the document, not a reference
	Boxed        bool // errors name the Java class (java.lang.Long), not the primitive (long)
}

// IsCollection reports whether the value is a list.
func (p *Property) IsCollection() bool { return p.Type == TypeCollection }

// IsReference reports whether the value, or each item, names another object.
func (p *Property) IsReference() bool {
	return !p.Embedded && (p.Type == TypeReference || p.Type == TypeCollection && p.ItemType == TypeReference)
}

// Property finds a property by its name in JSON; nil if there is none.
func (s *Schema) Property(name string) *Property {
	if s == nil {
		return nil
	}
	for i := range s.Properties {
		if s.Properties[i].Name == name {
			return &s.Properties[i]
		}
	}
	return nil
}

// SimpleName is the class name without its package: "DataElement".
func (s *Schema) SimpleName() string { return SimpleName(s.Klass) }

// SimpleName cuts the package off a Java class name.
func SimpleName(klass string) string {
	for i := len(klass) - 1; i >= 0; i-- {
		if klass[i] == '.' || klass[i] == '$' {
			return klass[i+1:]
		}
	}
	return klass
}

// Schemas finds schemas by their singular name.
type Schemas map[string]*Schema

// NewSchemas makes a table of schemas.
func NewSchemas(list ...*Schema) Schemas {
	m := make(Schemas, len(list))
	for _, s := range list {
		m[s.Singular] = s
	}
	return m
}

// Of returns the schema of a property's value or items, nil for plain values.
func (m Schemas) Of(p *Property) *Schema {
	if p.Item == "" {
		return nil
	}
	return m[p.Item]
}
