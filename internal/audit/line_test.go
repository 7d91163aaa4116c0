package audit_test

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/audit"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 123_456_789, time.FixedZone("+03", 3*3600))

func event() *audit.Event {
	return &audit.Event{
		Time: noon, RequestID: "01JD4Z8W", Client: "192.0.2.7", Token: "abcdefghijk", User: "admin",
		Method: "DELETE", Path: "/api/dataStore/demo?fields", Route: "api", Decision: "refuse",
		Reason: "constraint_method", Failed: []string{"constraint_method", "constraint_scope"},
		Duration: 1_234_567 * time.Nanosecond,
	}
}

func TestALineHasTheKeysOfTheDesign(t *testing.T) {
	require.Equal(t, `{"time":"2026-11-22T09:00:00.123Z","requestId":"01JD4Z8W","client":"192.0.2.7","token":"abcdefghijk",`+
		`"user":"admin","method":"DELETE","path":"/api/dataStore/demo?fields","route":"api","decision":"refuse",`+
		`"reason":"constraint_method","failed":["constraint_method","constraint_scope"],"upstreamStatus":0,"durationMs":1.234}`+"\n",
		string(audit.AppendLine(nil, event())))
	allowed := event()
	allowed.Compat = []string{"api_versions"}
	require.Contains(t, string(audit.AppendLine(nil, allowed)), `,"compat":["api_versions"],"upstreamStatus":`)
}

func TestNoTextBreaksOutOfItsLine(t *testing.T) {
	for _, text := range []string{
		"\n{\"decision\":\"allow\"}", "a\"b\\c", "\x00\x1b[31mred", "\x7f", "\u0085\u2028\u2029", "\u202egnp.exe", "\xff\xfe broken", "ünïcödé 日本", "",
	} {
		e := event()
		e.Path, e.User = text, text
		line := audit.AppendLine(nil, e)
		require.Equal(t, byte('\n'), line[len(line)-1])
		for _, c := range line[:len(line)-1] {
			require.True(t, c >= 0x20 && c != 0x7f, "control character in %q", line)
		}
		require.True(t, utf8.Valid(line))
		var got struct{ Path, User string }
		require.NoError(t, json.Unmarshal(line, &got))
		want, _ := json.Marshal(text)
		var clean string
		require.NoError(t, json.Unmarshal(want, &clean))
		require.Equal(t, clean, got.Path)
	}
}

func FuzzALineIsOneJSONObject(f *testing.F) {
	f.Add("/api/x", "admin")
	f.Add("\n\"\\", "\u202e\xff")
	f.Fuzz(func(t *testing.T, path, user string) {
		e := event()
		e.Path, e.User = path, user
		line := audit.AppendLine(nil, e)
		var got audit.Entry
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, c := range line[:len(line)-1] {
			if c < 0x20 || c == 0x7f {
				t.Fatalf("control character in %q", line)
			}
		}
	})
}
