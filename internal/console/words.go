package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

//go:embed i18n/*.json
var i18nFiles embed.FS

// languages are those with a catalogue; the first is used when none fits.
var languages = []string{"en", "fr", "pt", "es", "ar"}

// catalogue is the words of one language.
type catalogue struct {
	lang string
	dir  string // "ltr" or "rtl"
	text map[string]string
}

// words are all catalogues.
type words struct{ byLang map[string]*catalogue }

// readWords reads the catalogues. A key that one of them lacks, or a blank
// that it lost, is an error: a page half in another language helps nobody.
func readWords() (*words, error) {
	w := &words{map[string]*catalogue{}}
	for _, lang := range languages {
		b, err := i18nFiles.ReadFile("i18n/" + lang + ".json")
		if err != nil {
			return nil, err
		}
		c := &catalogue{lang: lang, dir: "ltr"}
		if err := json.Unmarshal(b, &c.text); err != nil {
			return nil, fmt.Errorf("i18n/%s.json: %w", lang, err)
		}
		if lang == "ar" {
			c.dir = "rtl"
		}
		w.byLang[lang] = c
	}
	for key, en := range w.byLang["en"].text {
		for _, lang := range languages {
			text, ok := w.byLang[lang].text[key]
			for i := range strings.Count(en, "{") {
				ok = ok && strings.Contains(text, "{"+strconv.Itoa(i)+"}")
			}
			if !ok {
				return nil, fmt.Errorf("i18n/%s.json: %s is missing, or lacks a blank", lang, key)
			}
		}
	}
	return w, nil
}

// T is the text of a key with {0}, {1}… filled in. Values are set apart from text
// that runs the other way.
func (c *catalogue) T(key string, args ...any) string {
	s, ok := c.text[key]
	if !ok {
		return key
	}
	for i, a := range args {
		v := fmt.Sprint(a)
		if c.dir == "rtl" {
			v = "\u2068" + v + "\u2069" // first strong isolate
		}
		s = strings.Replace(s, "{"+strconv.Itoa(i)+"}", v, 1)
	}
	return s
}

// N is T for a number of things: key.one for one, key for more.
func (c *catalogue) N(key string, n int) string {
	if n == 1 {
		key += ".one"
	}
	return c.T(key, n)
}

// choose picks the language that Accept-Language likes best (RFC 9110 12.5.4).
func (w *words) choose(lines []string) *catalogue {
	best, found := 0.0, w.byLang[languages[0]]
	for part := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if c := w.byLang[primary]; c != nil && q > best {
			best, found = q, c
		}
	}
	return found
}
