package sandbox

import (
	"crypto/md5" // #nosec G501 -- DHIS2's ETag is an MD5; it protects nothing
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// Values of Cache-Control (contract 4 and 5).
const (
	noStore    = "no-cache, no-store, max-age=0, must-revalidate"
	noCache    = "no-cache, private"
	jsonUTF8   = "application/json;charset=UTF-8"
	plainUTF8  = "text/plain;charset=UTF-8"
	oddNameRFD = "inline;filename=f.txt"
)

// text writes a body that is there already.
func (c *call) text(status int, contentType, body string) error {
	h := c.w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	} else {
		h["Content-Type"] = nil // no guess
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.guardName()
	c.w.WriteHeader(status)
	_, err := c.w.Write([]byte(body))
	return err
}

// guardName is Spring's protection against reflected file downloads: a path that
// ends in an unknown extension gets a harmless file name.
func (c *call) guardName() {
	if c.at.odd {
		c.w.Header().Set("Content-Disposition", oddNameRFD)
	}
}

// json writes v, with Cache-Control when it is given.
func (c *call) json(status int, v any, cache string) error {
	b, err := dhis2.EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if cache != "" {
		c.w.Header().Set("Cache-Control", cache)
	}
	return c.text(status, jsonUTF8, string(b))
}

// tagged writes a body with its ETag, or 304 when the caller has it already
// (Spring ShallowEtagHeaderFilter: "0" and the MD5 of the body).
func (c *call) tagged(contentType, body string) error {
	sum := md5.Sum([]byte(body)) // #nosec G401 -- see the import
	tag := `"0` + hex.EncodeToString(sum[:]) + `"`
	c.w.Header().Set("ETag", tag)
	if matches(c.r.Header.Get("If-None-Match"), tag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return c.text(http.StatusOK, contentType, body)
}

// taggedJSON is tagged of a value.
func (c *call) taggedJSON(v any) error {
	b, err := dhis2.EncodeJSON(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return c.tagged(jsonUTF8, string(b))
}

func matches(list, tag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}

// done answers with a WebMessage of success.
func (c *call) done(status int, message string) error {
	return c.json(status, dhis2.NewMessage(status, dhis2.StatusOK, message), "")
}

// nothing answers 204.
func (c *call) nothing() error {
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// refuse answers with a WebMessage of refusal.
func (c *call) refuse(p *problem.Problem) {
	m := dhis2.Error(p.Status, p.Message, p.Code)
	m.DevMessage = p.DevMessage
	b, err := m.JSON()
	if err != nil {
		c.page(&problem.Page{Status: http.StatusInternalServerError})
		return
	}
	c.w.Header().Set("Cache-Control", noCache)
	_ = c.text(p.Status, jsonType, string(b)) // the caller has gone
}

// unauthorized is the 401 of Basic, in XML for those who ask for it, and of those
// who are nobody.
func (c *call) unauthorized(message string, inXML bool) error {
	m := dhis2.Error(http.StatusUnauthorized, message, "")
	c.w.Header().Set("Cache-Control", noCache)
	if inXML {
		b, err := m.XML()
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		return c.text(http.StatusUnauthorized, "application/xml;charset=UTF-8", string(b))
	}
	b, err := m.JSON()
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return c.text(http.StatusUnauthorized, jsonUTF8, string(b))
}

// page is an error page of the container.
func (c *call) page(p *problem.Page) {
	if p.Allow != "" {
		c.w.Header().Set("Allow", p.Allow)
	}
	name := http.StatusText(p.Status)
	body := fmt.Sprintf("<!doctype html><html lang=\"en\"><head><title>HTTP Status %[1]d – %[2]s</title></head><body><h1>HTTP Status %[1]d – %[2]s</h1></body></html>", p.Status, name)
	c.at.odd = false
	_ = c.text(p.Status, "text/html;charset=utf-8", body) // the caller has gone
}

// redirect answers 301 or 302 without a body.
func (c *call) redirect(status int, location string) error {
	c.w.Header().Set("Location", location)
	c.w.Header()["Content-Type"] = nil
	c.w.WriteHeader(status)
	return nil
}
