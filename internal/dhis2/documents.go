package dhis2

import "fmt"

// Documents gives the query language what the documents themselves do not hold.
// The methods may be called many times for one object.
type Documents interface {
	// Value returns the value of property p of an object of schema s, nil if it has
	// none. What is not stored (displayName, href, access, the other side of an
	// association) is computed here, so only when asked for.
	Value(s *Schema, o *Object, p *Property) (any, error)
	// Object returns the object of a type (singular) with the uid, nil if there is
	// none.
	Object(singular, uid string) (*Object, error)
}

// Stored are Documents that hold all of their values and whose references are
// whole: nothing is computed and nothing is looked up.
type Stored struct{}

// Value returns the member of the property's name.
func (Stored) Value(_ *Schema, o *Object, p *Property) (any, error) {
	v, _ := o.Get(p.Name)
	return v, nil
}

// Object finds nothing.
func (Stored) Object(string, string) (*Object, error) { return nil, nil }

// QueryError is a query that DHIS2 refuses. Code is E1003 from the normal engine
// and "" from the Gist engine.
type QueryError struct {
	Status  int
	Message string
	Code    string
}

// Error is DHIS2's text.
func (e *QueryError) Error() string { return e.Message }

// WebMessage is the answer to the query.
func (e *QueryError) WebMessage() WebMessage { return Error(e.Status, e.Message, e.Code) }

func badQuery(format string, args ...any) *QueryError {
	return &QueryError{Status: 400, Message: fmt.Sprintf(format, args...), Code: "E1003"}
}

func badParameter(format string, args ...any) *QueryError {
	return &QueryError{Status: 400, Message: fmt.Sprintf(format, args...)}
}
