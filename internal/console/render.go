package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/d2gate/d2gate/internal/identity"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates, one set for each page.
type pages struct{ byName map[string]*template.Template }

func readPages() (*pages, error) {
	base, err := template.New("").Funcs(template.FuncMap{
		"list": func(v ...any) []any { return v },
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

// page is what every template knows. Data is the page's own.
type page struct {
	*catalogue
	Title string
	Base  string // context path
	CSS   string
	JS    string
	Form  string // anti-forgery value
	User  *identity.User
	Admin bool
	Here  string // "tokens" or "clients", for the navigation
	Data  any

	now time.Time
}

// Lang is the page's language.
func (p *page) Lang() string { return p.lang }

// Dir is the direction that it is written in.
func (p *page) Dir() string { return p.dir }

// UserName is how the user is called.
func (p *page) UserName() string { return displayName(p.User) }

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

// Time is an instant as UTC; a script makes it local.
func (p *page) Time(t time.Time) template.HTML {
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2006-01-02 15:04") + ` UTC</time>`) //nolint:gosec // digits only
}

// Text is T for the text of an element, where an apostrophe stays as it is: what
// reads DHIS2's consent page looks for its words to the letter.
func (p *page) Text(key string, args ...any) template.HTML {
	return template.HTML(textEscaper.Replace(p.T(key, args...))) //nolint:gosec // escaped
}

var textEscaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")

// In says how far away an instant is, in days or hours.
func (p *page) In(t time.Time) string {
	d := t.Sub(p.now)
	switch {
	case d < time.Hour:
		return p.N("in_minutes", int((d+time.Minute-1)/time.Minute))
	case d < 48*time.Hour:
		return p.N("in_hours", int(d.Round(time.Hour)/time.Hour))
	}
	return p.N("in_days", int(d.Round(24*time.Hour)/(24*time.Hour)))
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
	p := &page{
		catalogue: v.words, Title: v.words.T(s.title), Base: v.c.base, CSS: v.c.base + cssPath, JS: v.c.base + jsPath,
		Form: form, User: s.user, Here: s.here, Data: s.data, now: v.c.cfg.Now(),
	}
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
