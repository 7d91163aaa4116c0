package conform

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// wire is one request as it goes out: every byte of the target and each header
// is the scenario's.
type wire struct {
	method, target string
	headers        [][2]string
	body           []byte
	hasBody        bool
}

// roundTrip sends w to addr, whatever through takes its place, over a connection of
// its own and reads the whole answer.
func roundTrip(addr, through string, w wire) (*http.Response, []byte, error) {
	if through == "" {
		through = addr
	}
	conn, err := net.DialTimeout("tcp", through, 10*time.Second)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", w.method, w.target, addr)
	for _, h := range w.headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if w.hasBody {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(w.body))
	}
	b.WriteString("\r\n")
	b.Write(w.body)
	if _, err := conn.Write(b.Bytes()); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: w.method})
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, data, err
}

const unquoted = "/?&=:,!*()~$'@;+%-._"

// quote percent-encodes what may not stand in a request target, and nothing else.
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(unquoted, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// appZip is the smallest app with this manifest, as a multipart form.
func appZip(manifest []byte) (body []byte, contentType string) {
	var z bytes.Buffer
	zw := zip.NewWriter(&z)
	for _, f := range []struct{ name, text string }{{"manifest.webapp", string(manifest)}, {"index.html", "<!doctype html><title>app</title>"}} {
		w, err := zw.Create(f.name)
		if err != nil {
			panic(err) // a bytes.Buffer does not fail
		}
		io.WriteString(w, f.text)
	}
	zw.Close()
	const boundary = "conformboundary7d1"
	var b bytes.Buffer
	b.WriteString("--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"app.zip\"\r\nContent-Type: application/zip\r\n\r\n")
	b.Write(z.Bytes())
	b.WriteString("\r\n--" + boundary + "--\r\n")
	return b.Bytes(), "multipart/form-data; boundary=" + boundary
}

// form encodes an object, or a list of pairs, as a form body.
func form(raw json.RawMessage) ([]byte, error) {
	var pairs [][2]any
	if err := json.Unmarshal(raw, &pairs); err == nil {
		var parts []string
		for _, p := range pairs {
			parts = append(parts, url.QueryEscape(text(p[0]))+"="+url.QueryEscape(text(p[1])))
		}
		return []byte(strings.Join(parts, "&")), nil
	}
	keys, values, err := members(raw)
	if err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	var parts []string
	for i, k := range keys {
		parts = append(parts, url.QueryEscape(k)+"="+url.QueryEscape(text(values[i])))
	}
	return []byte(strings.Join(parts, "&")), nil
}

// members lists an object's members in the order written.
func members(raw json.RawMessage) (keys []string, values []any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return nil, nil, err
	}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return nil, nil, err
		}
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, fmt.Sprint(k)), append(values, v)
	}
	return keys, values, nil
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		if x {
			return "True"
		}
		return "False"
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case nil:
		return "None"
	}
	return fmt.Sprint(v)
}
