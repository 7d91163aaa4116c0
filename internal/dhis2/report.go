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

// ObjectResponse is the response of a write to one object. Key is the text of a
// token that was just made, and stands in no other answer.
type ObjectResponse struct {
	Key          string        `json:"key,omitempty"`
	UID          string        `json:"uid,omitempty"`
	Klass        string        `json:"klass"`
	ErrorReports []ErrorReport `json:"errorReports"`
	ResponseType string        `json:"responseType"` // ObjectReport
}

// ErrorsInReport is the message of every failed import, object or type report.
const ErrorsInReport = "One or more errors occurred, please see full details in import report."

// NewObjectResponse makes the response of a write to one object.
func NewObjectResponse(klass, uid string, errors ...ErrorReport) ObjectResponse {
	return ObjectResponse{UID: uid, Klass: klass, ErrorReports: nonNil(errors), ResponseType: "ObjectReport"}
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
