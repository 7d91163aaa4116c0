package sandbox

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

// crossOrigin handles a request with an Origin: a foreign one is answered 200 with
// nothing, whatever its credentials, and not executed (observed on 2.44).
func (c *call) crossOrigin() (answered bool) {
	origin := c.r.Header.Get("Origin")
	if origin == "" || origin == baseURL(c.r) {
		return false
	}
	if !c.s.originAllowed(c.r, origin) {
		c.w.WriteHeader(http.StatusOK)
		return true
	}
	h := c.w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Vary", "Origin")
	if asked := c.r.Header.Get("Access-Control-Request-Method"); c.r.Method == http.MethodOptions && asked != "" {
		h.Set("Access-Control-Allow-Methods", asked)
		if v := c.r.Header.Get("Access-Control-Request-Headers"); v != "" {
			h.Set("Access-Control-Allow-Headers", v)
		}
		c.w.WriteHeader(http.StatusNoContent)
		return true
	}
	return false
}

func (s *Sandbox) originAllowed(r *http.Request, origin string) bool {
	for _, p := range s.corsWhitelist(r) {
		re, err := regexp.Compile("^" + strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*") + "$")
		if err == nil && re.MatchString(origin) {
			return true
		}
	}
	return false
}

const corsKey = "configuration.corsWhitelist"

func (s *Sandbox) corsWhitelist(r *http.Request) []string {
	list := []string{}
	if v := s.setting(r.Context(), corsKey); v != "" {
		_ = json.Unmarshal([]byte(v), &list) // written by corsSet alone
	}
	return list
}

func corsList(c *call) error { return c.json(http.StatusOK, c.s.corsWhitelist(c.r)) }

func corsSet(c *call) error {
	if err := c.need("F_SYSTEM_SETTING"); err != nil {
		return err
	}
	if err := c.jsonType(); err != nil {
		return err
	}
	var list []string
	if err := c.readJSON(&list, "corsWhitelist"); err != nil {
		return err
	}
	b, err := json.Marshal(list)
	if err != nil {
		return problem.BadRequest("JSON parse error")
	}
	if err := c.s.putSetting(c.r.Context(), corsKey, string(b)); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}
