package metadata

import (
	"fmt"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// errorReport is one thing that is wrong with an object, with the members that
// DHIS2 2.44 prints: lists that are empty but there, numbers among the properties.
type errorReport struct {
	Message         string `json:"message"`
	Args            []any  `json:"args,omitzero"`
	MainKlass       string `json:"mainKlass,omitempty"`
	ErrorCode       string `json:"errorCode"`
	MainID          string `json:"mainId,omitempty"`
	ErrorKlass      string `json:"errorKlass,omitempty"`
	ErrorProperty   string `json:"errorProperty,omitempty"`
	ErrorProperties []any  `json:"errorProperties,omitzero"`
}

// objectReport is what an import says of one object.
type objectReport struct {
	Klass        string        `json:"klass"`
	Index        int           `json:"index"`
	UID          string        `json:"uid,omitempty"`
	DisplayName  string        `json:"displayName,omitempty"`
	ErrorReports []errorReport `json:"errorReports"`
}

// typeReport is what an import says of one type.
type typeReport struct {
	Klass         string            `json:"klass"`
	Stats         dhis2.ImportStats `json:"stats"`
	ObjectReports []objectReport    `json:"objectReports"`
}

// importReport is the response of an import.
type importReport struct {
	Status       string            `json:"status"`
	TypeReports  []typeReport      `json:"typeReports"`
	Stats        dhis2.ImportStats `json:"stats"`
	ResponseType string            `json:"responseType"`
}

// objectResponse is the response of a write to one object.
type objectResponse struct {
	UID          string        `json:"uid,omitempty"`
	Klass        string        `json:"klass"`
	ErrorReports []errorReport `json:"errorReports"`
	ResponseType string        `json:"responseType"`
}

// typeResponse is the response of a change to a collection.
type typeResponse struct {
	Status        string            `json:"status"`
	Stats         dhis2.ImportStats `json:"stats"`
	ObjectReports []objectReport    `json:"objectReports"`
	ResponseType  string            `json:"responseType"`
}

func objectOK(s *schema, uid string, errs ...errorReport) objectResponse {
	if errs == nil {
		errs = []errorReport{}
	}
	return objectResponse{uid, s.className(), errs, "ObjectReport"}
}

// report makes an error report whose arguments are its properties too.
func report(main *schema, code, format string, args ...any) errorReport {
	texts := make([]any, len(args))
	for i, a := range args {
		texts[i] = a
		switch v := a.(type) {
		case float64:
			texts[i] = javaDouble(v)
		case int:
			texts[i] = fmt.Sprint(v)
		}
	}
	shown := make([]any, len(args))
	for i, a := range texts {
		if a == nil {
			a = "null"
		}
		shown[i] = a
	}
	for i, a := range args {
		if f, ok := a.(float64); ok {
			args[i] = rawJSON(javaDouble(f))
			shown[i] = fmt.Sprint(int64(f))
		}
	}
	e := errorReport{Message: fmt.Sprintf(format, shown[:min(len(shown), strings.Count(format, "%s"))]...), Args: texts, ErrorCode: code, ErrorProperties: args}
	if main != nil {
		e.MainKlass = main.className()
	}
	return e
}

// of names the class and the property that an error is about.
func (e errorReport) of(klass, property string) errorReport {
	e.ErrorKlass, e.ErrorProperty = klass, property
	return e
}

// MarshalJSON prints a value that is printed already.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }
