#!/usr/bin/env bash
# Installs what the tests need by package name; where that is not possible, says what is missing and how to get it.
set -euo pipefail

# command or file  Debian package  what for
wanted='
java	openjdk-17-jdk-headless	the old service of the main job
javac	openjdk-17-jdk-headless	golden vectors in Java
nginx	nginx-light	peer of the framing table and of the benchmark
haproxy	haproxy	peer of the framing table and of the benchmark
chromium	chromium	end-to-end test of the console
node	nodejs	console
npm	npm	console
curl	curl	scripts
jq	jq	scripts
pip	python3-pip	Envoy as a peer, from a Python package
mvn	maven	Spring Cloud Gateway as a peer
shellcheck	shellcheck	lint
fc-list	fontconfig	screenshots
mariadbd	mariadb-server	database of the old shop
initdb	postgresql	database of the new shop
redis-server	redis-server	effects on Redis
pt-table-checksum	percona-toolkit	independent judge of the reconciliation
/usr/share/java/mariadb-java-client.jar	libmariadb-java	JDBC driver of the old shop
'

# have says whether a command or file is there; PostgreSQL keeps its programs apart.
have() {
	case $1 in
	/*) [ -e "$1" ] ;;
	initdb) command -v initdb >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
	*) command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] ;;
	esac
}

missing=() packages=()
while IFS=$'\t' read -r cmd pkg why; do
	[ -n "$cmd" ] || continue
	if ! have "$cmd"; then
		missing+=("$cmd	package $pkg	$why")
		[[ " ${packages[*]} " == *" $pkg "* ]] || packages+=("$pkg")
	fi
done <<<"$wanted"

command -v go >/dev/null 2>&1 || missing+=("go	https://go.dev/dl, version of go.mod	everything")
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ ${#packages[@]} -gt 0 ]; then
	echo "installing: ${packages[*]}"
	if apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; then
		command -v go >/dev/null 2>&1 && exit 0
	fi
fi

echo "missing on this machine:"
printf '  %s\n' "${missing[@]}" | expand -t 24
echo "to get them on Debian, Kylin or UOS:      sudo apt-get install ${packages[*]}"
echo "on openEuler or another rpm distribution: sudo dnf install java-17-openjdk-devel nginx haproxy chromium nodejs npm curl jq ShellCheck mariadb-server postgresql-server redis percona-toolkit mariadb-java-client"
if [ "${CI:-}" = true ]; then
	exit 1
fi
echo "tests that need them are skipped and say so."
