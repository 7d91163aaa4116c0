package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/d2gate/d2gate/constraints"
)

// filter returns what a list of namespaces or keys may show (design 5), nil where
// nothing is to be hidden or the answer is no plain list: one with values in it
// passes only where the scopes cover the whole namespace.
func (p *passage) filter() func(name string) bool {
	set := p.principal.Constraints
	if set == nil || !reads(p.view.Method) {
		return nil
	}
	ns, list := constraints.StoreList(p.target.DHIS2.Segments)
	if !list || !p.target.DHIS2.API {
		return nil
	}
	visible, limited := set.StoreKeys(p.target.DHIS2)
	query, _ := url.ParseQuery(p.verdict.Query) // a part that cannot be read is no "fields" to DHIS2 either
	if _, values := query["fields"]; !limited || values && ns != "" {
		return nil
	}
	if ns == "" {
		return func(name string) bool { return visible(name, "") }
	}
	return func(name string) bool { return visible(ns, name) }
}

// unfiltered are request headers that would make the answer unreadable, or say
// that it has not changed.
var unfiltered = [...]string{"Accept-Encoding", "If-None-Match", "If-Modified-Since", "Range", "If-Range"}

// filterList takes the names that may not be seen out of an answer as it streams
// by. What tells of the whole list goes.
func filterList(resp *http.Response, visible func(string) bool) error {
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	if resp.Header.Get("Content-Encoding") != "" {
		return errors.New("a list came encoded although that was not asked for")
	}
	for _, name := range [...]string{"Content-Length", "Etag", "Last-Modified", "Content-Md5", "Digest"} {
		delete(resp.Header, name)
	}
	resp.ContentLength = -1
	if resp.Request.Method == http.MethodGet {
		resp.Body = &nameFilter{body: resp.Body, in: json.NewDecoder(resp.Body), visible: visible}
	}
	return nil
}

// nameFilter reads a JSON array of strings and gives the array of those that are
// visible. Anything else is an error: the answer then breaks off.
type nameFilter struct {
	body    io.Closer
	in      *json.Decoder
	visible func(string) bool
	out     bytes.Buffer
	opened  bool
	some    bool
	err     error
}

var errNoList = errors.New("the answer is no list of names")

// Read implements io.Reader.
func (f *nameFilter) Read(b []byte) (int, error) {
	for f.out.Len() == 0 && f.err == nil {
		f.err = f.step()
	}
	if f.out.Len() > 0 {
		return f.out.Read(b)
	}
	return 0, f.err
}

// Close closes the upstream's body.
func (f *nameFilter) Close() error { return f.body.Close() }

// step takes one token; io.EOF after the last.
func (f *nameFilter) step() error {
	token, err := f.in.Token()
	if err != nil {
		return errors.Join(errNoList, err)
	}
	switch v := token.(type) {
	case json.Delim:
		if v == '[' && !f.opened {
			f.opened = true
			f.out.WriteByte('[')
			return nil
		}
		if v == ']' {
			f.out.WriteByte(']')
			return io.EOF
		}
	case string:
		if f.opened {
			return f.name(v)
		}
	}
	return errNoList
}

func (f *nameFilter) name(name string) error {
	if !f.visible(name) {
		return nil
	}
	if f.some {
		f.out.WriteByte(',')
	}
	f.some = true
	enc := json.NewEncoder(&f.out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(name)
	f.out.Truncate(f.out.Len() - 1) // Encode ends with a line
	return err
}
