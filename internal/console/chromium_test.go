package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// surface is how a tab looks at the pages.
type surface struct {
	width  int64
	script bool
	dark   bool
	lang   string
}

func (s surface) String() string {
	name := fmt.Sprint(s.width)
	if !s.script {
		name += "-noscript"
	}
	if s.dark {
		name += "-dark"
	}
	if s.lang != "" {
		name += "-" + s.lang
	}
	return name
}

// chromium finds the browser; without one the test is skipped, unless
// REQUIRE_CHROMIUM says that there must be one.
func chromium(t *testing.T) string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("REQUIRE_CHROMIUM") != "" {
		t.Fatal("no Chromium was found")
	}
	t.Skip("no Chromium was found")
	return ""
}

// axe is the source of axe-core, "" where npm has not installed it.
func axe(t *testing.T) string {
	b, err := os.ReadFile(filepath.Join("..", "..", ".ci", "js", "node_modules", "axe-core", "axe.min.js"))
	if err != nil && os.Getenv("REQUIRE_CHROMIUM") != "" {
		t.Fatal("axe-core is missing: npm ci in .ci/js")
	}
	return string(b)
}

// tab is a tab of a Chromium with a profile of its own.
type tab struct {
	t   *testing.T
	ctx context.Context
	surface
	axe   string
	base  string
	mu    sync.Mutex
	noise []string // what the browser complained about
}

// openChromium starts a browser.
func openChromium(t *testing.T) context.Context {
	t.Helper()
	path := chromium(t)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en-US"))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, closeBrowser := chromedp.NewContext(alloc)
	t.Cleanup(closeBrowser)
	require.NoError(t, chromedp.Do(ctx))
	return ctx
}

// openTab opens a tab that shares no cookies with others.
func openTab(t *testing.T, browser context.Context, base string, s surface) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(cancel)
	mobile := func(p *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
		p.Mobile = s.width < 500
	}
	b := &tab{t: t, ctx: ctx, surface: s, axe: axe(t), base: base}
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(s.width, 800, mobile)))
	require.NoError(t, chromedp.Listen(ctx, b.hear))
	b.call(func() error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !s.script})
		return err
	})
	if s.dark {
		b.call(func() error {
			_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}})
			return err
		})
	}
	if s.lang != "" {
		b.call(func() error {
			ua, err := chromedp.Run(ctx, chromedp.Evaluate[string]("navigator.userAgent"))
			if err == nil {
				_, err = chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: ua, AcceptLanguage: s.lang})
			}
			return err
		})
	}
	return b
}

func (b *tab) call(f func() error) {
	b.t.Helper()
	require.NoError(b.t, f())
}

// hear collects what the console of the browser says about the page: violations of
// the policy, and errors of the script.
func (b *tab) hear(ev any) {
	text := ""
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		if ev.Entry.Source == log.EntrySourceSecurity || ev.Entry.Source == log.EntrySourceJavascript {
			text = ev.Entry.Text
		}
	case *runtime.EventExceptionThrown:
		text = ev.ExceptionDetails.Text
	}
	if text != "" {
		b.mu.Lock()
		b.noise = append(b.noise, text)
		b.mu.Unlock()
	}
}

// open goes to an address, relative to the console's.
func (b *tab) open(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(path)), path)
}

// steady does again what has met a node of the page before: the browser tells of a
// new document a moment after it has loaded. Nothing was done to a node that is gone.
func steady(do func() error) (err error) {
	for range 5 {
		if err = do(); err == nil || !strings.Contains(err.Error(), "No node with given id") {
			break
		}
	}
	return err
}

// fill types into a field, over what it holds.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("`+selector+`").value = ""`))
	require.NoError(b.t, err, selector)
	require.NoError(b.t, steady(func() error { return chromedp.Do(b.ctx, chromedp.SendKeys(chromedp.CSS(selector), text)) }), selector)
}

// check ticks a box or chooses a button of a group.
func (b *tab) check(selector string) {
	b.t.Helper()
	require.NoError(b.t, steady(func() error { return chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS(selector))) }), selector)
}

// press clicks what leads to another page and waits for it.
func (b *tab) press(selector string) int64 {
	b.t.Helper()
	var status int64
	require.NoError(b.t, steady(func() error {
		resp, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector)))
		if err == nil {
			status = resp.Status
		}
		return err
	}), selector)
	return status
}

// text is what the reader sees.
func (b *tab) text() string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	require.NoError(b.t, err)
	return s
}

// secret is the token that the page shows.
func (b *tab) secret() string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("#secret").value`))
	require.NoError(b.t, err)
	return s
}

func (b *tab) at() string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Location())
	require.NoError(b.t, err)
	return s
}

func (b *tab) signIn(username, password string) {
	b.t.Helper()
	b.open("/d2gate/sign-in")
	b.fill("#username", username)
	b.fill("#password", password)
	b.press("form button.main")
}

// screens is where the pictures go.
func screens(t *testing.T) string {
	dir := filepath.Join("..", "..", "out", "screens")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

// look takes a picture and holds the page to what holds for every page: everybody
// can use it (axe-core), it fits the width, and the browser does not complain.
func (b *tab) look(name string) {
	b.t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(screens(b.t), name+"-"+b.String()+".png"), picture, 0o644))
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
	require.NoError(b.t, err)
	require.LessOrEqual(b.t, wide, b.width, "%s does not fit", name)
	b.mu.Lock()
	noise := b.noise
	b.noise = nil
	b.mu.Unlock()
	require.Empty(b.t, noise, name)
	if b.script && b.axe != "" {
		b.usable(name)
	}
}

// usable runs axe-core, all of its rules.
func (b *tab) usable(name string) {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](b.axe+`;
		axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html).join(' | '))))`, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, name)
	var violations []string
	require.NoError(b.t, json.Unmarshal([]byte(text), &violations))
	require.Empty(b.t, violations, "%s, %s", name, b)
}
