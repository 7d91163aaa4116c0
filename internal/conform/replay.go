package conform

import (
	"path/filepath"
	"slices"
	"testing"
)

// Replay plays transcript files as subtests, one a scenario. An exception that no
// scenario has, or that names a step that answers as DHIS2 after all, is not an
// error here: the file of exceptions may serve several targets.
func Replay(t *testing.T, target Target, only func(Scenario) bool, files ...string) {
	t.Helper()
	for _, file := range files {
		scenarios, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, sc := range scenarios {
				if only != nil && !only(sc) {
					continue
				}
				t.Run(sc.ID, func(t *testing.T) { report(t, Play(target, sc, t.Logf)) })
			}
		})
	}
}

func report(t *testing.T, res Result) {
	t.Helper()
	for _, f := range res.Failures {
		t.Errorf("step %d %s", f.Step, f.Do)
		for _, d := range f.Diffs {
			t.Errorf("    %s", d)
		}
	}
	if res.Same+res.Skipped == 0 && len(res.Failures) == 0 {
		t.Error("the scenario compared nothing")
	}
}

// Without returns steps' exceptions merged.
func Without(sets ...map[string][]int) map[string][]int {
	out := map[string][]int{}
	for _, set := range sets {
		for id, steps := range set {
			out[id] = append(out[id], steps...)
			slices.Sort(out[id])
		}
	}
	return out
}
