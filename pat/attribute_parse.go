package pat

import "github.com/d2gate/d2gate/constraints"

func newAttribute(kind constraints.Kind, values []string) (constraints.Attribute, error) {
	return constraints.Attribute{Kind: kind, Values: values}, nil
}
