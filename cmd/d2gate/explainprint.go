package main

import (
	"fmt"
	"strings"
	"time"
)

// printExplanation writes an explanation for people (dependencies 5.8).
func (p *program) printExplanation(x explanation) {
	green, red, bold, plain := "", "", "", ""
	if p.colours(p.stdout) {
		green, red, bold, plain = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
	}
	w := p.stdout
	fmt.Fprintf(w, "%s%-38s%s%s\n", bold, x.Method+" "+printable(x.Path), plain, headline(x))
	if x.RequestID != "" {
		fmt.Fprintf(w, "%-7s%s\n", "id", x.RequestID)
	}
	if x.From != "" {
		fmt.Fprintf(w, "%-7s%s\n", "from", x.From)
	}
	switch {
	case x.Token != nil:
		name := x.Token.UID
		if x.Token.Name != "" {
			name = printable(x.Token.Name) + " (" + x.Token.UID + ")"
		}
		fmt.Fprintf(w, "%-7s%-31s%s, expires %s\n", "token", name, printable(x.Token.User), endWords(x.Token.Expires, time.Now()))
	case x.User != "":
		fmt.Fprintf(w, "%-7s%-31s%s\n", "user", printable(x.User), x.Kind)
	}
	fmt.Fprintln(w)
	for _, s := range x.Steps {
		mark, colour := "✓", green
		if !s.OK {
			mark, colour = "✗", red
		}
		decided := ""
		if s.Decided {
			decided = "   ← decided"
		}
		line := fmt.Sprintf("  %s%s%s %-33s %s%s", colour, mark, plain, s.Name, printable(s.Detail), decided)
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	if len(x.Fixes) > 0 || x.Note != "" {
		fmt.Fprintln(w)
	}
	if x.Note != "" {
		fmt.Fprintln(w, x.Note)
	}
	for _, f := range x.Fixes {
		fmt.Fprintf(w, "To be allowed: %s\n", printable(f))
	}
	if x.Command != "" {
		fmt.Fprintf(w, "  %s\n", x.Command)
	}
}

// headline is when, and what came of it.
func headline(x explanation) string {
	verdict := "allowed"
	if x.Decision == "refuse" {
		verdict = fmt.Sprintf("%d %s", x.Status, x.Reason)
	}
	r := x.Recorded
	if r == nil {
		return "  " + verdict
	}
	if r.Decision == "allow" {
		verdict = "allowed"
		if r.UpstreamStatus > 0 {
			verdict = fmt.Sprintf("%d from DHIS2", r.UpstreamStatus)
		}
	}
	return fmt.Sprintf("%s, %s, %.1f ms", r.Time.Local().Format("2006-01-02 15:04:05 -07"), verdict, r.DurationMs)
}

// printable keeps what a caller sent from acting on a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\ufffd'
		}
		return r
	}, s)
}
