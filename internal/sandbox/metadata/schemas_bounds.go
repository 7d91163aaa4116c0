package metadata

import (
	"encoding/json"
	"math"
	"strings"
)

// bounds are length, min and max as DHIS2 gives them, nil for none.
func (p *property) bounds() (length, low, high any) {
	stored := p.owner() && p.inverse == nil
	num := func(f float64) any { return json.Number(javaDouble(f)) }
	switch p.propertyType() {
	case "COLLECTION":
		low, high = num(0), num(math.MaxFloat64)
		if p.complex || p.kind == kTexts {
			length, high = json.Number("255"), num(255)
		}
	case "COMPLEX":
		low, high = num(0), num(math.MaxFloat64)
		if stored {
			length, high = json.Number("255"), num(255)
		}
	case "DATE", "BOOLEAN", "REFERENCE":
		if stored && !(p.kind == kBool && strings.HasSuffix(p.name, "Attribute")) {
			length = json.Number("255")
		}
	case "CONSTANT":
		if stored {
			length = json.Number("50")
		}
	case "INTEGER":
		length, low, high = json.Number("2147483647"), num(math.MinInt32), num(math.MaxInt32)
	case "NUMBER":
		length, low, high = json.Number("2147483647"), num(-math.MaxFloat64), num(math.MaxFloat64)
		if !math.IsNaN(p.min) {
			low = num(p.min)
		}
	case "URL":
		low, high = num(0), num(math.MaxFloat64)
	case "TEXT", "IDENTIFIER", "EMAIL":
		length, low, high = p.textBounds(stored)
	}
	return length, low, high
}

func (p *property) textBounds(stored bool) (length, low, high any) {
	num := func(f float64) any { return json.Number(javaDouble(f)) }
	if p.calc && !p.writable {
		return nil, nil, nil
	}
	top, bottom := p.max, p.min
	if math.IsNaN(top) {
		top = math.MaxInt32
		if p.kind == kPeriodType {
			top = 255
		}
	}
	if math.IsNaN(bottom) {
		bottom = 0
	}
	if stored {
		length = json.Number(rawInt(top))
	}
	return length, num(bottom), num(top)
}
