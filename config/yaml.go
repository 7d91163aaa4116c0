package config

import "github.com/goccy/go-yaml"

// YAML writes a JSON text as YAML, members in their order. It is here because no
// other package knows YAML.
func YAML(text []byte) ([]byte, error) { return yaml.JSONToYAML(text) }
