package pat

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// words are those of one line of DHIS2 releases, where they differ (recordings of
// 2.41 and 2.44).
type words struct {
	badMethod  string // 405 for a method
	badType    string // 415 for a media type
	noType     string // 415 for none
	xml        string // 405 for a new token in XML; "" says badType
	made       string // responseType of the answer that brings a token's text
	unreadable int    // status of a body that is JSON, but no token
	patchText  bool   // what is wrong with a patch is told as of any body, and not with Spring's 400
	strictUID  bool   // an id that is no uid is another mistake than one that nobody has
	strictType bool   // a favourite wants a media type
	favorites  bool   // tokens have favorite and favorites
	noGist     bool   // lists are never answered by the Gist engine
}

// newest are the words of 2.42 to 2.44.
var newest = words{
	badMethod: "Request method '%' is not supported", badType: "Content-Type '%' is not supported", noType: "Content-Type is not supported",
	made: "ObjectReport", unreadable: http.StatusConflict, strictUID: true, strictType: true,
}

// until41 are those of 2.41 and before.
var until41 = words{
	badMethod: "Request method '%' not supported", badType: "Content type '%' not supported", noType: "Content type '' not supported",
	xml: "Request method 'Method type is not supported' not supported", made: "ApiTokenCreationResponse",
	unreadable: http.StatusInternalServerError, patchText: true, favorites: true, noGist: true,
}

// wordsOf reads a release, "2.41"; what cannot be read is the newest.
func wordsOf(release string) *words {
	minor, err := strconv.Atoi(strings.TrimPrefix(release, "2."))
	if err == nil && minor <= 41 {
		return &until41
	}
	return &newest
}

func fill(text, with string) string { return strings.Replace(text, "%", with, 1) }

func (q *call) notSupported() error {
	return answer{dhis2.Error(http.StatusMethodNotAllowed, fill(q.words.badMethod, q.r.Method), "")}
}

// wantBody checks the media type of a request's body: 415 in Spring's words.
func (q *call) wantBody(mediaType string) error {
	sent := q.r.Header.Get("Content-Type")
	if sent == "" {
		return answer{dhis2.Error(http.StatusUnsupportedMediaType, q.words.noType, "")}
	}
	t, _, err := mime.ParseMediaType(sent)
	switch {
	case err == nil && t == mediaType:
		return nil
	case err == nil && t == "application/xml" && q.words.xml != "" && q.r.Method == http.MethodPost:
		return answer{dhis2.Error(http.StatusMethodNotAllowed, q.words.xml, "")}
	}
	return answer{dhis2.Error(http.StatusUnsupportedMediaType, fill(q.words.badType, sent), "")}
}

// schema describes tokens for what is asked.
func (q *call) schema(fields []dhis2.FieldPath) *dhis2.Schema {
	s := schemaFor(fields)
	if q.words.favorites {
		s.Properties = append(s.Properties,
			dhis2.Property{Name: "favorites", Type: dhis2.TypeCollection, ItemType: dhis2.TypeText},
			dhis2.Property{Name: "favorite", Type: dhis2.TypeBoolean, Simple: true})
	}
	s.NoGist = q.words.noGist
	return s
}
