# How the scripts speak to a person. Results go to standard output, everything
# else to standard error: a step when it begins, a failure in one sentence that
# says what to do. Colours and movement only where somebody is looking.
# shellcheck shell=bash

bold='' red='' plain=''
if [[ -t 2 && -z ${NO_COLOR-} ]]; then
	bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
fi

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; }

fail() {
	printf '%s%s%s\n' "$red" "$*" "$plain" >&2
	exit 1
}

need_root() {
	((EUID == 0)) || fail "$1 needs root, for network namespaces and BPF programs: sudo $1"
}

# spin SENTENCE COMMAND… runs a command that takes its time, and shows that it
# goes on and for how long. What it says on standard error is shown if it fails.
spin() {
	local what=$1 said status=0 began=$SECONDS
	shift
	said=$(mktemp)
	"$@" </dev/null 2>"$said" &
	local pid=$!
	if [[ -t 2 ]]; then
		while kill -0 "$pid" 2>/dev/null; do
			printf '\r    %s … %ds' "$what" $((SECONDS - began)) >&2
			sleep 0.2
		done
		printf '\r\e[K' >&2
	else
		printf '    %s …\n' "$what" >&2
	fi
	wait "$pid" || status=$?
	((status == 0)) || cat "$said" >&2
	rm -f "$said"
	return "$status"
}
