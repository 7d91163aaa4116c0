package jsonb_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox/jsonb"
)

func TestAValueIsPrintedAsPostgreSQLPrintsIt(t *testing.T) {
	for in, want := range map[string]string{
		`{"league":"prem","name":"arsenal"}`:     `{"name": "arsenal", "league": "prem"}`,
		`{"bb":1,"a":2,"a":3}`:                   `{"a": 3, "bb": 1}`,
		`[1.0, 1.50, 0.1, -0, -0.0]`:             `[1.0, 1.50, 0.1, 0, 0.0]`,
		`[1e3, 1E-2, 1.5e+2, -2e0]`:              `[1000, 0.01, 150, -2]`,
		`[12345678901234567890123]`:              `[12345678901234567890123]`,
		`1e25`:                                   `10000000000000000000000000`,
		` [ ] `:                                  `[]`,
		`"Zo\u00eb \ud83d\udc31 \/ \u001f\n"`:    "\"Zoë 🐱 / \\u001f\\n\"",
		`{"html":"<b>","q":"a&b\"c"}`:            `{"q": "a&b\"c", "html": "<b>"}`,
		`{"a":[{"b":null},true,false,{},"",[]]}`: `{"a": [{"b": null}, true, false, {}, "", []]}`,
	} {
		v, err := jsonb.Parse(in)
		require.NoError(t, err, in)
		require.Equal(t, want, v.String(), in)
	}
}

func TestWhatIsNotOneJSONValueIsRefused(t *testing.T) {
	for _, in := range []string{
		``, ` `, `/not JSON/`, `{`, `{"a"}`, `{"a":}`, `nul`, `tru`, `"abc`, `[1 2]`, `{a:1}`, `+1`, `.5`, `1.`, `NaN`, `-`, `1e`, `Infinity`, `0x10`,
		`{"a":1} x`, `1 2`, `'x'`, `[1,,2]`, `{"a":1}{"b":2}`, `/* c */1`, "\"a\tb\"", "\ufeff1", "\"\xff\"", `"\x"`, `"\u12"`, strings.Repeat("[", 6000),
	} {
		_, err := jsonb.Parse(in)
		require.ErrorIs(t, err, jsonb.ErrSyntax, "%q", in)
	}
}

func TestWhatOnlyTheDatabaseRefusesHasItsWords(t *testing.T) {
	for in, want := range map[string]string{
		`01`:        "ERROR: invalid input syntax for type json\n  Detail: Token \"01\" is invalid.\n  Where: JSON data, line 1: 01\nunnamed portal parameter $8 = '...'",
		`[1,]`:      "ERROR: invalid input syntax for type json\n  Detail: Expected JSON value, but found \"]\".\n  Where: JSON data, line 1: [1,]\nunnamed portal parameter $8 = '...'",
		`{"a":1,}`:  "ERROR: invalid input syntax for type json\n  Detail: Expected string, but found \"}\".\n  Where: JSON data, line 1: {\"a\":1,}\nunnamed portal parameter $8 = '...'",
		`"\u0000"`:  "ERROR: unsupported Unicode escape sequence",
		`"\ud83d"`:  "Unicode low surrogate must follow a high surrogate.",
		`"\udc31"`:  "Unicode low surrogate must follow a high surrogate.",
		`1e999999`:  "ERROR: value overflows numeric format",
		`1e-999999`: "ERROR: value overflows numeric format",
	} {
		_, err := jsonb.Parse(in)
		var db *jsonb.DatabaseError
		require.ErrorAs(t, err, &db, in)
		require.Contains(t, db.Message, want, in)
	}
}

func TestASyntaxErrorGoesBeforeTheDatabasesObjection(t *testing.T) {
	_, err := jsonb.Parse(`[01, x]`)
	require.ErrorIs(t, err, jsonb.ErrSyntax)
}

func TestValuesAreOrderedAsJsonb(t *testing.T) {
	sorted := []string{`null`, `"a"`, `"b"`, `-10.5`, `-2`, `0`, `1.5`, `9`, `9.50`, `10`, `123456789012345678901`, `false`, `true`, `[]`, `[1]`, `[2]`, `[1, 2]`, `{}`, `{"a": 1}`, `{"a": 2}`, `{"a": 1, "b": 1}`}
	for i := range sorted {
		for j := range sorted {
			a, b := parse(t, sorted[i]), parse(t, sorted[j])
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			require.Equal(t, want, jsonb.Compare(a, b), "%s %s", sorted[i], sorted[j])
		}
	}
	require.Zero(t, jsonb.Compare(parse(t, `9.50`), parse(t, `9.5`)))
}

func TestSetReplacesWhatIsThereAndMakesNothing(t *testing.T) {
	for _, tt := range []struct{ doc, path, to, want string }{
		{`{"a": 42}`, "a", `7`, `{"a": 7}`},
		{`{"a": {"b": {"c": 1}}}`, "a,b,c", `"deep"`, `{"a": {"b": {"c": "deep"}}}`},
		{`{"a": 1}`, "b", `2`, `{"a": 1}`},
		{`{"a": 1}`, "a,b", `2`, `{"a": 1}`},
		{`[1, 2, 3]`, "-1", `9`, `[1, 2, 9]`},
		{`[1, 2, 3]`, "5", `9`, `[1, 2, 3]`},
		{`{"a": [{"b": 1}]}`, "a,0,b", `null`, `{"a": [{"b": null}]}`},
	} {
		path, err := jsonb.ParseArray(tt.path)
		require.NoError(t, err)
		got, err := jsonb.Set(parse(t, tt.doc), path, parse(t, tt.to), false)
		require.NoError(t, err)
		require.Equal(t, tt.want, got.String(), "%s at %s", tt.doc, tt.path)
	}
}

func TestSetMakesTheLastStepWhenAsked(t *testing.T) {
	got, err := jsonb.Set(parse(t, `{"a": null}`), []string{"b"}, jsonb.List(parse(t, `7`)), true)
	require.NoError(t, err)
	require.Equal(t, `{"a": null, "b": [7]}`, got.String())
}

func TestPathsThatPostgreSQLRefuses(t *testing.T) {
	_, err := jsonb.Set(parse(t, `1`), []string{"a"}, jsonb.Value{}, false)
	require.ErrorContains(t, err, "cannot set path in scalar")
	_, err = jsonb.Set(parse(t, `[1]`), []string{"a"}, jsonb.Value{}, false)
	require.ErrorContains(t, err, `path element at position 1 is not an integer: "a"`)
	for _, s := range []string{",", "a,", ",a", "a{", `"x`} {
		_, err := jsonb.ParseArray(s)
		require.ErrorContains(t, err, "malformed array literal", s)
	}
}

func parse(t *testing.T, s string) jsonb.Value {
	t.Helper()
	v, err := jsonb.Parse(s)
	require.NoError(t, err, s)
	return v
}

// FuzzParse holds the parser against encoding/json, and what is printed against
// what is read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,-0,1e3],"b":null}`, `"\ud83d\udc31"`, `01`, `[1,]`, `{"a":1,}`, `"\u0000"`, `nul`, `{"a":{"a":{"a":[]}}}`, "\"\xff\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := jsonb.Parse(s)
		if err != nil {
			return
		}
		if !json.Valid([]byte(s)) {
			t.Fatalf("took %q, which is no JSON", s)
		}
		printed := v.String()
		again, err := jsonb.Parse(printed)
		if err != nil || again.String() != printed || jsonb.Compare(v, again) != 0 {
			t.Fatalf("%q printed as %q, read again as %q, %v", s, printed, again.String(), err)
		}
	})
}
