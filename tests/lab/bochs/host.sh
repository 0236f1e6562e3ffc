# SPDX-License-Identifier: GPL-2.0-only
#
# host.sh - the emulated Intel host, sourced by lab: Bochs, what it boots from, what comes back.
#
# Bochs has no shared folder.  All the host may read is on one CD made for the run: boot loader,
# kernel, initramfs, the job, and the part of the machine's root that the job needs.  All it gives
# back is a tar archive on a raw disk; CMD's output is the second serial line's.
#
# Uses lab's variables; the kernel command line says what is particular about Bochs.

# Bochs has executed so many instructions when the host sees a second go by, and the TSC counts them.
readonly BOCHS_IPS=100000000

# The disk that takes the archive.
readonly DISK_CYLINDERS=260

# What of the checkout the test families use, and what of the machine.
readonly -a CHECKOUT_PATHS=(tests build/vmctl build/guest build/abi build/hostile build/bench build/system)
readonly -a MACHINE_PATHS=(/usr/bin/bash /usr/bin/script /usr/bin/xz /usr/bin/busybox /etc/ld.so.cache)

# What vmctl loads by name when a verb wants it: no program says so of itself.
readonly -a LOADED_BY_NAME=(libnl-3.so.200 libnl-route-3.so.200 libnl-genl-3.so.200 libcapstone.so.4)

# Modules the job may want; the others of the release are not on the CD.
readonly -a HOST_MODULES=(kvm-intel kvm-amd ccp irqbypass tun vhost-net vhost-vsock bridge loop)

bochs_check() {
	local file
	for file in /usr/bin/bochs-bin /usr/bin/script /usr/bin/xorriso \
		/usr/lib/ISOLINUX/isolinux.bin /usr/share/bochs/VGABIOS-lgpl-latest; do
		[[ -e $file ]] || die "$file is missing: run tests/lab/deps lab-intel"
	done
	[[ -z $gdb$icount ]] || die "--gdb and --icount are the AMD host's: this one counts instructions always;" \
		"--debugger is Bochs's own"
	[[ $kernel != debug ]] || die "the debug kernel has no drivers for the Intel host"
}

# cd_modules: a module tree of HOST_MODULES alone, kept per release.
cd_modules() {
	local key tree path
	key=$(printf '%s ' "$release" "$image" "${HOST_MODULES[@]}" | sha256sum)
	module_tree=$cache/host-modules-$release-${key:0:12}
	[[ ! -e $module_tree ]] || return 0
	tree=$work/modules-tree
	mkdir -p "$tree"
	modprobe -d "$modules" -S "$release" -a --show-depends "${HOST_MODULES[@]}" 2>/dev/null |
		awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/cd-modules"
	while read -r path; do
		install -D -m 644 "$path" "$tree/lib/modules/$release/kernel/${path#*/kernel/}"
	done <"$work/cd-modules"
	cp "$modules/lib/modules/$release/modules.builtin"* "$modules/lib/modules/$release/modules.order" \
		"$tree/lib/modules/$release/"
	depmod -b "$tree" "$release"
	mv -T "$tree" "$module_tree" 2>/dev/null || [[ -e $module_tree ]]
}

# library_paths NAME...: where the shared libraries are; one that this machine has not is left out.
library_paths() {
	ldconfig -p | awk 'NR == FNR { wanted[$1]; next } $1 in wanted && !seen[$1]++ { print $NF }' \
		<(printf '%s\n' "$@") -
}

# needed_paths: the machine's files that shall be on the CD, one path a line.
needed_paths() {
	local path
	for path in "${CHECKOUT_PATHS[@]}"; do
		[[ ! -e $root/$path ]] || echo "$root/$path"
	done
	printf '%s\n' "${MACHINE_PATHS[@]}" "$guest_kernel" "$guest_bzimage" "$guest_initrd" "${with[@]}"
	library_paths "${LOADED_BY_NAME[@]}"
	# What the command names, as it is seen inside.
	for path in "${command[@]}"; do
		path=${path#/host}
		[[ $path == /lab/* ]] && path=$root${path#/lab}
		[[ $path == */* && -f $path ]] && realpath -s "$path"
	done
	return 0
}

# with_libraries: the paths read and the shared libraries of the programs among them.
with_libraries() {
	local -a paths
	mapfile -t paths
	printf '%s\n' "${paths[@]}"
	find -L "${paths[@]}" -type f -perm /111 -not -name '*.o' -exec sh -c '
		for file; do
			# A static program has none, which ldd calls an error.
			[ "$(head -c 4 "$file" | tail -c 3)" != ELF ] || ldd "$file" 2>/dev/null || true
		done' sh {} + | sed -nE 's/^[^/]*(\/[^ ]+) \(0x.*/\1/p' | sort -u
}

# real_paths: the paths read with no link among their directories, and what each leads to.
real_paths() {
	local path
	while read -r path; do
		echo "$(realpath "${path%/*}/")/${path##*/}"
		realpath "$path"
	done | sort -u
}

make_cd() {
	local tree=$work/cd
	local args="console=ttyS0 quiet loglevel=5 panic=-1 reboot=t log_buf_len=2M no_timer_check"

	# Self-tests and certificates take ten seconds; with its reported sizes left alone Linux would
	# turn XSAVE off.
	args+=" tsc=reliable tsc_early_khz=$((BOCHS_IPS / 1000)) nokaslr cryptomgr.notests"
	args+=" initcall_blacklist=load_system_certificate_list clearcpuid=321,323"
	[[ -z $nmi ]] || args+=" iomem=relaxed"
	mkdir -p "$tree/isolinux"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$tree/isolinux/"
	printf 'default l\nprompt 0\nlabel l\n kernel /kernel\n initrd /initrd\n append %s\n' \
		"$args $mitigations $append" >"$tree/isolinux/isolinux.cfg"
	cd_modules
	mkdir "$tree/root"
	find / -maxdepth 1 -type l -exec cp -P {} "$tree/root/" \;
	{
		echo "/=$tree"
		echo "/kernel=$("$here/flat-kernel" "$image")"
		echo "/initrd=$initrd"
		echo "/ctl=$work/ctl"
		echo "/root$(realpath "$modules/lib/modules")=$module_tree/lib/modules"
		needed_paths | with_libraries | real_paths |
			while read -r path; do echo "/root$path=$path"; done
	} | sed 's,//*,/,g' >"$work/cd.list"
	xorriso -as mkisofs -quiet -o "$work/cd.iso" -R -m '*.o' -b isolinux/isolinux.bin -c isolinux/boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table -graft-points -path-list "$work/cd.list" \
		>"$work/xorriso.log" 2>&1 || die "no CD: $(tail -n 3 "$work/xorriso.log")"
	truncate -s $((DISK_CYLINDERS * 16 * 63 * 512)) "$work/disk"
}

write_bochsrc() {
	local bochs_log=$work/bochs.log line="mode=file, dev=$work/out"
	[[ -z $tty ]] || line="mode=term, dev=$(tty)"
	[[ ! -e $work/dmesg.to ]] || bochs_log=$(realpath -m "$log").bochs
	cat >"$work/bochsrc" <<-END
	plugin_ctrl: unmapped=1, biosdev=1, speaker=0, extfpuirq=1, parallel=0, serial=1, iodebug=0, gameport=0
	display_library: term
	cpu: model=${cpu:-corei7_skylake_x}, count=$smp, ips=$BOCHS_IPS, reset_on_triple_fault=0
	megs: $memory
	romimage: file=/usr/share/bochs/BIOS-bochs-latest
	vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
	ata0-master: type=cdrom, path=$work/cd.iso, status=inserted
	ata0-slave: type=disk, path=$work/disk, mode=flat, cylinders=$DISK_CYLINDERS, heads=16, spt=63
	boot: cdrom
	com1: enabled=1, mode=file, dev=$log
	com2: enabled=1, $line
	sound: waveoutdrv=dummy
	speaker: enabled=1, mode=none
	panic: action=fatal
	clock: sync=none
	log: $bochs_log
	END
}

# drain_screen: Bochs draws its screen, and the cursor several times in a second of its time, on a pseudo-terminal of its own. Nobody
# else reads that, and when it is full, after a minute or two, Bochs stands still for ever.
drain_screen() {
	local i screen=
	for ((i = 0; i < 600; i++)); do
		screen=$(sed -n 's/^Bochs connected to screen "\([^"]*\)".*/\1/p' "$work/emulator.err" 2>/dev/null)
		[[ -z $screen ]] || break
		sleep 0.2
	done
	[[ ! -c $screen ]] || exec cat "$screen"
}

# run_bochs: without a terminal, and without a file that says "c", its debugger waits for ever.
run_bochs() {
	local limit="timeout --foreground -s KILL $timeout" status=0 script_pid drain_pid
	local line="exec bochs-bin -q -f '$work/bochsrc'"

	[[ -z $tty ]] || limit="timeout --foreground -s KILL 0"
	if [[ -n $debugger ]]; then
		echo "lab: Bochs's debugger: c continues, ^C stops, q ends, help lists the rest" >&2
		script -qfec "$line" /dev/null
	else
		yes c | head -n 100 >"$work/bochs.rc"
		# It draws a screen on whatever it takes for a terminal: any will do, none will not.
		TERM=linux script -qfec "echo \$\$ >'$work/bochs.pid'; exec $limit sh -c \"$line -rc '$work/bochs.rc'\"" \
			/dev/null </dev/null >"$work/emulator.err" 2>&1 &
		# In the background: a signal to the lab is not kept waiting.
		script_pid=$!
		drain_screen >/dev/null 2>&1 </dev/null &
		drain_pid=$!
		wait "$script_pid" || status=$?
		kill "$drain_pid" 2>/dev/null || true
		return "$status"
	fi
}

start_bochs() {
	local status=0 reader

	write_bochsrc
	: >"$log"
	mkfifo "$work/out"
	cat "$work/out" &
	reader=$!
	run_bochs || status=$?
	# A Bochs that never opened the line leaves a reader that waits.
	exec 7<>"$work/out"
	exec 7>&-
	wait "$reader" || true
	return "$status"
}

# unpack_disk: what the host left on the raw disk.
unpack_disk() {
	mkdir "$work/back"
	tar -xf "$work/disk" -C "$work/back" 2>/dev/null || true
	cp -a "$work/back/ctl/." "$work/ctl/" 2>/dev/null || true
	cp -a "$work/back/out/." "$share/" 2>/dev/null || true
}

# bochs_cleanup: an interrupted run leaves nothing behind.  SIGTERM does not end a Bochs at its prompt.
bochs_cleanup() {
	[[ ! -e $work/bochs.pid ]] || pkill -KILL -P "$(<"$work/bochs.pid")" || true
}
