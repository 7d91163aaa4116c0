package metadata

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// geometry is the feature's first shape as GeoJSON, nil if it has none. The
// coordinates are taken as they stand: DHIS2 wants longitude before latitude.
func (n *gmlNode) geometry() (map[string]any, error) {
	var shape map[string]any
	var err error
	n.find(func(k *gmlNode) bool {
		switch k.XMLName.Local {
		case "Point":
			var points []any
			if points, err = k.positions(); err == nil && len(points) == 1 {
				shape = geoJSON("Point", points[0])
			}
		case "Polygon":
			var rings []any
			rings, err = k.rings()
			shape = geoJSON("Polygon", rings)
		case "MultiPolygon", "MultiSurface":
			var polygons []any
			polygons, err = k.polygons()
			shape = geoJSON("MultiPolygon", polygons)
		default:
			return false
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	return shape, nil
}

func geoJSON(typ string, coordinates any) map[string]any {
	return map[string]any{"type": typ, "coordinates": coordinates}
}

func (n *gmlNode) polygons() (out []any, err error) {
	n.find(func(k *gmlNode) bool {
		if k.XMLName.Local == "Polygon" {
			var rings []any
			if rings, err = k.rings(); err != nil {
				return true
			}
			out = append(out, rings)
		}
		return false
	})
	return out, err
}

// rings are the outer ring of a polygon and its holes, in the order of the document.
func (n *gmlNode) rings() (out []any, err error) {
	n.find(func(k *gmlNode) bool {
		if k.XMLName.Local == "LinearRing" {
			var ring []any
			if ring, err = k.positions(); err != nil {
				return true
			}
			out = append(out, ring)
		}
		return false
	})
	if err == nil && len(out) == 0 {
		err = problem.Plain409("The GML cannot be read: a polygon has no ring")
	}
	return out, err
}

// positions reads coordinates ("x,y x,y"), pos ("x y") and posList ("x y x y").
func (n *gmlNode) positions() (out []any, err error) {
	n.find(func(k *gmlNode) bool {
		var points []any
		switch k.XMLName.Local {
		case "coordinates":
			for tuple := range strings.FieldsSeq(k.Text) {
				if points, err = pairs(strings.Split(tuple, ","), 0); err != nil {
					return true
				}
				out = append(out, points...)
			}
		case "pos":
			points, err = pairs(strings.Fields(k.Text), 0)
			out = append(out, points...)
		case "posList":
			points, err = pairs(strings.Fields(k.Text), k.dimension())
			out = append(out, points...)
		}
		return err != nil
	})
	return out, err
}

// dimension is how many numbers make a position.
func (n *gmlNode) dimension() int {
	for _, a := range n.Attrs {
		if d, err := strconv.Atoi(a.Value); a.Name.Local == "srsDimension" && err == nil && d >= 2 && d <= 4 {
			return d
		}
	}
	return 2
}

// pairs cuts numbers into positions of that dimension, 0 meaning that all are one,
// and keeps the first two of each: DHIS2 knows no height.
func pairs(numbers []string, dimension int) ([]any, error) {
	if dimension == 0 {
		dimension = len(numbers)
	}
	if dimension < 2 || len(numbers)%dimension != 0 {
		return nil, problem.Plain409("The GML cannot be read: %d numbers make no position", len(numbers))
	}
	var out []any
	for i := 0; i < len(numbers); i += dimension {
		point := make([]any, 2)
		for j := range point {
			f, err := strconv.ParseFloat(numbers[i+j], 64)
			if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
				return nil, problem.Plain409("The GML cannot be read: %q is no coordinate", numbers[i+j])
			}
			point[j] = json.Number(strconv.FormatFloat(f, 'f', -1, 64))
		}
		out = append(out, point)
	}
	return out, nil
}
