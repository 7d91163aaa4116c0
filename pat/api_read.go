package pat

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
)

const jsonType = "application/json;charset=UTF-8"

// show answers GET /api/apiToken/{uid}.
func (q *call) show() error { return q.one(q.r.URL.Query()["fields"]...) }

// property answers GET /api/apiToken/{uid}/{property}: the one member, or nothing.
func (q *call) property(name string) error { return q.one(name) }

// one answers with what fields parameters take of one token.
func (q *call) one(texts ...string) error {
	if !acceptsJSON(q.r) {
		return notAcceptable(q.w)
	}
	r, err := q.api.issuer.Find(q.r.Context(), q.caller, q.uid)
	if err != nil {
		return err
	}
	fields, err := parseFields(texts, "*")
	if err != nil {
		return err
	}
	s := q.schema(fields)
	o, err := dhis2.NewProjection(fields, s, schemasOf(s)).Apply(q.document(&r), dhis2.Stored{})
	if err != nil {
		return err
	}
	return q.tagged(o)
}

// parseFields reads fields parameters; otherwise stands for none.
func parseFields(texts []string, otherwise string) ([]dhis2.FieldPath, error) {
	texts = slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(texts) == 0 {
		texts = []string{otherwise}
	}
	fields, err := dhis2.ParseFields(texts...)
	return fields, queried(err)
}

// queried turns DHIS2's refusal of a query into the answer to it.
func queried(err error) error {
	if bad, ok := errors.AsType[*dhis2.QueryError](err); ok {
		return answer{bad.WebMessage()}
	}
	return err
}

// schemaFor describes tokens for what is asked: ours only if it is named.
func schemaFor(fields []dhis2.FieldPath) *dhis2.Schema {
	var named []dhis2.Property
	for _, p := range useProperties() {
		if slices.ContainsFunc(fields, func(f dhis2.FieldPath) bool {
			return len(f.Parents) == 0 && !f.Preset && !f.Exclude && f.Name == p.Name
		}) {
			named = append(named, p)
		}
	}
	return schemaOf(named...)
}

// tagged writes a document with its ETag, or 304 to who has it already.
func (q *call) tagged(v any) error {
	body, err := dhis2.AppendJSON(nil, v)
	if err != nil {
		return err
	}
	sum := md5.Sum(body) // DHIS2's ETag; it is no protection of anything
	tag := `"0` + hex.EncodeToString(sum[:]) + `"`
	h := q.w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache, private")
	if matches(q.r.Header.Values("If-None-Match"), tag) {
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	q.write(body)
	return nil
}

// matches implements If-None-Match (RFC 9110 13.1.2): weak comparison.
func matches(lines []string, tag string) bool {
	for t := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

// fresh writes a document of the Gist engine, which is never to be kept.
func (q *call) fresh(v any) error {
	body, err := dhis2.AppendJSON(nil, v)
	if err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	q.write(body)
	return nil
}

func (q *call) write(body []byte) {
	h := q.w.Header()
	h.Set("Content-Type", jsonType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body) // the client is gone; there is nobody to tell
	}
}

// gistOne answers GET /api/apiToken/{uid}/gist.
func (q *call) gistOne() error {
	r, err := q.api.issuer.Find(q.r.Context(), q.caller, q.uid)
	if err != nil {
		return err
	}
	texts := q.r.URL.Query()["fields"]
	fields, err := parseFields(texts, "*")
	if err != nil {
		return err
	}
	s := q.schema(fields)
	o, err := dhis2.GistOne(texts, q.document(&r), s, schemasOf(s), dhis2.Stored{})
	if err != nil {
		return queried(err)
	}
	return q.fresh(o)
}
