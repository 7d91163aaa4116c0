package sandbox

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"github.com/d2gate/d2gate/internal/dhis2"
	"github.com/d2gate/d2gate/internal/sandbox/problem"
)

func ping(c *call) error { return c.empty(http.StatusOK) }

func systemPing(c *call) error {
	return c.raw(http.StatusOK, "application/json", []byte("pong"))
}

// systemInfo is what DHIS2's front ends ask first. What tells of the machine is for
// superusers.
func systemInfo(c *call) error {
	now := c.s.cfg.Now().UTC().Format(stampForm)
	info := struct {
		Version            string `json:"version"`
		Revision           string `json:"revision"`
		BuildTime          string `json:"buildTime"`
		ServerDate         string `json:"serverDate"`
		ServerTimeZoneID   string `json:"serverTimeZoneId"`
		ServerTimeZoneName string `json:"serverTimeZoneDisplayName"`
		ContextPath        string `json:"contextPath"`
		UserAgent          string `json:"userAgent"`
		Calendar           string `json:"calendar"`
		DateFormat         string `json:"dateFormat"`
		SystemID           string `json:"systemId"`
		SystemName         string `json:"systemName"`
		InstanceBaseURL    string `json:"instanceBaseUrl,omitempty"`
		EmailConfigured    bool   `json:"emailConfigured"`
		RedisEnabled       bool   `json:"redisEnabled"`
		Encryption         *bool  `json:"encryption,omitempty"`
		MetadataAudit      any    `json:"metadataAudit,omitempty"`
		MetadataVersion    bool   `json:"isMetadataVersionEnabled"`
		MetadataSync       bool   `json:"isMetadataSyncEnabled"`
		DatabaseInfo       any    `json:"databaseInfo,omitempty"`
	}{
		Version: c.s.release(), Revision: "sandbox", BuildTime: now, ServerDate: now, ServerTimeZoneID: "Etc/UTC", ServerTimeZoneName: "Coordinated Universal Time",
		ContextPath: baseURL(c.r), UserAgent: c.r.Header.Get("User-Agent"), Calendar: "iso8601", DateFormat: "yyyy-mm-dd", SystemID: "00000000-0000-4000-8000-000000000000", SystemName: "DHIS 2",
	}
	if c.user.Super() {
		no := false
		info.Encryption = &no
		info.MetadataAudit = map[string]any{"persist": true, "log": true}
		info.DatabaseInfo = map[string]any{"spatialSupport": true}
	}
	if !c.query.Has("fields") {
		return c.json(http.StatusOK, info)
	}
	return c.json(http.StatusOK, map[string]any{"version": info.Version})
}

func (c *call) limit() (int, error) {
	v := c.param("limit")
	if v == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return 0, problem.BadRequest("Value '%s' is not valid for parameter limit. For input string: \"%s\"", v, v)
	}
	return min(max(n, 0), 10_000), nil
}

func systemIDs(c *call) error {
	n, err := c.limit()
	if err != nil {
		return err
	}
	codes := make([]string, 0, n)
	for range n {
		uid, err := dhis2.NewUID(c.s.cfg.Rand)
		if err != nil {
			return fmt.Errorf("random: %w", err)
		}
		codes = append(codes, uid)
	}
	return c.json(http.StatusOK, map[string]any{"codes": codes})
}

func systemUUIDs(c *call) error {
	n, err := c.limit()
	if err != nil {
		return err
	}
	codes := make([]string, 0, n)
	for range n {
		u, err := uuid.NewRandomFromReader(c.s.cfg.Rand)
		if err != nil {
			return fmt.Errorf("random: %w", err)
		}
		codes = append(codes, u.String())
	}
	return c.json(http.StatusOK, map[string]any{"codes": codes})
}

// maintenance answers each task: the sandbox has nothing to tidy up.
func maintenance(c *call) error {
	if err := c.need("F_PERFORM_MAINTENANCE"); err != nil {
		return err
	}
	if len(c.args) > 0 && c.args[0] != "categoryOptionComboUpdate" {
		return c.empty(http.StatusNoContent)
	}
	if len(c.args) == 0 {
		return c.empty(http.StatusNoContent)
	}
	return c.said(http.StatusOK, "")
}
