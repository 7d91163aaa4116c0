package console

import (
	"bytes"
	"embed"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"

	"github.com/d2gate/d2gate/internal/identity"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates, one set for each page.
type pages struct{ byName map[string]*template.Template }

func readPages() (*pages, error) {
	base, err := template.New("").Funcs(template.FuncMap{
		"list": func(v ...any) []any { return v },
		"has":  func(list []string, word string) bool { return slices.Contains(list, word) },
		"zero": func(t time.Time) bool { return t.IsZero() },
		"quot": func() template.HTML { return "&quot;" }, // as DHIS2 2.41 writes it
	}).ParseFS(templateFiles, "templates/base.html", "templates/fields.html")
	if err != nil {
		return nil, err
	}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	p := &pages{map[string]*template.Template{}}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "base" || name == "fields" {
			continue
		}
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(templateFiles, "templates/"+e.Name())
		}
		if err != nil {
			return nil, err
		}
		p.byName[name] = t
	}
	return p, nil
}

// page is what every template knows. Data is the page's own. What takes arguments
// is a field, for these templates call no methods (docs/decisions/0006).
type page struct {
	T    func(key string, args ...any) string
	N    func(key string, n int) string
	Text func(key string, args ...any) template.HTML
	Time func(time.Time) template.HTML
	In   func(time.Time) string

	Lang  string
	Dir   string // in which it is written
	Title string
	Base  string // context path
	CSS   string
	JS    string
	Form  string // anti-forgery value
	User  *identity.User
	// UserName is how the user is called.
	UserName string
	Admin    bool
	Here     string // "tokens" or "clients", for the navigation
	Data     any
}

// pageFor is a page without its own parts.
func (v *visit) pageFor(form string) *page {
	w, now := v.words, v.c.cfg.Now()
	return &page{
		T: w.T, N: w.N, Text: w.element, Time: asUTC, In: func(t time.Time) string { return w.away(t.Sub(now)) }, Lang: w.lang, Dir: w.dir,
		Base: v.c.base, CSS: v.c.base + cssPath, JS: v.c.base + jsPath, Form: form,
	}
}

func displayName(u *identity.User) string {
	if u == nil {
		return ""
	}
	for _, s := range []string{u.DisplayName, u.Name} {
		if s != "" && s != u.Username {
			return s + " (" + u.Username + ")"
		}
	}
	return u.Username
}

// asUTC shows an instant as UTC; a script makes it local.
func asUTC(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2006-01-02 15:04") + ` UTC</time>`) //nolint:gosec // digits only
}

// element is T for the text of an element, where an apostrophe stays as it is: what
// reads DHIS2's consent page looks for its words to the letter.
func (c *catalogue) element(key string, args ...any) template.HTML {
	return template.HTML(textEscaper.Replace(c.T(key, args...))) //nolint:gosec // escaped
}

var textEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")

// away says how far away an instant is, in days or hours.
func (c *catalogue) away(d time.Duration) string {
	switch {
	case d < time.Hour:
		return c.N("in_minutes", int((d+time.Minute-1)/time.Minute))
	case d < 48*time.Hour:
		return c.N("in_hours", int(d.Round(time.Hour)/time.Hour))
	}
	return c.N("in_days", int(d.Round(24*time.Hour)/(24*time.Hour)))
}

// view is one page to be shown.
type view struct {
	name   string // of the template
	title  string // key of the title
	status int    // 0 means 200
	ends   string // validated redirect URI that its forms may end at
	here   string
	user   *identity.User
	data   any
}

// show writes a page. Its error is not yet written to the caller.
func (v *visit) show(s view) error {
	form, err := v.formValue()
	if err != nil {
		return err
	}
	p := v.pageFor(form)
	p.Title, p.User, p.UserName, p.Here, p.Data = v.words.T(s.title), s.user, displayName(s.user), s.here, s.data
	if s.user != nil {
		p.Admin = v.c.cfg.Admin(s.user.Authorities)
	}
	var b bytes.Buffer
	if err := v.c.pages.byName[s.name].ExecuteTemplate(&b, "base", p); err != nil {
		return err
	}
	h := v.w.Header()
	pageHeaders(h, s.ends, v.words.lang)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	if s.status == 0 {
		s.status = http.StatusOK
	}
	v.w.WriteHeader(s.status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(b.Bytes()) // the reader has gone; there is nobody to tell
	}
	return nil
}

// goTo sends the browser to another page of ours: 303, so that no form travels
// along.
func (v *visit) goTo(to string) error {
	h := v.w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}
