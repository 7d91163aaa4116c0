package dhis2

// ErrorReport is one thing that is wrong with an object (DHIS2 2.44
// ErrorReport.java). Args fill the message's places; ErrorProperties repeat them.
type ErrorReport struct {
	Message         string   `json:"message"`
	Args            []string `json:"args,omitempty"`
	MainKlass       string   `json:"mainKlass,omitempty"` // Java class of the object
	ErrorCode       string   `json:"errorCode"`
	MainID          string   `json:"mainId,omitempty"`     // uid of the object
	ErrorKlass      string   `json:"errorKlass,omitempty"` // Java class of the property
	ErrorProperty   string   `json:"errorProperty,omitempty"`
	ErrorProperties []any    `json:"errorProperties,omitempty"`
	Value           any      `json:"value,omitempty"`
}

// ObjectReport is what an import says of one object.
type ObjectReport struct {
	Klass        string        `json:"klass"`
	Index        int           `json:"index"` // place in the payload, from 0
	UID          string        `json:"uid,omitempty"`
	DisplayName  string        `json:"displayName,omitempty"` // importReportMode DEBUG only
	ErrorReports []ErrorReport `json:"errorReports"`
}

// ImportStats counts objects.
type ImportStats struct {
	Created int `json:"created"`
	Updated int `json:"updated"`
	Deleted int `json:"deleted"`
	Ignored int `json:"ignored"`
	Total   int `json:"total"`
}

// Add adds what another part of an import did.
func (s *ImportStats) Add(o ImportStats) {
	s.Created += o.Created
	s.Updated += o.Updated
	s.Deleted += o.Deleted
	s.Ignored += o.Ignored
	s.Total += o.Total
}

// TypeReport is what an import says of one type.
type TypeReport struct {
	Klass         string         `json:"klass"`
	Stats         ImportStats    `json:"stats"`
	ObjectReports []ObjectReport `json:"objectReports"`
}

// ImportReport is the response of POST /api/metadata.
type ImportReport struct {
	Status       string       `json:"status"`
	TypeReports  []TypeReport `json:"typeReports"`
	Stats        ImportStats  `json:"stats"`
	ResponseType string       `json:"responseType"` // ImportReport
}

// ObjectResponse is the response of a write to one object. Key is the text of a
// token that was just made, and stands in no other answer.
type ObjectResponse struct {
	Key          string        `json:"key,omitempty"`
	UID          string        `json:"uid,omitempty"`
	Klass        string        `json:"klass"`
	ErrorReports []ErrorReport `json:"errorReports"`
	ResponseType string        `json:"responseType"` // ObjectReport
}

// TypeResponse is the response of a change to a collection of an object.
type TypeResponse struct {
	Status        string         `json:"status"`
	Stats         ImportStats    `json:"stats"`
	ObjectReports []ObjectReport `json:"objectReports"`
	ResponseType  string         `json:"responseType"` // TypeReport
}

// ErrorReports is the response of a validation against a schema.
type ErrorReports struct {
	ErrorReports []ErrorReport `json:"errorReports"`
	ResponseType string        `json:"responseType"` // ErrorReports
}

// ErrorsInReport is the message of every failed import, object or type report.
const ErrorsInReport = "One or more errors occurred, please see full details in import report."

// NewObjectResponse makes the response of a write to one object.
func NewObjectResponse(klass, uid string, errors ...ErrorReport) ObjectResponse {
	return ObjectResponse{UID: uid, Klass: klass, ErrorReports: nonNil(errors), ResponseType: "ObjectReport"}
}

// NewImportReport makes an import's response and adds up its stats.
func NewImportReport(status string, types []TypeReport) ImportReport {
	r := ImportReport{Status: status, TypeReports: nonNil(types), ResponseType: "ImportReport"}
	for i := range r.TypeReports {
		r.TypeReports[i].ObjectReports = nonNil(r.TypeReports[i].ObjectReports)
		r.Stats.Add(r.TypeReports[i].Stats)
	}
	return r
}

// NewErrorReports makes a validation's response.
func NewErrorReports(errors ...ErrorReport) ErrorReports {
	return ErrorReports{ErrorReports: nonNil(errors), ResponseType: "ErrorReports"}
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
