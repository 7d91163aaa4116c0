package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func (p *program) explainCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "explain [ID | --last | --curl - | --token UID --method M --path P]", Args: cobra.MaximumNArgs(1),
		Short: "Say why a request was refused, or would be",
		Long: "Asks a running d2gate about a request that was made (by its id, or the last refusal) or that somebody thinks of.\n" +
			"It is decided by the very policy in force; nothing is forwarded and no secret is needed.\n" +
			"Exits with 0 for allowed, 5 for refused, 1 when there is no such request.",
		Example: "  d2gate explain --last\n  d2gate explain 01JD4Z8W3K\n  echo 'curl -X DELETE -H \"Authorization: ApiToken …\" https://hmis.example.org/api/x' | d2gate explain --curl -\n" +
			"  d2gate explain --token nightly --method GET --path /api/me --from 192.0.2.7",
	}
	file := configFlag(c)
	data := c.Flags().String("data", "", "folder of demo mode (default .d2gate)")
	last := c.Flags().Bool("last", false, "the last refusal")
	curl := c.Flags().String("curl", "", "- reads a curl command line from stdin")
	a := asked{Header: http.Header{}}
	c.Flags().StringVar(&a.Token, "token", "", "uid or name of a token")
	c.Flags().StringVar(&a.Credential, "credential", "", "kind, where it is no token: none, basic, oauth2, session")
	c.Flags().StringVar(&a.User, "user", "", "user of that credential")
	c.Flags().StringVar(&a.Method, "method", "GET", "method")
	c.Flags().StringVar(&a.Target, "path", "", "path and query, below context_path")
	c.Flags().StringVar(&a.From, "from", "", "client address (default 127.0.0.1)")
	referrer := c.Flags().String("referrer", "", "Referer that the page sends")
	origin := c.Flags().String("origin", "", "Origin that the page sends")
	asTest := c.Flags().Bool("as-test", false, "print a case to paste into tests: of the configuration")
	o := outputFlag(c, "table", "json", "yaml")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := o.check(); err != nil {
			return err
		}
		if *referrer != "" {
			a.Header.Set("Referer", *referrer)
		}
		if *origin != "" {
			a.Header.Set("Origin", *origin)
		}
		x, err := p.askExplain(c, explainAsk{*file, *data, args, *last, *curl, a})
		if err != nil {
			return err
		}
		if err := p.showExplanation(o, x, *asTest); err != nil {
			return err
		}
		if x.Decision != "allow" {
			return &exitError{code: exitRefused}
		}
		return nil
	}
	return c
}

// explainAsk is what the flags say.
type explainAsk struct {
	file, data string
	ids        []string
	last       bool
	curl       string
	asked      asked
}

// askExplain asks the running d2gate in one of the four ways.
func (p *program) askExplain(c *cobra.Command, e explainAsk) (x explanation, err error) {
	ways := 0
	for _, used := range []bool{len(e.ids) > 0, e.last, e.curl != "", e.asked.Target != ""} {
		if used {
			ways++
		}
	}
	if ways != 1 {
		return x, usage("explain: give one of ID, --last, --curl -, --path (see d2gate explain --help)")
	}
	if e.curl != "" {
		if e.asked, err = p.readCurl(e.curl, e.asked); err != nil {
			return x, err
		}
	}
	if e.asked.Target != "" && !strings.HasPrefix(e.asked.Target, "/") {
		return x, usage("--path: begins with a slash")
	}
	e.asked.Method = strings.ToUpper(e.asked.Method)
	server, err := p.runningIn(e.file, e.data)
	if err != nil {
		return x, err
	}
	switch {
	case e.last:
		err = server.call(c.Context(), http.MethodGet, "/explain/last", nil, &x)
	case len(e.ids) > 0:
		err = server.call(c.Context(), http.MethodGet, "/explain/"+url.PathEscape(e.ids[0]), nil, &x)
	default:
		err = server.call(c.Context(), http.MethodPost, "/explain", e.asked, &x)
	}
	return x, err
}

// readCurl reads the line from stdin; --from and --token still count.
func (p *program) readCurl(arg string, a asked) (asked, error) {
	if arg != "-" {
		return a, usage("--curl: a line holds a secret, which is never an argument; give - and the line on stdin")
	}
	text, err := io.ReadAll(io.LimitReader(p.stdin, 1<<20))
	if err != nil {
		return a, err
	}
	r, err := parseCurl(string(text))
	if err != nil {
		return a, usage("%w", err)
	}
	a.Method, a.Target = r.Method, r.Target
	for name, values := range r.Header {
		a.Header[name] = append(a.Header[name], values...)
	}
	return a, nil
}

func (p *program) showExplanation(o *output, x explanation, asTest bool) error {
	if asTest {
		fmt.Fprint(p.stdout, x.asTest())
		return nil
	}
	if o.format != "table" {
		return p.print(o, view{data: x})
	}
	p.printExplanation(x)
	return nil
}

// asTest is a case to paste into tests: of the configuration.
func (x explanation) asTest() string {
	expect := "allow"
	if x.Decision != "allow" {
		expect = string(x.Reason)
	}
	given := []string{"credential: " + x.Kind}
	if x.Token != nil {
		for _, k := range kinds {
			if values := k.of(x.Token.limits); len(values) > 0 {
				given = append(given, k.key+": "+flow(values))
			}
		}
	}
	if x.From != "" {
		given = append(given, "from: "+flowText(x.From))
	}
	return fmt.Sprintf("  - name: %s\n    given: {%s}\n    request: %s\n    expect: %s\n",
		flowText(x.Method+" "+x.Path+" is "+expect), strings.Join(given, ", "), flowText(x.Method+" "+x.Path), expect)
}

func flow(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = flowText(v)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// flowText is a YAML scalar; JSON's strings are among them.
func flowText(s string) string { return fmt.Sprintf("%q", s) }
