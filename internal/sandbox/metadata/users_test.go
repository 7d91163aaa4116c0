package metadata_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/internal/sandbox/metadata"
)

// as makes a user with the authorities and asks as that user from now on.
func (a *api) as(name string, authorities string) string {
	a.t.Helper()
	role := a.answer(201, "POST", "/api/userRoles", fmt.Sprintf(`{"name":"role %s","authorities":[%s]}`, name, authorities))["response"].(map[string]any)["uid"]
	uid := a.answer(201, "POST", "/api/users", fmt.Sprintf(`{"username":"%s","firstName":"A","surname":"B","password":"Long-enough-1","userRoles":[{"id":"%s"}]}`, name, role))["response"].(map[string]any)["uid"].(string)
	u, err := a.s.UserByUsername(a.t.Context(), name)
	require.NoError(a.t, err)
	a.user = u
	return uid
}

func TestNobodyGivesThemselvesMoreThanTheyHold(t *testing.T) {
	const superuser = "yrB6vc5Ip3r"
	a := newAPI(t)
	me := a.as("climber", `"F_USER_ADD","F_USERROLE_PUBLIC_ADD","F_USER_VIEW"`)
	for name, try := range map[string]func() int{
		"by the role": func() int { return a.do("POST", "/api/userRoles/"+superuser+"/users/"+me, "").Code },
		"by the role's collection": func() int {
			return a.do("POST", "/api/userRoles/"+superuser+"/users", `{"additions":[{"id":"`+me+`"}]}`).Code
		},
		"by the user's collection": func() int { return a.do("POST", "/api/users/"+me+"/userRoles/"+superuser, "").Code },
		"by a patch": func() int {
			return a.do("PATCH", "/api/users/"+me, `[{"op":"add","path":"/userRoles/-","value":{"id":"`+superuser+`"}}]`, "Content-Type", "application/json-patch+json").Code
		},
		"by an import": func() int {
			return a.do("POST", "/api/metadata", `{"users":[{"id":"`+me+`","username":"climber","firstName":"A","surname":"B","userRoles":[{"id":"`+superuser+`"}]}]}`).Code
		},
		"by an import without validation": func() int {
			return a.do("POST", "/api/metadata?skipValidation=true", `{"users":[{"id":"`+me+`","username":"climber","firstName":"A","surname":"B","userRoles":[{"id":"`+superuser+`"}]}]}`).Code
		},
		"by a role of one's own": func() int { return a.do("POST", "/api/userRoles", `{"name":"mine","authorities":["ALL"]}`).Code },
		"by me": func() int {
			return map[bool]int{true: 403, false: 200}[a.do("PUT", "/api/me", `{"userRoles":[{"id":"`+superuser+`"}]}`).Code == 200]
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, []int{403, 409}, try())
			u, err := a.s.UserByUsername(t.Context(), "climber")
			require.NoError(t, err)
			require.False(t, u.Super())
		})
	}
}

func TestADisabledUserIsKnownAsSuchAndHearsOfIt(t *testing.T) {
	var ended []string
	s := openConfig(t, "", metadata.Config{EndSessions: func(name string) { ended = append(ended, name) }})
	a := &api{t, s, admin(t, s)}
	a.answer(204, "POST", "/api/users/Nurse000001/disabled", "")
	u, err := s.UserByUsername(t.Context(), "nurse")
	require.NoError(t, err)
	require.True(t, u.Disabled)
	require.Equal(t, []string{"nurse"}, ended)
	a.answer(204, "POST", "/api/users/Nurse000001/enabled", "")
	u, err = s.UserByUsername(t.Context(), "nurse")
	require.NoError(t, err)
	require.False(t, u.Disabled)
}

func TestAnAccountExpiresAtItsInstant(t *testing.T) {
	a := newAPI(t)
	a.answer(204, "POST", "/api/users/Nurse000001/expired?date=2030-01-01", "")
	u, err := a.s.UserByUsername(t.Context(), "nurse")
	require.NoError(t, err)
	require.False(t, u.Expired(u.AccountExpiry.Add(-1)))
	require.True(t, u.Expired(u.AccountExpiry))
	a.answer(204, "POST", "/api/users/Nurse000001/unexpired", "")
	u, err = a.s.UserByUsername(t.Context(), "nurse")
	require.NoError(t, err)
	require.True(t, u.AccountExpiry.IsZero())
}

func TestARoleThatLosesAnAuthorityTakesItFromItsUsersAtOnce(t *testing.T) {
	a := newAPI(t)
	root := a.user
	a.as("worker", `"F_METADATA_EXPORT"`)
	role := a.user.Roles[0]
	a.user = root
	a.answer(200, "PATCH", "/api/userRoles/"+role, `[{"op":"replace","path":"/authorities","value":[]}]`, "Content-Type", "application/json-patch+json")
	u, err := a.s.UserByUsername(t.Context(), "worker")
	require.NoError(t, err)
	require.False(t, u.Has("F_METADATA_EXPORT"))
}

func TestManyListsAtOnceDoNotWaitForOneAnother(t *testing.T) {
	a := newAPI(t)
	a.answer(200, "POST", "/api/metadata", string(payload(200)))
	done := make(chan int)
	for range 32 {
		go func() {
			done <- a.do("GET", "/api/dataElements?fields=*&filter=categoryCombo.name:eq:default&paging=false", "").Code
		}()
	}
	for range 32 {
		require.Equal(t, 200, <-done)
	}
}
