# SPDX-License-Identifier: GPL-2.0
# What tests/check and tests/check-debug count, and how they say it; to be sourced.

passed=0 failed=0

say() { printf '\n== %s (after %d:%02d)\n' "$*" $((SECONDS / 60)) $((SECONDS % 60)); }

# An interrupt from the terminal ends the machines in the background, too, which have the
# shell ignore it, and what at_interrupt ends.
at_interrupt() { :; }
trap 'trap "" INT TERM; echo "interrupted"; at_interrupt; kill -TERM 0; exit 130' INT

# One thing that either works or does not.
step() {
	local what=$1
	shift
	if "$@"; then
		echo "ok $what"
		passed=$((passed + 1))
	else
		echo "not ok $what"
		failed=$((failed + 1))
		return 1
	fi
}

# Of programs that close with a line "N passed, N failed", one after the other, the sum;
# of a suite in a test machine its last word, which may come after a second look.
total() {
	awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3; sums++ }
	     match($0, /[0-9]+ passed, [0-9]+ failed/) { last = substr($0, RSTART, RLENGTH) }
	     END { if (sums) print passed " passed, " failed " failed"; else if (last) print last }' "$1"
}

# A bad end without a failure is one.
count() {
	local what=$1 log=$2 status=$3 line
	line=$(total "$log")
	if [ -z "$line" ]; then
		echo "not ok $what: no result"
		failed=$((failed + 1))
		return
	fi
	passed=$((passed + ${line%% *}))
	line=${line#*passed, }
	failed=$((failed + ${line%% *}))
	if [ "$status" -ne 0 ] && [ "${line%% *}" -eq 0 ]; then
		echo "not ok $what: it ended with status $status"
		failed=$((failed + 1))
	fi
}

finish() {
	printf '\n%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
	exit
}
