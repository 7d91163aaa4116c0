package metrics

import (
	"bytes"
	"math"
	"strconv"
	"strings"
)

// label is one label of one series.
type label struct{ name, value string }

// exposition writes one family (Prometheus, exposition formats, text format 0.0.4).
type exposition struct {
	out  *bytes.Buffer
	of   description
	open bool // HELP and TYPE are written
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// sample writes the line of one series; suffix is _bucket, _sum or _count of a
// histogram, or empty. Labels are written in the order given.
func (e *exposition) sample(suffix string, labels []label, value float64) {
	e.header()
	e.out.WriteString(e.of.name + suffix)
	for i, l := range labels {
		e.out.WriteByte("{,"[min(i, 1)])
		e.out.WriteString(l.name + `="` + labelEscapes.Replace(strings.ToValidUTF8(l.value, "\uFFFD")) + `"`)
	}
	if len(labels) > 0 {
		e.out.WriteByte('}')
	}
	e.out.WriteString(" " + number(value) + "\n")
}

// header is written once, before the first sample.
func (e *exposition) header() {
	if e.open {
		return
	}
	e.open = true
	e.out.WriteString("# HELP " + e.of.name + " " + helpEscapes.Replace(e.of.help) + "\n")
	e.out.WriteString("# TYPE " + e.of.name + " " + e.of.kind + "\n")
}

// number spells a value; Go's ParseFloat is the format's definition.
func number(v float64) string {
	if math.IsInf(v, 1) {
		return "+Inf"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
