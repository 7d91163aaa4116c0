package metadata

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// importGML is POST /metadata/gml: a feature whose uid, code or name is that of an
// organisation unit gives it its geometry; other features are left out (DHIS2
// DefaultGmlImportService, gml2dxf2.xsl).
func (c *request) importGML() error {
	if media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || media != "application/xml" {
		return c.mediaType("application/xml")
	}
	return c.importStaged(func(g *stage) error {
		return c.readGML(http.MaxBytesReader(c.w, c.r.Body, maxBody), g)
	})
}

// readGML reads one feature after another and holds no more than one.
func (c *request) readGML(r io.Reader, g *stage) error {
	dec := xml.NewDecoder(r)
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadableGML(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "featureMember" {
			continue
		}
		var feature gmlNode
		if err := dec.DecodeElement(&feature, &start); err != nil {
			return unreadableGML(err)
		}
		if err := c.stageFeature(&feature, g); err != nil {
			return err
		}
	}
}

func unreadableGML(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return problem.Plain409("The GML cannot be read: %s", err)
}

func (c *request) stageFeature(feature *gmlNode, g *stage) error {
	geometry, err := feature.geometry()
	if err != nil || geometry == nil {
		return err
	}
	units := c.s.cat.bySingular["organisationUnit"]
	uid, err := c.s.unitOf(c.r.Context(), feature)
	if err != nil || uid == "" || g.has(units, uid) {
		return err
	}
	o, err := load(c.r.Context(), c.q, units, uid)
	if errors.Is(err, errNoObject) {
		return nil
	}
	if err != nil {
		return err
	}
	o.doc["geometry"] = geometry
	return stageJSON(g, units, o.doc)
}

// unitOf is the uid of the organisation unit that a feature names by uid, else by
// code, else by a name that one unit alone has; "" for none.
func (s *Service) unitOf(ctx context.Context, feature *gmlNode) (string, error) {
	if uid := feature.named("uid"); uid != "" {
		return uid, nil
	}
	if code := feature.named("code"); code != "" {
		return uidByCode(ctx, s.db, "organisationUnit", code)
	}
	rows, err := s.db.QueryContext(ctx, `SELECT uid FROM md_object WHERE type = 'organisationUnit' AND name = ? LIMIT 2`, feature.named("name"))
	if err != nil {
		return "", fmt.Errorf("find unit by name: %w", err)
	}
	defer rows.Close()
	var uids []string
	for rows.Next() {
		var uid string
		if err := rows.Scan(&uid); err != nil {
			return "", fmt.Errorf("find unit by name: %w", err)
		}
		uids = append(uids, uid)
	}
	if len(uids) != 1 {
		return "", rows.Err()
	}
	return uids[0], rows.Err()
}

// gmlNode is an element of a feature.
type gmlNode struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []gmlNode  `xml:",any"`
}

// find calls f with the elements below n, each before what it holds, until f returns
// true; f's true means that it has seen enough.
func (n *gmlNode) find(f func(*gmlNode) bool) bool {
	for i := range n.Kids {
		if f(&n.Kids[i]) || n.Kids[i].find(f) {
			return true
		}
	}
	return false
}

// named is the text of the first element of that name in any case.
func (n *gmlNode) named(name string) string {
	text := ""
	n.find(func(k *gmlNode) bool {
		if len(k.Kids) == 0 && strings.EqualFold(k.XMLName.Local, name) {
			text = strings.TrimSpace(k.Text)
		}
		return text != ""
	})
	return text
}
