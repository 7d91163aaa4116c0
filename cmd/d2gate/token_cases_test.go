package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/conform"
)

// TestTheTokenCasesOfTheContractHoldThroughTheGateway plays the cases about tokens
// and Basic, as DHIS2 2.44 answers them, with every credential checked by d2gate.
func TestTheTokenCasesOfTheContractHoldThroughTheGateway(t *testing.T) {
	except, err := conform.CaseExceptions(filepath.Join("..", "..", "testdata", "except-cases.txt"))
	require.NoError(t, err)
	for _, file := range []string{"pat-api", "pat-auth", "basic-auth"} {
		cases, err := conform.LoadCases(filepath.Join("..", "..", "testdata", "cases", file+".json"))
		require.NoError(t, err)
		for _, c := range cases {
			if !c.Holds(44) || except[c.ID] != "" {
				continue
			}
			t.Run(c.ID, func(t *testing.T) {
				k := startStack(t, "2.44")
				conform.RunCase(t, conform.CaseTarget{Target: conform.Target{Base: k.gateway}, Note: (&tokenCase{t, k}).note}, c)
			})
		}
	}
}

// tokenCase follows the notes of the cases about tokens.
type tokenCase struct {
	t *testing.T
	k *stack
}

const casePassword = "Abcd-1234" // of the users that a setup makes

// note ends in the credential of the user that the setup made, under the name that
// the request has for it.
func (k *tokenCase) note(c conform.Case, note string, vars map[string]any) (bool, error) {
	thing, way, both := strings.Cut(note, "; ")
	if !both {
		thing, way = "", note
	}
	if strings.HasPrefix(thing, "data element with sharing.public --------") {
		vars["privateDE"] = "PrivateAAAA"
		k.ask("POST", "/api/dataElements", "admin:district", `{"id":"PrivateAAAA","name":"private","shortName":"private","valueType":"TEXT","domainType":"AGGREGATE","aggregationType":"NONE","sharing":{"public":"--------"}}`)
	}
	switch way {
	case "authenticate over Basic":
		vars["b64"] = base64.StdEncoding.EncodeToString([]byte(c.Setup[0].User + ":" + casePassword))
	case "authenticate over PAT":
		vars["pat"] = k.ask("POST", "/api/apiToken", c.Setup[0].User+":"+casePassword, "{}").Response.Key
	case "admin.disabled=true":
		k.ask("POST", "/api/users", "admin:district", `{"username":"second","firstName":"Second","surname":"Second","password":"`+casePassword+`","userRoles":[{"id":"yrB6vc5Ip3r"}]}`)
		k.ask("POST", "/api/users/M5zQapPyTZI/disabled", "second:"+casePassword, "")
	case "user with TOTP enabled":
		vars["b64 of totp user"] = base64.StdEncoding.EncodeToString([]byte("nurse:Nurse-pass-1"))
		return true, k.k.box.Metadata().SetTwoFactor(k.t.Context(), "nurse", "TOTP_ENABLED", strings.Repeat("A", 32))
	default:
		return false, nil
	}
	return true, nil
}

func (k *tokenCase) ask(method, path, who, body string) (out struct{ Response struct{ Key string } }) {
	q, err := http.NewRequestWithContext(k.t.Context(), method, k.k.gateway+path, strings.NewReader(body))
	require.NoError(k.t, err)
	name, password, _ := strings.Cut(who, ":")
	q.SetBasicAuth(name, password)
	q.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(q)
	require.NoError(k.t, err)
	defer resp.Body.Close()
	require.Less(k.t, resp.StatusCode, 300, fmt.Sprint(method, " ", path))
	_ = json.NewDecoder(resp.Body).Decode(&out) // some answers have no body
	return out
}
