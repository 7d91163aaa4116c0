package house_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryTestThatTheDocsNameExists reads docs/*.md for names of tests.
func TestEveryTestThatTheDocsNameExists(t *testing.T) {
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	require.NoError(t, filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
		return err
	}))
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range named.FindAllSubmatch(text, -1) {
			n++
			if !there[string(m[1])] {
				t.Errorf("%s names %s, which is not there", file, m[1])
			}
		}
	}
	require.Greater(t, n, 100, "no names were found: the pattern is wrong")
}

// TestEveryDifferenceIsInTheDocs holds the exceptions of the conformance tests
// against what docs/CONFORMANCE.md tells.
func TestEveryDifferenceIsInTheDocs(t *testing.T) {
	told, err := os.ReadFile("../../docs/CONFORMANCE.md")
	require.NoError(t, err)
	files, err := filepath.Glob("../../testdata/except-*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^([a-z][a-z0-9-]+) +`).FindAllSubmatch(text, -1) {
			require.Contains(t, string(told), "| "+string(m[1])+" |", "%s is not in docs/CONFORMANCE.md", file)
		}
	}
}
