#!/bin/sh
# A Debian package from a binary: deploy/deb.sh VERSION [BINARY [FOLDER]]. It needs dpkg-deb and nothing else.
# The package never starts d2gate before there is a file for it, and never touches /etc/d2gate/d2gate.yaml.
set -eu
version=${1:?"usage: deploy/deb.sh VERSION [BINARY [FOLDER]]"}
binary=${2:-d2gate}
folder=${3:-.}
here=$(dirname "$0")
arch=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
umask 022
chmod 755 "$root"
doc=$root/usr/share/doc/d2gate
mkdir -p "$root/DEBIAN" "$root/etc/d2gate" "$doc/examples"
install -D -m 755 "$binary" "$root/usr/bin/d2gate"
install -D -m 644 "$here/d2gate.service" "$root/usr/lib/systemd/system/d2gate.service"
install -m 644 "$here"/nginx*.conf "$here/grafana.json" "$doc/examples/"
install -m 644 "$here/../README.md" "$here/../CHANGELOG.md" "$doc/"
install -m 644 "$here/../LICENSE" "$doc/copyright"
"$binary" init --public-url https://hmis.moh.example --upstream http://127.0.0.1:8080 --data /var/lib/d2gate >"$doc/examples/d2gate.yaml"
for shell in bash zsh fish; do
  case $shell in
  bash) to=bash-completion/completions/d2gate ;;
  zsh) to=zsh/vendor-completions/_d2gate ;;
  fish) to=fish/vendor_completions.d/d2gate.fish ;;
  esac
  mkdir -p "$root/usr/share/$(dirname $to)"
  "$binary" completion $shell >"$root/usr/share/$to"
done
cat >"$root/DEBIAN/control" <<END
Package: d2gate
Version: $version
Architecture: $arch
Maintainer: The d2gate authors
Section: net
Priority: optional
Recommends: nginx
Installed-Size: $(du -sk "$root" | cut -f1)
Homepage: https://github.com/d2gate/d2gate
Description: authentication and token gateway in front of DHIS2
 Checks personal access tokens and OAuth2 tokens, limits them by address, method,
 page and resource, writes each decision down, and forwards to DHIS2 as the right
 user.
END
cat >"$root/DEBIAN/postinst" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  [ "$1" != configure ] || systemctl try-restart d2gate.service
fi
[ -e /etc/d2gate/d2gate.yaml ] || echo "d2gate: write /etc/d2gate/d2gate.yaml (/usr/share/doc/d2gate/examples/d2gate.yaml is a beginning), then systemctl enable --now d2gate"
END
cat >"$root/DEBIAN/prerm" <<'END'
#!/bin/sh
set -e
if [ -d /run/systemd/system ] && [ "$1" = remove ]; then systemctl disable --now d2gate.service; fi
END
cat >"$root/DEBIAN/postrm" <<'END'
#!/bin/sh
set -e
# The store, the keys and the log stay, also when the package is purged: they are not the package's.
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
END
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
dpkg-deb --root-owner-group --build "$root" "$folder/d2gate_${version}_$arch.deb"
