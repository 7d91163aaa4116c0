package sandbox

// newRoutes is every path below /api that this package answers. What is not here
// is asked of the metadata.
func (s *Sandbox) newRoutes() *router {
	t := &router{}
	get := func(f func(*call) error) map[string]endpoint { return map[string]endpoint{"GET": {handle: f}} }
	post := func(f func(*call) error) map[string]endpoint { return map[string]endpoint{"POST": {handle: f}} }
	blind := func(f func(*call) error) map[string]endpoint {
		return map[string]endpoint{"GET": {handle: f, any: true}}
	}
	sent := func(f func(*call) error) endpoint {
		return endpoint{handle: f, consumes: jsonType, lenient: true, converter: true}
	}
	postJSON := func(f func(*call) error) map[string]endpoint { return map[string]endpoint{"POST": sent(f)} }

	t.add("", blind((*call).toResources))
	t.add("ping", blind((*call).ping))
	t.add("system/ping", blind((*call).systemPing))
	t.add("resources", get((*call).resources))
	t.add("system/info", get((*call).systemInfo))
	t.add("system/id", get((*call).systemIDs))
	t.add("system/uid", get((*call).systemIDs))
	t.add("system/uuid", get((*call).systemUUIDs))
	t.add("loginConfig", get((*call).loginConfig))
	t.add("locales/ui", get((*call).uiLocales))
	t.add("staticContent/{}", blind((*call).staticContent))
	t.add("files/style/external", blind((*call).style))
	t.add("files/style", blind((*call).style))

	if s.dialect.minor >= 41 { // before, there is the form alone
		login := sent((*call).login)
		login.any = true
		t.add("auth/login", map[string]endpoint{"POST": login})
	}
	t.add("auth/updatePassword", postJSON((*call).updatePassword))
	t.add("auth/forgotPassword", postJSON((*call).forgotPassword))
	t.add("auth/passwordReset", postJSON((*call).passwordReset))
	t.add("auth/registration", postJSON((*call).register))
	t.add("auth/invite", postJSON((*call).inviteAnswer))
	t.add("account/recovery", post((*call).recovery))
	t.add("account/restore", post((*call).restore))
	t.add("account/verifyEmail", blind((*call).verifyEmail))
	t.add("account/sendEmailVerification", post((*call).sendEmailVerification))
	t.add("account/linkedAccounts", get((*call).linkedAccounts))
	t.add("account/username", get((*call).checkUsername))
	t.add("account/validateUsername", post((*call).checkUsername))
	t.add("account/password", get((*call).checkPassword))
	t.add("account/validatePassword", post((*call).checkPassword))

	t.add("2fa/enrollTOTP2FA", post((*call).enrollTOTP))
	t.add("2fa/enrollEmail2FA", post((*call).enrollEmail))
	t.add("2fa/qrCodeJson", get((*call).qrCode))
	t.add("2fa/qrCodePng", blind((*call).qrImage))
	t.add("2fa/enable", postJSON((*call).enableTwoFactor))
	t.add("2fa/enabled", map[string]endpoint{"GET": {handle: (*call).twoFactorEnabled}, "POST": sent((*call).enableTwoFactor)})
	t.add("2fa/disable", postJSON((*call).disableTwoFactor))
	t.add("2fa/disabled", postJSON((*call).disableTwoFactor))
	t.add("users/{}/twoFA/disabled", post((*call).disableFor))

	settings := "F_SYSTEM_SETTING"
	t.add("systemSettings", map[string]endpoint{
		"GET": {handle: (*call).listSettings}, "DELETE": {handle: (*call).removeSettings, needs: settings},
		"POST": {handle: (*call).writeSettings, needs: settings, consumes: jsonType, lenient: true},
	})
	t.add("systemSettings/{}", map[string]endpoint{
		"GET": {handle: (*call).readSetting}, "DELETE": {handle: (*call).removeSetting, needs: settings}, "POST": {handle: (*call).writeSetting, needs: settings},
	})
	t.add("userSettings", get((*call).listUserSettings))
	t.add("userSettings/{}", map[string]endpoint{
		"GET": {handle: (*call).readUserSetting, any: true}, "DELETE": {handle: (*call).removeUserSetting}, "POST": {handle: (*call).writeUserSetting},
	})
	t.add("configuration/corsWhitelist", map[string]endpoint{
		"GET": {handle: (*call).readWhitelist}, "POST": {handle: (*call).writeWhitelist, needs: settings, consumes: jsonType},
	})
	t.add("sessions", map[string]endpoint{
		"GET": {handle: (*call).listSessions, needs: "F_PERFORM_MAINTENANCE"}, "DELETE": {handle: (*call).endSessions, needs: "ALL"},
	})
	t.add("sessions/{}", map[string]endpoint{"DELETE": {handle: (*call).endSessionsOf, needs: "ALL"}})
	maintain := map[string]endpoint{"POST": {handle: (*call).maintained, needs: "F_PERFORM_MAINTENANCE"}, "PUT": {handle: (*call).maintained, needs: "F_PERFORM_MAINTENANCE"}}
	t.add("maintenance", maintain)
	t.add("maintenance/categoryOptionComboUpdate", maintain)
	t.add("maintenance/cacheClear", maintain)
	t.add("maintenance/cache", maintain)
	t.add("dataValueSets", get((*call).noData))
	t.add("sharing", map[string]endpoint{
		"GET": {handle: (*call).sharing}, "POST": {handle: (*call).sharing, consumes: jsonType}, "PUT": {handle: (*call).sharing, consumes: jsonType},
	})
	t.add("sharing/search", get((*call).searchPeople))
	t.add("apps", map[string]endpoint{"GET": {handle: (*call).listApps}, "POST": {handle: (*call).installApp, needs: manageApps}})
	t.add("apps/{}", map[string]endpoint{"DELETE": {handle: (*call).removeApp, needs: manageApps, any: true}})
	s.addStores(t)
	t.sort()
	return t
}

// addStores are the dataStore and the userDataStore.
func (s *Sandbox) addStores(t *router) {
	body := func(f func(*call) error) endpoint { return endpoint{handle: f, consumes: jsonType} }
	lenient := func(f func(*call) error) endpoint { return endpoint{handle: f, consumes: jsonType, lenient: true} }
	only := func(f func(*call) error) map[string]endpoint { return map[string]endpoint{"GET": {handle: f}} }

	t.add("dataStore", only((*call).listNamespaces))
	t.add("dataStore/protections", only((*call).listProtections))
	t.add("dataStore/{}", map[string]endpoint{"GET": {handle: (*call).readNamespace}, "DELETE": {handle: (*call).deleteNamespace}})
	t.add("dataStore/{}/{}", map[string]endpoint{
		"GET": {handle: (*call).readValue}, "POST": body((*call).createEntry), "PUT": lenient((*call).putEntry), "DELETE": {handle: (*call).deleteEntry},
	})
	t.add("dataStore/{}/{}/metaData", only((*call).readMetaData))
	t.add("userDataStore", only((*call).listUserNamespaces))
	t.add("userDataStore/{}", map[string]endpoint{"GET": {handle: (*call).readUserNamespace}, "DELETE": {handle: (*call).deleteUserNamespace}})
	t.add("userDataStore/{}/{}", map[string]endpoint{
		"GET": {handle: (*call).readUserValue}, "POST": body((*call).createUserEntry), "PUT": lenient((*call).putUserEntry), "DELETE": {handle: (*call).deleteUserEntry},
	})
	if s.dialect.minor >= 40 {
		t.add("dataStore/{}/keys", only((*call).readKeys))
		t.add("userDataStore/{}/keys", only((*call).readUserKeys))
	}
}
