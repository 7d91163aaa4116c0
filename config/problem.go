package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong in the file, or that deserves a look.
type Problem struct {
	Line, Col int // from 1; 0 when there is no position
	Message   string
}

// Error is everything that is wrong with a file, in the order of its lines.
type Error struct {
	File     string
	Problems []Problem
	lines    []string
}

// Error shows each problem with its place, the line and a caret. Secrets in the
// line are masked.
func (e *Error) Error() string {
	lines := masked(e.lines)
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.show(e.File, lines))
	}
	return b.String()
}

func (p Problem) show(file string, lines []string) string {
	if p.Line < 1 || p.Line > len(lines) {
		return fmt.Sprintf("%s: %s", file, p.Message)
	}
	line := strings.ReplaceAll(lines[p.Line-1], "\t", " ")
	col := max(p.Col, 1)
	number := fmt.Sprintf("%4d", p.Line)
	return fmt.Sprintf("%s:%d:%d: %s\n%s | %s\n%s | %s^", file, p.Line, col, p.Message, number, line, strings.Repeat(" ", len(number)), strings.Repeat(" ", col-1))
}

// suggest finds the name that was probably meant, "" if none is near.
func suggest(word string, names []string) string {
	best, far := "", 3
	for _, n := range names {
		if d := distance(strings.ToLower(word), strings.ToLower(n)); d < far && d <= (len(n)+1)/2 {
			best, far = n, d
		}
	}
	return best
}

// distance counts insertions, deletions, replacements and swaps of neighbours.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(x)][len(y)]
}
