package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/d2gate/d2gate/constraints"
)

// scalar makes a field whose text is read by parse.
func scalar(name, typ, about string, parse func(d *decoder, s string) error) field {
	return field{name: name, typ: typ, about: about, read: func(d *decoder, n ast.Node) {
		s, ok := d.text(n)
		if !ok {
			return
		}
		if err := parse(d, s); err != nil {
			d.complain(n, "%s: %v", d.key(), err)
		}
	}}
}

func str(name, about string, to *string) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		if s == "" || strings.ContainsAny(s, "\x00\r\n") {
			return fmt.Errorf("must be a text on one line")
		}
		*to = s
		return nil
	})
}

// oneOf takes one of a few words.
func oneOf(name, about string, to *string, words ...string) field {
	f := scalar(name, "string", about, func(_ *decoder, s string) error {
		if err := among(s, words); err != nil {
			return err
		}
		*to = s
		return nil
	})
	f.enum = words
	return f
}

func among(s string, words []string) error {
	if slices.Contains(words, s) {
		return nil
	}
	hint := ""
	if near := suggest(s, words); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("%q is none of %s%s", s, strings.Join(words, ", "), hint)
}

func boolean(name, about string, to *bool) field {
	return scalar(name, "boolean", about, func(_ *decoder, s string) error {
		if s != "true" && s != "false" {
			return fmt.Errorf("must be true or false")
		}
		*to = s == "true"
		return nil
	})
}

func integer(name, about string, to *int, lowest, highest int) field {
	return scalar(name, "integer", about, func(_ *decoder, s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < lowest || n > highest {
			return fmt.Errorf("must be a whole number from %d to %d", lowest, highest)
		}
		*to = n
		return nil
	})
}

func duration(name, about string, to *time.Duration) field {
	return scalar(name, "string", about, func(_ *decoder, s string) (err error) { *to, err = parseDuration(s); return err })
}

// parseDuration reads 30d, 1h30m, 90s, 500ms.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration: write 30s, 15m, 12h, 30d or 1h30m", s)
	rest, days := s, time.Duration(0)
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.Atoi(before)
		if err != nil || n < 0 || n > 36500 {
			return 0, bad
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || s == "0" {
		return 0, bad
	}
	return days + d, nil
}

// lasting is a duration that must be longer than nothing.
func lasting(name, about string, to *time.Duration) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		v, err := parseDuration(s)
		if err == nil && v == 0 {
			err = fmt.Errorf("must be longer than nothing")
		}
		*to = v
		return err
	})
}

func size(name, about string, to *int64) field {
	return scalar(name, "string", about, func(_ *decoder, s string) (err error) { *to, err = parseSize(s); return err })
}

var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}

// parseSize reads 32KiB, 5MiB, 2GiB, 100B.
func parseSize(s string) (int64, error) {
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
			if err != nil || n <= 0 || n > 1<<50/u.bytes {
				break
			}
			return n * u.bytes, nil
		}
	}
	return 0, fmt.Errorf("%q is no size: write 32KiB, 5MiB or 2GiB", s)
}

func instant(name, about string, to *time.Time) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return fmt.Errorf("%q is no instant: write 2027-01-15T00:00:00Z", s)
		}
		*to = t.UTC()
		return nil
	})
}

// percent reads 100%, 5%, 0.5% as a share.
func percent(name, about string, to *float64) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		number, ok := strings.CutSuffix(s, "%")
		f, err := strconv.ParseFloat(number, 64)
		if !ok || err != nil || f < 0 || f > 100 {
			return fmt.Errorf("%q is no share: write 100%% or 5%%", s)
		}
		*to = f / 100
		return nil
	})
}

// address takes host:port.
func address(name, about string, to *string) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		host, port, err := net.SplitHostPort(s)
		n, portErr := strconv.Atoi(port)
		if err != nil || portErr != nil || n < 0 || n > 65535 || strings.ContainsAny(host, "/ ") {
			return fmt.Errorf("%q is no listen address: write 127.0.0.1:8080", s)
		}
		*to = s
		return nil
	})
}

func httpURL(name, about string, to **url.URL) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		u, err := parseHTTPURL(s)
		if err == nil {
			*to = u
		}
		return err
	})
}

func parseHTTPURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("must be an address that begins with http:// or https://")
	case u.User != nil:
		return nil, fmt.Errorf("must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, fmt.Errorf("must have neither query nor fragment")
	case strings.Contains(u.EscapedPath(), "%") || strings.Contains(u.Path, "//") || strings.Contains(u.Path, ".."):
		return nil, fmt.Errorf("has a path that cannot be matched plainly")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// urlText is httpURL kept as text.
func urlText(name, about string, to *string) field {
	return scalar(name, "string", about, func(_ *decoder, s string) error {
		if _, err := parseHTTPURL(s); err != nil {
			return err
		}
		*to = s
		return nil
	})
}

// file takes a path; a relative one counts from the folder of the file.
func file(name, about string, to *string) field {
	return scalar(name, "string", about, func(d *decoder, s string) error {
		if s == "" || strings.ContainsRune(s, 0) {
			return fmt.Errorf("must be a path")
		}
		*to = d.abs(s)
		return nil
	})
}

func (d *decoder) abs(path string) string {
	if filepath.IsAbs(path) || d.dir == "" {
		return path
	}
	return filepath.Join(d.dir, path)
}

// list reads a list of scalars.
func list(name, about string, item func(d *decoder, s string) error) field {
	return field{name: name, typ: "array", about: about, read: func(d *decoder, n ast.Node) {
		d.items(n, func(n ast.Node) {
			s, ok := d.text(n)
			if !ok {
				return
			}
			if err := item(d, s); err != nil {
				d.complain(n, "%s: %v", d.key(), err)
			}
		})
	}}
}

func words(name, about string, to *[]string, known ...string) field {
	f := list(name, about, func(_ *decoder, s string) error {
		if len(known) > 0 {
			if err := among(s, known); err != nil {
				return err
			}
		}
		if s == "" {
			return fmt.Errorf("must not be empty")
		}
		if slices.Contains(*to, s) {
			return fmt.Errorf("%q is there twice", s)
		}
		*to = append(*to, s)
		return nil
	})
	f.enum = known
	return f
}

func prefixes(name, about string, to *[]netip.Prefix) field {
	return list(name, about, func(_ *decoder, s string) error {
		p, err := constraints.ParseAddress(s)
		if err != nil {
			return fmt.Errorf("%q is neither an address nor a CIDR such as 192.0.2.0/24", s)
		}
		if strings.Contains(s, "/") {
			if given, err := netip.ParsePrefix(s); err == nil && given.Addr().Unmap() != p.Addr() {
				return fmt.Errorf("%q has bits beyond its length: write %s", s, p)
			}
		}
		*to = append(*to, p)
		return nil
	})
}

// filled refuses an empty list: with some keys it would read as "nobody" and mean
// "everybody".
func filled(f field) field {
	read := f.read
	f.read = func(d *decoder, n ast.Node) {
		if l, ok := n.(*ast.SequenceNode); ok && len(l.Values) == 0 {
			d.complain(n, "%s is empty: leave the key out, or name what it should hold", d.key())
			return
		}
		read(d, n)
	}
	return f
}

// object reads a mapping.
func object(name, about string, fields ...field) field {
	return field{name: name, typ: "object", about: about, sub: fields, read: func(d *decoder, n ast.Node) { d.mapping(n, fields) }}
}

// objects reads a list of mappings; add makes room for one and gives its fields.
func objects[T any](name, about string, to *[]T, fields func(*T) []field) field {
	var sample T
	return field{name: name, typ: "array", about: about, sub: fields(&sample), read: func(d *decoder, n ast.Node) {
		d.items(n, func(n ast.Node) {
			var item T
			d.mapping(n, fields(&item))
			*to = append(*to, item)
		})
	}}
}

// named reads a mapping from names to mappings.
func named[T any](name, about string, to *map[string]T, fields func(*T) []field) field {
	var sample T
	return field{name: name, typ: "object", about: about, sub: []field{{name: "NAME", typ: "object", sub: fields(&sample)}}, read: func(d *decoder, n ast.Node) {
		pairs, ok := d.pairs(n)
		if !ok {
			return
		}
		*to = map[string]T{}
		for _, kv := range pairs {
			key, ok := d.name(kv)
			if !ok {
				continue
			}
			if _, twice := (*to)[key]; twice {
				d.complain(kv.Key, "%q is there twice", key)
				continue
			}
			var item T
			d.under(key, kv, func() { d.mapping(kv.Value, fields(&item)) })
			(*to)[key] = item
		}
	}}
}
