package console

import "net/http"

// newRoutes lists the pages, below the console's path, and what forms do.
func (c *Console) newRoutes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, route := range []struct {
		method, path string
		do           handler
	}{
		{"GET", "/{$}", (*visit).showStatus},
		{"GET", "/persons", (*visit).listPersons},
		{"POST", "/persons", (*visit).findPersons},
		{"GET", "/persons/{id}", (*visit).showPerson},
		{"GET", "/persons/{id}/export", (*visit).exportPerson},
		{"GET", "/persons/{id}/erase", (*visit).confirmErase},
		{"POST", "/persons/{id}/erase", (*visit).erase},
		{"POST", "/persons/{id}/ban", (*visit).ban},
		{"POST", "/persons/{id}/unban", (*visit).unban},
		{"POST", "/persons/{id}/sessions", (*visit).endSessions},
		{"GET", "/bans", (*visit).listBans},
		{"POST", "/bans", (*visit).liftBan},
		{"GET", "/webhooks", (*visit).listWebhooks},
		{"GET", "/webhooks/{name}", (*visit).showWebhook},
		{"GET", "/webhooks/{name}/letters/{letter}", (*visit).showLetter},
		{"POST", "/webhooks/{name}/redeliver", (*visit).redeliver},
		{"GET", "/webhooks/{name}/purge", (*visit).confirmPurge},
		{"POST", "/webhooks/{name}/purge", (*visit).purge},
		{"POST", "/webhooks/{name}/test", (*visit).test},
		{"GET", "/pushes", (*visit).showPushes},
		{"GET", "/keys", (*visit).showKeys},
		{"POST", "/keys", (*visit).rotateKeys},
		{"GET", "/keys/retire", (*visit).confirmRetire},
		{"POST", "/keys/retire", (*visit).retireKeys},
		{"GET", "/everyone", (*visit).confirmEveryone},
		{"POST", "/everyone", (*visit).endEveryone},
		{"GET", "/doctor", (*visit).showDoctor},
		{"POST", "/doctor", (*visit).examine},
		{"POST", "/language", (*visit).chooseLanguage},
		{"POST", "/leave", (*visit).leave},
	} {
		mux.Handle(route.method+" "+c.base+route.path, route.do)
	}
	return mux
}

// sectionOf returns the part of the navigation that a page belongs to.
func sectionOf(page string) string {
	switch page {
	case "person", "bans":
		return "persons"
	case "webhook", "letter":
		return "webhooks"
	}
	return page
}
