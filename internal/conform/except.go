package conform

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Exceptions reads the steps that differ on purpose: lines of the form
// "scenario-id step[,step…]  # reason". The reason is required.
func Exceptions(path string) (map[string][]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string][]int{}
	sc := bufio.NewScanner(f)
	for n := 1; sc.Scan(); n++ {
		line, reason, found := strings.Cut(sc.Text(), "#")
		w := strings.Fields(line)
		if len(w) == 0 {
			continue
		}
		if len(w) != 2 || !found || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("%s:%d: want 'scenario-id step[,step…]  # reason'", path, n)
		}
		for s := range strings.SplitSeq(w[1], ",") {
			i, err := strconv.Atoi(s)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %q is no step number", path, n, s)
			}
			out[w[0]] = append(out[w[0]], i)
		}
	}
	return out, sc.Err()
}

// CaseExceptions reads the cases that do not hold on purpose: lines of the form
// "case-id  # reason". The reason is required.
func CaseExceptions(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	n := 0
	for text := range strings.Lines(string(text)) {
		n++
		line, reason, found := strings.Cut(text, "#")
		id, reason := strings.TrimSpace(line), strings.TrimSpace(reason)
		if id == "" {
			continue
		}
		if !found || reason == "" || strings.ContainsAny(id, " \t") {
			return nil, fmt.Errorf("%s:%d: want 'case-id  # reason'", path, n)
		}
		out[id] = reason
	}
	return out, nil
}
