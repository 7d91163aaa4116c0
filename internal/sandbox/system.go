package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

func itoa(n int) string { return strconv.Itoa(n) }

// version is what the server calls itself: "2.44-SNAPSHOT".
func (c *call) version() string { return "2." + itoa(c.dialect.minor) + "-SNAPSHOT" }

func (c *call) ping() error { return c.text(http.StatusOK, "", "") }

func (c *call) systemPing() error { return c.text(http.StatusOK, jsonUTF8, "pong") }

// systemInfo is GET /api/system/info; fields= chooses members.
func (c *call) systemInfo() error {
	base := baseURL(c.r)
	now := c.cfg.Now().UTC().Format("2006-01-02T15:04:05.000")
	info := map[string]any{
		"contextPath": base, "instanceBaseUrl": base, "version": c.version(), "revision": "sandbox", "buildTime": "2026-08-21T00:00:00.000", "serverDate": now, "serverTimeZoneId": "Etc/UTC", "serverTimeZoneDisplayName": "Coordinated Universal Time",
		"calendar": c.settings.text("keyCalendar"), "dateFormat": strings.ToLower(c.settings.text("keyDateFormat")), "systemName": c.settings.text("applicationTitle"),
		"databaseInfo": map[string]any{"spatialSupport": true, "time": now}, "encryption": false, "emailConfigured": false, "redisEnabled": false, "isMetadataVersionEnabled": c.settings.flag("keyVersionEnabled"),
		"isMetadataSyncEnabled": false, "nodeId": "", "clusterHostname": "", "intervalSinceLastAnalyticsTableSuccess": "", "lastAnalyticsTableRuntime": "", "jasperReportsVersion": "", "rulesEngineVersion": "3",
	}
	if ua := c.r.UserAgent(); ua != "" {
		info["userAgent"] = ua
	}
	if c.user.Super() {
		info["encryption"] = true // told to superusers alone
	}
	if fields := c.query.joined("fields"); fields != "" && fields != "*" {
		chosen := strings.Split(fields, ",")
		for k := range info {
			if !slices.Contains(chosen, k) {
				delete(info, k)
			}
		}
	}
	return c.taggedJSON(info)
}

// maxIDs is how many ids one request may ask for.
const maxIDs = 10_000

// systemIDs is GET /api/system/id?limit=N: new uids.
func (c *call) systemIDs() error {
	return c.codes(func() (string, error) { return dhis2.NewUID(c.cfg.Rand) })
}

// systemUUIDs is GET /api/system/uuid?limit=N.
func (c *call) systemUUIDs() error {
	return c.codes(func() (string, error) {
		id, err := uuid.NewRandomFromReader(c.cfg.Rand)
		return id.String(), err
	})
}

func (c *call) codes(make func() (string, error)) error {
	n, err := c.query.argument("limit", 1)
	if err != nil {
		return err
	}
	out := []string{}
	for range min(max(n, 0), maxIDs) {
		code, err := make()
		if err != nil {
			return err
		}
		out = append(out, code)
	}
	return c.json(http.StatusOK, map[string][]string{"codes": out}, noStore)
}

// readWhitelist and writeWhitelist are /api/configuration/corsWhitelist.
func (c *call) readWhitelist() error {
	list := c.settings.whitelist()
	if list == nil {
		list = []string{}
	}
	return c.taggedJSON(list)
}

func (c *call) writeWhitelist() error {
	body, err := c.body(smallBody)
	if err != nil {
		return err
	}
	var origins []string
	if json.Unmarshal([]byte(body), &origins) != nil {
		return problem.Plain409("%s", jacksonError(body))
	}
	if err := c.settings.setWhitelist(c.r.Context(), origins); err != nil {
		return err
	}
	return c.nothing()
}

// listSessions is GET /api/sessions.
func (c *call) listSessions() error {
	out := []map[string]any{}
	for _, s := range c.sessions.list() {
		out = append(out, map[string]any{"principal": map[string]string{"username": s.username}, "lastRequest": s.last.UTC().Format("2006-01-02T15:04:05.000"), "expired": false})
	}
	return c.json(http.StatusOK, out, noStore)
}

// endSessionsOf is DELETE /api/sessions/{username}.
func (c *call) endSessionsOf() error {
	c.Sandbox.sessions.endAll(c.params[0])
	return c.text(http.StatusOK, "", "")
}

// endSessions is DELETE /api/sessions.
func (c *call) endSessions() error {
	c.Sandbox.sessions.endEvery(cookieOf(c.r))
	return c.text(http.StatusOK, "", "")
}

// maintained answers what a sandbox has nothing to do for.
func (c *call) maintained() error {
	if c.dialect.minor <= 41 {
		return c.nothing()
	}
	return c.done(http.StatusOK, "")
}

// noData is GET /api/dataValueSets: there are no data values, and a query that
// names no data set, period and organisation unit is refused as in DHIS2.
func (c *call) noData() error {
	needed := []struct{ names, code, text string }{
		{"dataSet dataElement dataElementGroup", "E2001", "At least one data element, data set or data element group must be specified"},
		{"period startDate endDate lastUpdated lastUpdatedDuration", "E2002", "At least one period, start/end dates, last updated or last updated duration must be specified"},
		{"orgUnit orgUnitGroup", "E2006", "At least one organisation unit or organisation unit group must be specified"},
	}
	if c.dialect.minor <= 41 { // the organisation unit is asked for first
		needed = append(needed[2:], needed[:2]...)
	}
	for _, n := range needed {
		if !slices.ContainsFunc(strings.Fields(n.names), c.query.has) {
			return problem.New(http.StatusConflict, n.code, "%s", n.text)
		}
	}
	return c.json(http.StatusOK, map[string]any{"dataValues": []any{}}, noStore)
}

// uiLocales is GET /api/locales/ui.
func (c *call) uiLocales() error { return c.taggedJSON(locales) }

type locale struct {
	Locale      string `json:"locale"`
	LanguageTag string `json:"languageTag"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

// locales are languages of DHIS2's user interface.
var locales = []locale{
	{"ar", "ar", "العربية", "Arabic"}, {"bn", "bn", "বাংলা", "Bangla"}, {"cs", "cs", "čeština", "Czech"}, {"da", "da", "dansk", "Danish"}, {"en", "en", "English", "English"},
	{"es", "es", "español", "Spanish"}, {"fr", "fr", "français", "French"}, {"id", "id", "Indonesia", "Indonesian"}, {"km", "km", "ខ្មែរ", "Khmer"}, {"lo", "lo", "ລາວ", "Lao"},
	{"nb", "nb", "norsk bokmål", "Norwegian Bokmål"}, {"nl", "nl", "Nederlands", "Dutch"}, {"pt", "pt", "português", "Portuguese"}, {"pt_BR", "pt-BR", "português (Brasil)", "Portuguese (Brazil)"},
	{"ru", "ru", "русский", "Russian"}, {"sv", "sv", "svenska", "Swedish"}, {"ur", "ur", "اردو", "Urdu"}, {"vi", "vi", "Tiếng Việt", "Vietnamese"}, {"zh", "zh", "中文", "Chinese"},
}

// toResources is GET /api.
func (c *call) toResources() error {
	return c.redirect(http.StatusFound, baseURL(c.r)+"/api/resources")
}

// resources is GET /api/resources.
func (c *call) resources() error {
	return c.taggedJSON(map[string]any{"resources": c.meta.Resources(baseURL(c.r))})
}

// staticContent knows the two logos; nobody has uploaded one.
func (c *call) staticContent() error {
	switch c.params[0] {
	case "logo_front", "logo_banner", "logo_mobile":
		return problem.New(http.StatusNotFound, "", "No custom file found.")
	}
	return problem.NotFound("Key does not exist.")
}

// style is GET /api/files/style: nobody has uploaded one.
func (c *call) style() error { return c.text(http.StatusOK, "text/css;charset=UTF-8", "") }
