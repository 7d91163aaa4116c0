package oauth2server

import (
	"crypto/md5"
	"encoding/hex"
	"iter"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/dhis2"
)

// list answers GET /api/oAuth2Clients.
func (q *clientCall) list() error {
	path, _, _ := strings.Cut(q.r.RequestURI, "?")
	if i := strings.Index(path, "/api/"); i >= 0 {
		path = path[i:] // the context path is part of the public address
	}
	s := clientSchema()
	query, err := dhis2.NewListQuery(dhis2.ListRequest{
		RawQuery: q.r.URL.RawQuery, Self: q.api.publicURL() + path, Address: q.api.publicURL() + clientsPath,
	}, s, clientSchemas(s))
	if err != nil {
		return err
	}
	all, err := q.api.registry.List(q.r.Context())
	if err != nil {
		return err
	}
	result, err := query.Run(q.documents(all), dhis2.Stored{})
	if err != nil {
		return err
	}
	return q.tagged(result.Body)
}

func (q *clientCall) documents(all []Client) iter.Seq2[*dhis2.Object, error] {
	return func(yield func(*dhis2.Object, error) bool) {
		for _, c := range all {
			if !yield(q.document(c), nil) {
				return
			}
		}
	}
}

// show answers GET /api/oAuth2Clients/{uid}.
func (q *clientCall) show() error {
	c, err := q.api.registry.cfg.Store.ClientByUID(q.r.Context(), q.uid)
	if err != nil {
		return err
	}
	texts := slices.DeleteFunc(slices.Clone(q.r.URL.Query()["fields"]), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(texts) == 0 {
		texts = []string{"*"}
	}
	fields, err := dhis2.ParseFields(texts...)
	if err != nil {
		return err
	}
	s := clientSchema()
	o, err := dhis2.NewProjection(fields, s, clientSchemas(s)).Apply(q.document(c), dhis2.Stored{})
	if err != nil {
		return err
	}
	return q.tagged(o)
}

// document is a client as DHIS2 2.41 prints it, but for the secret: it is stored
// hashed and nobody is told.
func (q *clientCall) document(c Client) *dhis2.Object {
	texts := func(l []string) []any {
		out := make([]any, len(l))
		for i, s := range l {
			out[i] = s
		}
		return out
	}
	by := dhis2.NewObject("id", c.UpdatedBy.UID, "code", nil, "name", c.UpdatedBy.Name, "displayName", c.UpdatedBy.Name, "username", c.UpdatedBy.Username)
	return dhis2.NewObject(
		"name", c.Name, "created", stamp(c.Created), "lastUpdated", stamp(c.LastUpdated), "translations", []any{}, "favorites", []any{},
		"lastUpdatedBy", by, "sharing", dhis2.NewObject("users", &dhis2.Object{}, "userGroups", &dhis2.Object{}),
		"cid", c.CID, "redirectUris", texts(c.RedirectURIs), "grantTypes", texts(c.GrantTypes), "displayName", c.Name,
		"access", dhis2.NewObject("manage", true, "write", true, "read", true, "update", true, "delete", true), "favorite", false,
		"href", q.api.publicURL()+clientsPath+"/"+c.UID, "id", c.UID, "attributeValues", []any{},
	)
}

// stamp is how DHIS2 writes an instant: UTC, milliseconds, no zone.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") }

func clientSchema() *dhis2.Schema {
	text := func(name string) dhis2.Property {
		return dhis2.Property{Name: name, Type: dhis2.TypeText, Simple: true, Owner: true, Persisted: true}
	}
	list := func(name, item string) dhis2.Property {
		return dhis2.Property{Name: name, ItemName: item, Type: dhis2.TypeCollection, ItemType: dhis2.TypeText, Owner: true, Persisted: true, Ordered: true}
	}
	return &dhis2.Schema{
		Singular: "oAuth2Client", Plural: "oAuth2Clients", Klass: clientKlass, DisplayName: "OAuth2 Client", Endpoint: "/oAuth2Clients",
		Metadata: true, Persisted: true, Identifiable: true, NoGist: true,
		Properties: []dhis2.Property{
			text("name"),
			{Name: "created", Type: dhis2.TypeDate, Simple: true, Owner: true, Persisted: true},
			{Name: "lastUpdated", Type: dhis2.TypeDate, Simple: true, Owner: true, Persisted: true},
			{Name: "translations", Type: dhis2.TypeCollection, ItemType: dhis2.TypeComplex},
			{Name: "favorites", Type: dhis2.TypeCollection, ItemType: dhis2.TypeText},
			{Name: "lastUpdatedBy", Type: dhis2.TypeReference, Item: "user", Klass: "org.hisp.dhis.user.User", Owner: true, Persisted: true},
			{Name: "sharing", Type: dhis2.TypeComplex, Klass: "org.hisp.dhis.user.sharing.Sharing", Owner: true, Persisted: true, Embedded: true},
			{Name: "cid", Type: dhis2.TypeIdentifier, Simple: true, Owner: true, Persisted: true, Unique: true, Required: true},
			{Name: "secret", Type: dhis2.TypePassword, Simple: true, Owner: true, Persisted: true}, // goes in only
			list("redirectUris", "redirectUri"), list("grantTypes", "grantType"),
			{Name: "displayName", Type: dhis2.TypeText, Simple: true, Base: "name"},
			{Name: "access", Type: dhis2.TypeComplex, Klass: "org.hisp.dhis.security.acl.Access", ReadOnly: true, Embedded: true},
			{Name: "favorite", Type: dhis2.TypeBoolean, Simple: true, ReadOnly: true},
			{Name: "href", Type: dhis2.TypeURL, Simple: true},
			{Name: "id", FieldName: "uid", Type: dhis2.TypeIdentifier, Simple: true, Owner: true, Persisted: true, Unique: true},
			{Name: "attributeValues", Type: dhis2.TypeCollection, ItemType: dhis2.TypeComplex},
		},
	}
}

func clientSchemas(clients *dhis2.Schema) dhis2.Schemas {
	text := func(name string) dhis2.Property {
		return dhis2.Property{Name: name, Type: dhis2.TypeText, Simple: true, Persisted: true}
	}
	return dhis2.NewSchemas(clients, &dhis2.Schema{
		Singular: "user", Plural: "users", Klass: "org.hisp.dhis.user.User", Identifiable: true,
		Properties: []dhis2.Property{text("id"), text("code"), text("name"), text("displayName"), text("username")},
	})
}

// tagged writes a document with its ETag, or 304 to who has it already.
func (q *clientCall) tagged(v any) error {
	body, err := dhis2.AppendJSON(nil, v)
	if err != nil {
		return err
	}
	sum := md5.Sum(body) // DHIS2's ETag; it is no protection of anything
	tag := `"0` + hex.EncodeToString(sum[:]) + `"`
	h := q.w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache, private")
	if strings.Contains(q.r.Header.Get("If-None-Match"), tag) {
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json;charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	q.w.WriteHeader(http.StatusOK)
	if q.r.Method != http.MethodHead {
		_, _ = q.w.Write(body) // the client is gone; there is nobody to tell
	}
	return nil
}

// acceptsJSON reports whether the caller takes JSON: by the suffix of the path that
// was sent, else by Accept.
func acceptsJSON(r *http.Request) bool {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if s := dhis2.ParsePath(strings.Split(strings.TrimPrefix(path, "/"), "/")).Suffix; s != "" {
		return s == ".json"
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	for part := range strings.SplitSeq(accept, ",") {
		switch t, _, _ := mime.ParseMediaType(part); t {
		case "*/*", "application/*", "application/json":
			return true
		}
	}
	return strings.TrimSpace(accept) == ""
}

// notAcceptable answers who takes no JSON; DHIS2 sends its container's page.
func notAcceptable(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "text/html;charset=utf-8")
	h.Set("Cache-Control", "no-cache, private")
	w.WriteHeader(http.StatusNotAcceptable)
	_, _ = w.Write([]byte("<!doctype html><html lang=\"en\"><title>406 Not Acceptable</title><h1>406 Not Acceptable</h1><p>Clients are given as application/json only.</p></html>"))
	return nil
}
