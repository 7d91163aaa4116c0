package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
)

// accepts is as much of JSON Schema 2020-12 as config.Schema uses.
func accepts(schema map[string]any, v any, at string) error {
	if err := typed(schema["type"], v); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Errorf("%s: %v is none of %v", at, v, enum)
	}
	switch v := v.(type) {
	case []any:
		items, ok := schema["items"].(map[string]any)
		for i, item := range v {
			if !ok {
				break
			}
			if err := accepts(items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		return members(schema, v, at)
	}
	return nil
}

func members(schema, v map[string]any, at string) error {
	properties, _ := schema["properties"].(map[string]any)
	for name, member := range v {
		sub, ok := properties[name].(map[string]any)
		if !ok {
			switch more := schema["additionalProperties"].(type) {
			case map[string]any:
				sub = more
			case bool:
				return fmt.Errorf("%s: %s is not in the schema", at, name)
			default:
				continue
			}
		}
		if err := accepts(sub, member, at+"."+name); err != nil {
			return err
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
	}
	return nil
}

func typed(want, v any) error {
	is := "string"
	switch v.(type) {
	case map[string]any:
		is = "object"
	case []any:
		is = "array"
	case bool:
		is = "boolean"
	case float64:
		is = "integer"
	}
	switch want := want.(type) {
	case nil:
		return nil
	case string:
		if want == is {
			return nil
		}
	case []any:
		if slices.Contains(want, any(is)) {
			return nil
		}
	}
	return fmt.Errorf("%v is %s, not %v", v, is, want)
}

func TestTheSchemaAcceptsTheExamplesAndNoUnknownKey(t *testing.T) {
	var schema map[string]any
	require.NoError(t, json.Unmarshal(config.Schema(), &schema))
	for _, name := range []string{"minimal", "plain-upstream", "full"} {
		text, err := os.ReadFile(filepath.Join("..", "testdata", "examples", name+".yaml"))
		require.NoError(t, err)
		asJSON, err := yaml.YAMLToJSON(text)
		require.NoError(t, err)
		var v map[string]any
		require.NoError(t, json.Unmarshal(asJSON, &v))
		require.NoError(t, accepts(schema, v, name))
		v["server"].(map[string]any)["listn"] = "x"
		require.ErrorContains(t, accepts(schema, v, name), "server: listn is not in the schema")
	}
}

func TestEveryKeyOfTheSchemaSaysWhatItMeans(t *testing.T) {
	var schema map[string]any
	require.NoError(t, json.Unmarshal(config.Schema(), &schema))
	var look func(s map[string]any, at string)
	look = func(s map[string]any, at string) {
		for name, p := range s["properties"].(map[string]any) {
			p := p.(map[string]any)
			require.NotEmpty(t, p["description"], "%s.%s", at, name)
			for _, sub := range []any{p, p["items"], p["additionalProperties"]} {
				if sub, ok := sub.(map[string]any); ok && sub["properties"] != nil {
					look(sub, at+"."+name)
				}
			}
		}
	}
	look(schema, "")
}
