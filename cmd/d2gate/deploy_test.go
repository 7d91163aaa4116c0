package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/d2gate/d2gate/config"
)

func deployFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(text)
}

func TestTheDashboardAsksForMetricsThatThereAre(t *testing.T) {
	var board struct {
		Templating struct{ List []struct{ Name, Type string } }
		Panels     []struct {
			Title   string
			Targets []struct {
				Expr       string
				Datasource struct{ UID string }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(deployFile(t, "grafana.json")), &board))
	require.Equal(t, "datasource", board.Templating.List[0].Type)
	r := serve(t, plainBackend)
	r.ask("GET", r.gateway+"/api/x")
	_, _, metrics := r.ask("GET", r.admin+"/metrics")
	label := regexp.MustCompile(`[{,]([a-z_]+)=~?"`)
	seen := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			require.Equal(t, "${source}", target.Datasource.UID, "whatever data source the reader has")
			found := regexp.MustCompile(`((?:d2gate|process)_[a-z0-9_]+)(\{[^}]*\})`).FindAllStringSubmatch(target.Expr, -1)
			require.NotEmpty(t, found, target.Expr)
			for _, m := range found {
				seen++
				sample := regexp.MustCompile(`(?m)^` + m[1] + `(\{.*\})? `).FindString(metrics)
				require.NotEmpty(t, sample, "%s: no metric %s", p.Title, m[1])
				for _, l := range label.FindAllStringSubmatch(m[2], -1) {
					if l[1] != "instance" { // Prometheus's own
						require.Contains(t, sample, l[1]+"=", "%s: %s", p.Title, m[1])
					}
				}
			}
		}
	}
	require.Greater(t, seen, 15)
}

func TestTheManifestsAndTheirConfigurationAgree(t *testing.T) {
	cfg, err := config.Parse("d2gate.yaml", []byte(deployFile(t, "kustomize/d2gate.yaml")))
	require.NoError(t, err)
	pod := deployFile(t, "kustomize/deployment.yaml")
	require.Contains(t, pod, "{name: http, containerPort: "+portOf(cfg.Server.Listen)+"}")
	require.Contains(t, pod, "{name: admin, containerPort: "+portOf(cfg.Admin.Listen)+"}")
	for _, path := range []string{"/livez", "/readyz"} {
		require.Contains(t, pod, "path: "+path+", port: admin")
	}
	require.Contains(t, pod, "mountPath: "+filepath.Dir(cfg.Admin.Socket)+"}")
	require.Contains(t, pod, "mountPath: "+folder(cfg)+"}")
	require.Contains(t, pod, "args: [serve, -c, /etc/d2gate/d2gate.yaml]")
	grace := regexp.MustCompile(`terminationGracePeriodSeconds: (\d+)`).FindStringSubmatch(pod)
	require.Len(t, grace, 2)
	require.Greater(t, grace[1]+"s", cfg.Server.ShutdownGrace.String(), "two digits each: longer than requests under way may take")
	kustomization := deployFile(t, "kustomize/kustomization.yaml")
	list := regexp.MustCompile(`resources: \[(.*)\]`).FindStringSubmatch(kustomization)[1]
	for name := range strings.SplitSeq(list, ", ") {
		require.NotEmpty(t, deployFile(t, "kustomize/"+name))
	}
	require.NoError(t, refuseUnsafe(cfg), "serve starts with it")
	docker, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	require.NoError(t, err)
	require.Contains(t, string(docker), "USER nonroot:nonroot", "65532 in the manifest")
	require.Contains(t, string(docker), `ENTRYPOINT ["/usr/bin/d2gate"]`)
}

func portOf(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }

func TestTheDebianPackageHoldsTheProgramItsUnitAndNoConfiguration(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("dpkg-deb is missing")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "d2gate")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command("sh", filepath.Join("..", "..", "deploy", "deb.sh"), "1.2.3", binary, dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	packages, err := filepath.Glob(filepath.Join(dir, "d2gate_1.2.3_*.deb"))
	require.NoError(t, err)
	require.Len(t, packages, 1)
	list, err := exec.Command("dpkg-deb", "--contents", packages[0]).Output()
	require.NoError(t, err)
	for _, line := range []string{
		`-rwxr-xr-x root/root .* \./usr/bin/d2gate`, `-rw-r--r-- root/root .* \./usr/lib/systemd/system/d2gate\.service`,
		`drwxr-xr-x root/root .* \./etc/d2gate/`, `-rw-r--r-- root/root .* \./usr/share/doc/d2gate/examples/d2gate\.yaml`,
		`\./usr/share/bash-completion/completions/d2gate`, `\./usr/share/zsh/vendor-completions/_d2gate`, `\./usr/share/fish/vendor_completions\.d/d2gate\.fish`,
	} {
		require.Regexp(t, `(?m)`+line+`$`, string(list))
	}
	require.NotRegexp(t, `(?m)\./etc/d2gate/.+$`, string(list), "the administrator's file is not the package's")

	root := filepath.Join(dir, "root")
	require.NoError(t, exec.Command("dpkg-deb", "--raw-extract", packages[0], root).Run())
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		out, err := exec.Command("sh", "-n", filepath.Join(root, "DEBIAN", script)).CombinedOutput()
		require.NoError(t, err, "%s: %s", script, out)
	}
	_, err = config.Load(filepath.Join(root, "usr", "share", "doc", "d2gate", "examples", "d2gate.yaml"))
	require.NoError(t, err)
	out, err = exec.Command(filepath.Join(root, "usr", "bin", "d2gate"), "version").CombinedOutput()
	require.NoError(t, err, "%s", out)
}
