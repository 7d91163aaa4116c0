package proxy

import "github.com/d2gate/d2gate/constraints"

func parseAttribute(k constraints.Kind, v []string) (constraints.Attribute, error) {
	return constraints.Attribute{Kind: k, Values: v}, nil
}
