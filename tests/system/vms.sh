# SPDX-License-Identifier: GPL-2.0-only
#
# vms.sh - what the scenarios about VMs in a store share, beside lib.sh, which it needs.

export VITRINE_STORE=$work/store
vmctl=${VMCTL:-$vmctl}

# Nothing of a scenario outlives it.
end_vms() {
	local name
	for name in $("$vmctl" list --names); do
		"$vmctl" rm --force "$name" >/dev/null 2>&1
	done
	rm -rf "$work"
}
trap end_vms EXIT

# An initramfs whose guest powers off when its power button is pressed: Debian has that driver in a module. What runs in it
# and left its number in /tmp/running is ended first, as an init would: the kernel resets the disks before it powers off.
power_initrd() {
	local tree=$work/extra drivers=$guest_modules/kernel/drivers
	mkdir -p "$tree"
	cp "$drivers/acpi/button.ko" "$drivers/input/evdev.ko" "$tree/"
	cat >"$tree/power" <<-'END'
		insmod /button.ko
		insmod /evdev.ko
		{
			head -c 1 /dev/input/event0 >/dev/null
			echo "guest: button"
			[ ! -e /tmp/running ] || kill -9 $(cat /tmp/running)
			poweroff -f
		} &
	END
	(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) | gzip -1 | cat "$LAB_GUEST_INITRD" - \
		>"$work/initrd"
}

# make NAME OPTIONS...: a small VM in the store.
make_vm() {
	"$vmctl" create "$1" --device "$node" --kernel "$LAB_GUEST_KERNEL" --initrd "$work/initrd" \
		--memory 128M --append "$quiet vitrine.exec=sh,/power" "${@:2}"
}

# ask COMMAND...: runs vmctl for at most $patience times $limit seconds; its output is in $work/out, its errors in $work/err, its status in $status.
ask() {
	status=0
	timeout -k 5 $((${limit:-100} * patience)) "$vmctl" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

# fine COMMAND...: vmctl does it and says nothing on standard error.
fine() {
	ask "$@"
	[[ $status == 0 && ! -s $work/err ]] || { show; return 1; }
}

# refuses STATUS REGEX COMMAND...: vmctl says no, in one line of its form.
refuses() {
	local verb=$3
	[[ $verb != @(snapshot|net|image) ]] || verb+=" $4"
	ask "${@:3}"
	[[ $status == "$1" && $(wc -l <"$work/err") == 1 && $(<"$work/err") =~ $2 &&
		$(<"$work/err") =~ ^vmctl\ $verb:\ [^:]+:\ .+:\ .+$ ]] || { show; return 1; }
}

# state NAME: in one word, from the list.
state() {
	"$vmctl" list | awk -v name="$1" '$1 == name { print $2 }'
}

is() {
	local now
	now=$(state "$1")
	[[ $now == "$2" ]] || { echo "$1 is $now"; "$vmctl" list; return 1; }
}

# heard NAME TEXT SECONDS: the guest says it on its console in $patience times that time.
heard() {
	appears "$VITRINE_STORE/$1/console.log" "$2" "$3"
}

# An initramfs ($work/both) whose guest checks itself without end: memory, disk and clock, of either so many MiB, 4 without MIB. It
# says a number in every round.
self_checking_guest() {	# MIB
	local mib=${1:-4}
	mkdir -p "$work/extra"
	{ echo "#!/bin/sh"; echo "mib=$mib"; cat; } >"$work/extra/job" <<'END'
echo $$ >/tmp/running
sh /modules
dd if=/dev/urandom of=/tmp/a bs=64k count=$((mib * 16)) 2>/dev/null
sum=$(md5sum </tmp/a)
i=0
disk=$(dd if=/dev/vda bs=1M count=$mib 2>/dev/null | md5sum)
while :; do
	i=$((i + 1))
	[ "$(md5sum </tmp/a)" = "$sum" ] || echo "guest: memory differs"
	dd if=/dev/urandom of=/tmp/b bs=64k count=4 2>/dev/null
	dd if=/tmp/b of=/dev/vda bs=64k seek=$((64 + i % 32 * 4)) conv=fsync 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
	dd if=/dev/vda bs=64k skip=$((64 + i % 32 * 4)) count=4 2>/dev/null | cmp - /tmp/b || echo "guest: disk differs"
	[ "$(dd if=/dev/vda bs=1M count=$mib 2>/dev/null | md5sum)" = "$disk" ] || echo "guest: old data differs"
	now=$(date +%s)
	echo "round $i at $now"
	dmesg | grep -q "virtual machine fork" && echo "told of a fork"
	sleep 0.2
	[ -e /sys/class/net/eth0 ] && echo "link changes $(cat /sys/class/net/eth0/carrier_changes)"
done
END
	power_initrd
	guest_initrd "$work/initrd.modules" virtio_pci virtio_blk virtio_net
	cat "$work/initrd" "$work/initrd.modules" >"$work/both"
}

# round NAME: the number of the last round the VM told.
round() {
	tr -d '\r' 2>/dev/null <"$VITRINE_STORE/$1/console.log" | sed -n 's/^round \([0-9]*\) .*/\1/p' | tail -n 1
}

# rounds NAME: how many it told.
rounds() {
	local n
	n=$(grep -c '^round' "$VITRINE_STORE/$1/console.log" 2>/dev/null)
	echo "${n:-0}"
}

# goes_on NAME: it tells more of them than now.
goes_on() {
	local now i
	now=$(rounds "$1")
	for ((i = 0; i < 450 * patience; i++)); do
		sleep 0.2
		(($(rounds "$1") > now + 1)) && return
	done
	tail -n 5 "$VITRINE_STORE/$1/console.log" "$VITRINE_STORE/$1/vmm.log"
	"$vmctl" why "$1"
	return 1
}

# clock_right NAME: what it says of the time when it tells the next round is the time.
clock_right() {
	local told now i
	# On a loaded machine a line may come late; a clock that is wrong stays wrong.
	for ((i = 0; i < 5; i++)); do
		goes_on "$1" || return
		now=$(date +%s)
		told=$(tr -d '\r' <"$VITRINE_STORE/$1/console.log" | sed -n 's/^round .* at //p' | tail -n 1)
		((now - told <= 3 && told - now <= 3)) && return
	done
	echo "it is $now, not $told"
	return 1
}

# The machine's tar for vmctl: the lab's own is busybox's.
lab_tar() {
	mkdir "$work/bin"
	cat >"$work/bin/tar" <<'END'
#!/bin/sh
export LD_LIBRARY_PATH=/host/usr/lib/x86_64-linux-gnu:/host/lib/x86_64-linux-gnu PATH=/host/usr/bin:/host/bin
exec /host/usr/bin/tar "$@"
END
	chmod +x "$work/bin/tar"
	export PATH=$work/bin:$PATH
}
