package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What docs/policy.md shows is a file that loads: its whole files each alone, its
// pieces together.
func TestTheYAMLOfThePolicyPageLoads(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "policy.md"))
	require.NoError(t, err)
	text := minimal
	for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
		yaml, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		if strings.HasPrefix(yaml, "version:") {
			require.NotEmpty(t, parse(t, yaml).Tests)
			continue
		}
		text += yaml
	}
	c := parse(t, text)
	require.NotEmpty(t, c.Routes)
	require.NotEmpty(t, c.Tests)
}
