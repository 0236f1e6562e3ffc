# SPDX-License-Identifier: GPL-2.0-only
#
# lib.sh - what the scenarios share. Each runs in the lab's host, sources this file and is given the
# device node to use:  SCENARIO /dev/vitrine | /dev/kvm
#
# A scenario is a list of `check NAME COMMAND...`: one TAP line each; what the command printed is
# shown when it fails. `finish` prints the plan and gives the status.

node=${1:-/dev/vitrine}
vmctl=/lab/build/vmctl
# The kernel's self-tests of its ciphers take a guest longer than all else; rodata: a walk through all of its page tables.
quiet="console=ttyS0 quiet mitigations=off panic=-1 cryptomgr.notests rodata=off"
guest_modules=/host/lib/modules/${LAB_GUEST_BZIMAGE##*/vmlinuz-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Limits stand for a machine that has nothing else to do; a busy or a slower one has so many times that. They end what hangs, and
# judge nobody's speed.
patience=4
cases=0 failures=0

check() {
	local name=$1
	shift
	cases=$((cases + 1))
	if "$@" >"$work/check" 2>&1; then
		echo "ok $cases - $name"
	else
		failures=$((failures + 1))
		echo "not ok $cases - $name"
		tail -n 30 "$work/check" | sed 's/^/# /'
	fi
}

finish() {
	echo "1..$cases"
	[[ $failures == 0 ]]
}

# vm SECONDS OPTIONS...: vmctl run on the node, for at most $patience times so long; its output is in $work/out, its
# errors in $work/err, its status in $status.
vm() {
	local limit=$1
	shift
	status=0
	timeout -k 5 $((limit * patience)) "$vmctl" run --device "$node" --on-reboot "${on_reboot:-stop}" "$@" \
		>"$work/out" 2>"$work/err" || status=$?
}

# boot SECONDS CPUS MEMORY WORDS...: the small guest, with more words on its command line.
boot() {
	local limit=$1 cpus=$2 memory=$3
	shift 3
	vm "$limit" --kernel "$LAB_GUEST_KERNEL" --initrd "$LAB_GUEST_INITRD" --cpus "$cpus" \
		--memory "$memory" --timing --append "$quiet $*" </dev/null
}

# appears FILE REGEX SECONDS: it is in the file in $patience times that time.
appears() {
	local i
	for ((i = 0; i < $3 * 4 * patience; i++)); do
		grep -q -- "$2" "$1" 2>/dev/null && return
		sleep 0.25
	done
	tail -n 5 "$1"
	return 1
}

show() {
	echo "status $status"
	cat "$work/err"
	tail -n 20 "$work/out"
}

# gives STATUS: that is how vmctl ended; else everything is shown.
gives() {
	[[ $status == "$1" ]] || { show; return 1; }
}

# says REGEX: so does the console. SeaBIOS writes a character that waited for the next one once more when it moves the cursor
# behind the one before it.
says() {
	sed $'s/.\033\\[[0-9;]*H//g' "$work/out" | grep -q -- "$1" || { echo "no '$1' on the console"; show; return 1; }
}

# errs REGEX: the errors are one line of vmctl's form that matches.
errs() {
	local pattern='^vmctl run: [^:]+: .+: .+$'
	[[ $(wc -l <"$work/err") == 1 && $(<"$work/err") =~ $pattern && $(<"$work/err") =~ $1 ]] ||
		{ echo "no single error line with '$1'"; show; return 1; }
}

# errs_last REGEX: the same for the last line, after the times.
errs_last() {
	tail -n 1 "$work/err" >"$work/last"
	grep -Eq "^vmctl run: [^:]+: .+: .+$" "$work/last" && grep -Eq "$1" "$work/last" ||
		{ echo "the last line is no error with '$1'"; show; return 1; }
}

# guest_initrd FILE MODULES...: the small guest's initramfs with those of its kernel's modules, which its /modules
# loads, and with what is in $work/extra.
guest_initrd() {
	local file=$1 tree=$work/extra name path
	shift
	mkdir -p "$tree"
	for name; do
		# What a module needs stands behind it, the first to load last.
		sed -n "s,^\(kernel/.*/$name\.ko[.a-z]*\):\(.*\),\1\2,p" "$guest_modules/modules.dep" |
			tr ' ' '\n' | tac
	done | awk 'NF && !seen[$1]++' >"$work/modules"
	echo "#!/bin/sh" >"$tree/modules"
	while read -r path; do
		cp "$guest_modules/$path" "$tree/"
		echo "insmod /${path##*/}" >>"$tree/modules"
	done <"$work/modules"
	chmod +x "$tree/modules"
	(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip -1 | cat "$LAB_GUEST_INITRD" - >"$file"
}
