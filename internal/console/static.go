package console

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"strconv"
)

//go:embed static/console.css
var cssFile string

//go:embed static/console.js
var jsFile string

// The addresses carry a digest, so that browsers may keep the files for good.
var (
	cssPath = "/d2gate/static/console.css?v=" + version(cssFile)
	jsPath  = "/d2gate/static/console.js?v=" + version(jsFile)
)

func version(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// static serves the two files that the pages need.
func static(mediaType, text string) func(*visit) error {
	etag := `"` + version(text) + `"`
	return func(v *visit) error {
		h := v.w.Header()
		h.Set("Content-Type", mediaType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", etag)
		h.Set("Cache-Control", "no-cache")
		if v.r.URL.Query().Get("v") == version(text) {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		if v.r.Header.Get("If-None-Match") == etag {
			v.w.WriteHeader(http.StatusNotModified)
			return nil
		}
		h.Set("Content-Length", strconv.Itoa(len(text)))
		if v.r.Method != http.MethodHead {
			_, _ = v.w.Write([]byte(text)) // the reader has gone
		}
		return nil
	}
}
