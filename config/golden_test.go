package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What an operator sees when an example has one mistake: line, column, excerpt,
// caret, and what was probably meant. The files are testdata/errors.
func TestTheErrorsOfTheExamplesReadAsRecorded(t *testing.T) {
	mistakes := []struct{ name, in, old, with string }{
		{"misspelt", "", "public_url:", "public_ulr:"},
		{"duplicate", "", "upstream:", "version: 1\nupstream:"},
		{"cidr", "", "trusted_proxies: [", "trusted_proxies: [10.0.0.0/33, "},
		{"secret", "minimal", "upstream: {", "upstream: {identity: {mode: basic, username: u, password: Old-pass-1}, "},
		{"secret", "plain-upstream", "{mode: none}", "{mode: basic, username: u, password: \"Old-pass-1\"}"},
		{"secret", "full", "\"cred:guest\"", "Old-pass-1"},
	}
	for _, example := range []string{"minimal", "plain-upstream", "full"} {
		text, err := os.ReadFile(filepath.Join("..", "testdata", "examples", example+".yaml"))
		require.NoError(t, err)
		for _, m := range mistakes {
			if m.in != "" && m.in != example {
				continue
			}
			t.Run(example+"-"+m.name, func(t *testing.T) {
				broken := strings.Replace(string(text), m.old, m.with, 1)
				require.NotEqual(t, string(text), broken)
				_, err := config.Parse(example+".yaml", []byte(broken))
				require.Error(t, err)
				golden := filepath.Join("testdata", "errors", example+"-"+m.name+".txt")
				if *update {
					require.NoError(t, os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600))
				}
				want, readErr := os.ReadFile(golden)
				require.NoError(t, readErr)
				require.Equal(t, string(want), err.Error()+"\n")
			})
		}
	}
}
