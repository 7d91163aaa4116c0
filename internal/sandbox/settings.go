package sandbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
)

// setting is one row of the table of settings: what kind of value and which one
// when nobody has set it (DHIS2 2.44 SystemSettings, UserSettings).
type setting struct {
	kind         settingKind
	value        string
	confidential bool
	hidden       bool // not in the list of all
}

type settingKind uint8

const (
	textSetting settingKind = iota
	flagSetting
	intSetting
)

func text(v string) setting { return setting{textSetting, v, false, false} }
func flag(v bool) setting   { return setting{flagSetting, strconv.FormatBool(v), false, false} }
func number(v int) setting  { return setting{intSetting, strconv.Itoa(v), false, false} }
func secret() setting       { return setting{textSetting, "", true, true} }

// systemDefaults are the system settings that the sandbox knows.
var systemDefaults = map[string]setting{
	"applicationTitle": text("DHIS 2"), "keyApplicationIntro": text(""), "keyApplicationNotification": text(""), "keyApplicationFooter": text(""), "keyApplicationRightFooter": text(""),
	"keyFlag": text("dhis2"), "keyFlagImage": text(""), "startModule": text("dhis-web-dashboard"), "loginPopup": text(""), "keyUiLocale": text("en"), "keyDbLocale": text("en"),
	"keyStyle": {textSetting, "light_blue/light_blue.css", false, true}, "keyCalendar": text("iso8601"), "keyDateFormat": text("yyyy-MM-dd"),
	"keyAccountRecovery": flag(false), "keyLockMultipleFailedLogins": flag(false), "keySelfRegistrationNoRecaptcha": flag(false), "keyUseCustomLogoFront": flag(false), "keyUseCustomLogoBanner": flag(false),
	"minPasswordLength": number(8), "maxPasswordLength": number(72), "credentialsExpires": number(0), "credentialsExpiresReminderInDays": number(28), "credentialsExpiryAlert": flag(false),
	"keySystemNotificationsEmail": text(""), "keyEmailHostName": text(""), "keyEmailPort": number(587), "keyEmailUsername": text(""), "keyEmailTls": flag(true), "keyEmailSender": text(""),
	"keyEmailPassword": secret(), "keyRemoteInstancePassword": secret(), "keyRemoteInstanceUrl": text(""), "keyRemoteInstanceUsername": text(""),
	"loginPageLayout": text("DEFAULT"), "loginPageTemplate": text(""), "recaptchaSite": text("6LcVwT0UAAAAAAkO_EGPiYOiymIszZUeHfqWIYX5"), "recaptchaSecret": secret(),
	"keyAnalysisDisplayProperty": text("name"), "keyAnalysisDigitGroupSeparator": text("SPACE"), "keyAnalysisRelativePeriod": text("LAST_12_MONTHS"), "analyticsFinancialYearStart": text("FINANCIAL_YEAR_OCTOBER"),
	"keyCacheability": text("PUBLIC"), "keyCacheStrategy": text("CACHE_1_MINUTE"), "keyAnalyticsMaxLimit": number(100000), "keyMetadataRepoUrl": text("https://raw.githubusercontent.com/dhis2/dhis2-metadata-repo/master/repo/221/index.json"),
	"keyVersionEnabled": flag(false), "keyRequireAddToView": flag(false), "keyEmailConfigured": {flagSetting, "false", false, true}, "keyAllowObjectAssignment": flag(false), "deviceEnrollmentIATTtlSeconds": number(60),
	"keyTrackerDashboardLayout": {textSetting, "", false, true}, "helpPageLink": text("https://dhis2.github.io/dhis2-docs/master/en/user/html/dhis2_user_manual_en.html"), "globalShellEnabled": flag(true),
}

// userDefaults are the settings of a user; where one is not set the system's of
// the same name stands in.
var userDefaults = map[string]setting{
	"keyUiLocale": text("en"), "keyDbLocale": text("en"), "keyStyle": text("light_blue/light_blue.css"), "keyAnalysisDisplayProperty": text("name"), "keyTrackerDashboardLayout": text(""),
	"keyMessageEmailNotification": flag(false), "keyMessageSmsNotification": flag(false), "keyCustomColorMobile": {textSetting, "", false, true},
}

// settings keep what was set, in memory and in the database. owner is ” for the
// system and the uid of a user.
type settings struct {
	db *sql.DB

	mu   sync.RWMutex
	sets map[string]map[string]string // by owner, by key
	cors []string
}

const corsKey = "corsWhitelist" // kept beside the settings, under an owner that no user has

func openSettings(ctx context.Context, db *sql.DB) (*settings, error) {
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS sb_setting (
		owner TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, key)) WITHOUT ROWID`)
	if err != nil {
		return nil, fmt.Errorf("create settings: %w", err)
	}
	s := &settings{db: db, sets: map[string]map[string]string{}}
	rows, err := db.QueryContext(ctx, `SELECT owner, key, value FROM sb_setting`)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var owner, key, value string
		if err := rows.Scan(&owner, &key, &value); err != nil {
			return nil, fmt.Errorf("read settings: %w", err)
		}
		s.put(owner, key, value)
	}
	return s, rows.Err()
}

// put changes memory alone. The caller holds mu or is alone.
func (s *settings) put(owner, key, value string) {
	if owner == corsKey {
		if json.Unmarshal([]byte(value), &s.cors) != nil {
			s.cors = nil
		}
		return
	}
	if s.sets[owner] == nil {
		s.sets[owner] = map[string]string{}
	}
	s.sets[owner][key] = value
}

func (s *settings) set(ctx context.Context, owner, key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.db.ExecContext(ctx, `INSERT INTO sb_setting (owner, key, value) VALUES (?, ?, ?) ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value`, owner, key, value); err != nil {
		return fmt.Errorf("store setting: %w", err)
	}
	s.put(owner, key, value)
	return nil
}

func (s *settings) unset(ctx context.Context, owner, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.db.ExecContext(ctx, `DELETE FROM sb_setting WHERE owner = ? AND key = ?`, owner, key); err != nil {
		return fmt.Errorf("remove setting: %w", err)
	}
	delete(s.sets[owner], key)
	return nil
}

// get returns a system setting in its type: string, bool or int.
func (s *settings) get(key string) any {
	def := systemDefaults[key]
	s.mu.RLock()
	v, ok := s.sets[""][key]
	s.mu.RUnlock()
	if !ok {
		v = def.value
	}
	return def.typed(v)
}

// of returns a user's setting, false when no such setting exists.
func (s *settings) of(uid, key string) (any, bool) {
	def, ok := userDefaults[key]
	if !ok {
		return nil, false
	}
	s.mu.RLock()
	v, set := s.sets[uid][key]
	if !set {
		v, set = s.sets[""][key]
	}
	s.mu.RUnlock()
	if !set {
		v = def.value
	}
	return def.typed(v), true
}

func (d setting) typed(v string) any {
	switch d.kind {
	case flagSetting:
		return v == "true"
	case intSetting:
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0
		}
		return n
	}
	return v
}

func (s *settings) flag(key string) bool  { b, _ := s.get(key).(bool); return b }
func (s *settings) number(key string) int { n, _ := s.get(key).(int); return n }
func (s *settings) text(key string) string {
	t, _ := s.get(key).(string)
	return t
}

// isSet reports whether somebody has set a system setting.
func (s *settings) isSet(key string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.sets[""][key]
	return ok
}

// all are the system settings that may be shown.
func (s *settings) all() map[string]any {
	out := map[string]any{}
	for key, def := range systemDefaults {
		if !def.hidden && !def.confidential {
			out[key] = s.get(key)
		}
	}
	return out
}

// allOf are the settings of one user.
func (s *settings) allOf(uid string) map[string]any {
	out := map[string]any{}
	for key, def := range userDefaults {
		if !def.hidden {
			out[key], _ = s.of(uid, key)
		}
	}
	return out
}

func (s *settings) whitelist() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cors
}

// setWhitelist replaces the origins that may ask.
func (s *settings) setWhitelist(ctx context.Context, origins []string) error {
	b, err := json.Marshal(origins)
	if err != nil {
		return fmt.Errorf("encode whitelist: %w", err)
	}
	return s.set(ctx, corsKey, corsKey, string(b))
}

// passwordLength is how long a password may be, in characters.
func (s *settings) passwordLength() (least, most int) {
	return s.number("minPasswordLength"), s.number("maxPasswordLength")
}
