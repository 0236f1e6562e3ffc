# SPDX-License-Identifier: GPL-2.0-only
#
# Vitrine's targets.  Each works alone on a Debian 12 that has only make: it installs what it needs
# (tests/lab/deps says what, and asks dpkg first).
#
#   all          the module and the tools
#   module       vitrine.ko into build/RELEASE/; KDIR= names the kernel's build directory,
#                or KREL= an installed or a lab kernel's release; VITRINE_TELEMETRY=n counts nothing,
#                for measuring what counting costs, and goes into build/RELEASE-mute/
#   tools        vmctl and vmtop into build/
#   demo         a guest boots on the module; in the lab where this machine cannot do it itself, or in
#                the lab's HOST=amd or HOST=intel
#   check        the tests a change must pass; check-full adds the long ones
#   bench        exit costs and guest boot, ours beside stock KVM's, what counting and looking cost, on both of the
#                lab's hosts or on HOST=
#   sparse checkpatch   static checks of the module
#   install uninstall   the module through DKMS where present, vmctl, vmtop, their pages, group, udev rule, unit
#   clean

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.DELETE_ON_ERROR:

VERSION := 0.1
BUILD := $(CURDIR)/build
W := 1
CACHE := $(or $(VITRINE_CACHE),$(HOME)/.cache/vitrine)
DESTDIR ?=
PREFIX ?= /usr/local

# The module's kernel: what the caller names, else the running one, else Debian's newest 6.1.
ifdef KREL
KDIR ?= $(lastword $(wildcard /lib/modules/$(KREL)/build $(CACHE)/*/lib/modules/$(KREL)/build))
endif
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(lastword $(sort $(wildcard /lib/modules/6.1.0-*-amd64/build))))

.PHONY: all module tools tests demo check check-full bench install uninstall clean
.PHONY: sparse checkpatch

all: module tools

DEPS := $(addprefix deps-,module tools install lab lab-intel unit static debug-kernel)
.PHONY: $(DEPS)
$(DEPS): deps-%:
	@tests/lab/deps $*

# ---- module ----------------------------------------------------------------------------------
#
# Kbuild writes its products beside the sources, so each kernel gets a tree of links of its own in
# build/RELEASE; an edit shows through the links.  A second make looks KDIR up again, after the
# headers may have been installed.

module: deps-module
	@$(MAKE) module-build

module-build: kernelrelease = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h)
module-build: tree = $(BUILD)/$(kernelrelease)$(if $(VITRINE_KUNIT),-kunit)$(if $(filter n,$(VITRINE_TELEMETRY)),-mute)
module-build:
	@test -d "$(KDIR)" || { echo "module: no headers for that kernel: give KDIR=" >&2; exit 1; }
	@tests/lab/link-tree $(tree) $(if $(VITRINE_KUNIT),kunit)
	@flock $(tree)/lock $(MAKE) -s -C $(KDIR) M=$(tree)/kmod W=$(W) \
		$(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) $(if $(C),C=$(C)) \
		VITRINE_WERROR=$(if $(C),,y) $(if $(VITRINE_KUNIT),VITRINE_KUNIT=1) \
		VITRINE_TELEMETRY=$(VITRINE_TELEMETRY) modules
	@cp -u $(tree)/kmod/vitrine.ko $(tree)/vitrine.ko
.PHONY: module-build

# What sparse says about our files; warnings of W=1 stay with `module`.
sparse: deps-static deps-module
	@rm -rf $(BUILD)/sparse && mkdir -p $(BUILD)
	@$(MAKE) module-build BUILD=$(BUILD)/sparse C=2 W= 2>$(BUILD)/sparse.log || \
		{ cat $(BUILD)/sparse.log >&2; exit 1; }
	@! grep -E '(warning|error):' $(BUILD)/sparse.log

# The kernel's checkpatch.pl on the module; DIRS= names other directories (ctl).
checkpatch: deps-static deps-debug-kernel
	@tests/lab/checkpatch $(or $(DIRS),kmod include)

# ---- tools -----------------------------------------------------------------------------------

CTL_SOURCES := $(wildcard ctl/*.c ctl/*/*.c)
CTL_OBJECTS := $(CTL_SOURCES:%.c=$(BUILD)/%.o)
CTL_CFLAGS := -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Ictl -Ictl/vmm -Iinclude -Iinclude/uapi \
	-isystem /usr/include/libnl3 \
	-DVITRINE_VERSION='"$(VERSION)"'
TOP_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tui/*.c ctl/telemetry/*.c) ctl/library.c ctl/bad_option.c)
TOP_LIBS := -lncurses -ltinfo -ljansson -lm
CTL_LIBS := -pthread -ljansson -lm -lseccomp -lz -lzstd

tools: deps-tools
	@$(MAKE) -s $(BUILD)/vmctl $(BUILD)/vmtop

$(BUILD)/vmctl: $(CTL_OBJECTS)
	@echo "  LD      $(@:$(CURDIR)/%=%)"
	@$(CC) $(LDFLAGS) -o $@ $^ $(CTL_LIBS)

$(BUILD)/vmtop: $(TOP_OBJECTS)
	@echo "  LD      $(@:$(CURDIR)/%=%)"
	@$(CC) $(LDFLAGS) -o $@ $^ $(TOP_LIBS)

$(sort $(CTL_OBJECTS) $(TOP_OBJECTS)): $(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC      $(@:$(CURDIR)/%=%)"
	@$(CC) $(CTL_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(sort $(CTL_OBJECTS:.o=.d) $(TOP_OBJECTS:.o=.d))

# ---- tests -----------------------------------------------------------------------------------

# The binaries of every test family that has a Makefile of its own.
tests: deps-unit
	@set -e; for dir in $(patsubst %/Makefile,%,$(wildcard tests/*/Makefile)); do \
		$(MAKE) -C $$dir; done

check check-full: deps-module deps-tools deps-lab deps-lab-intel deps-unit deps-static deps-debug-kernel
	@$(MAKE) -j$(shell nproc) -O all tests
	-@tests/lab/kernels debug >/dev/null
	@tests/run $(if $(filter check-full,$@),--full)

bench: deps-module deps-tools deps-lab deps-lab-intel
	@$(MAKE) all
	@$(MAKE) -C tests/bench
	@status=0; for host in $(or $(HOST),amd intel); do \
		tests/bench/run --host $$host || status=1; \
		tests/bench/telemetry --host $$host || status=1; \
	done; \
	if [ "$(HOST)" != intel ]; then \
		for what in machine forks top; do tests/bench/$$what || status=1; done; \
	fi; exit $$status

demo: deps-module deps-tools deps-lab $(if $(filter intel,$(HOST)),deps-lab-intel)
	@$(MAKE) all
	@tests/lab/demo $(HOST)

# ---- installation ----------------------------------------------------------------------------

MAN_PAGES := $(notdir $(wildcard man/*.[1-9]))
DKMS_TREE = $(DESTDIR)/usr/src/vitrine-$(VERSION)

# Into DESTDIR go files alone: a package's own dependencies and scripts do the rest there.
install: deps-tools $(if $(DESTDIR),,deps-install)
	@$(MAKE) tools
	install -D -m 755 $(BUILD)/vmctl $(DESTDIR)$(PREFIX)/bin/vmctl
	install -D -m 755 $(BUILD)/vmtop $(DESTDIR)$(PREFIX)/bin/vmtop
	for page in $(MAN_PAGES); do \
		install -D -m 644 man/$$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page || exit; \
	done
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(BUILD)/vmctl completion >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/vmctl
	install -D -m 644 dist/70-vitrine.rules $(DESTDIR)/usr/lib/udev/rules.d/70-vitrine.rules
	install -D -m 644 dist/vitrine.sysusers $(DESTDIR)/usr/lib/sysusers.d/vitrine.conf
	install -d $(DESTDIR)/usr/lib/systemd/system
	sed 's,@PREFIX@,$(PREFIX),' dist/vitrine@.service >$(DESTDIR)/usr/lib/systemd/system/vitrine@.service
	if [ -z "$(DESTDIR)" ] && ! getent group vitrine >/dev/null; then groupadd --system vitrine; fi
	rm -rf $(DKMS_TREE)
	mkdir -p $(DKMS_TREE)
	cp -r dkms.conf kmod $(wildcard include) $(DKMS_TREE)/
	@if [ -z "$(DESTDIR)" ] && ! command -v dkms >/dev/null; then \
		echo "install: no dkms here: the module is in $(DKMS_TREE), and built for no kernel" >&2; \
	elif [ -z "$(DESTDIR)" ]; then \
		for build in /lib/modules/*/build; do \
			[ -e "$$build" ] || continue; \
			kernel=$${build#/lib/modules/}; status=0; \
			dkms install --force -m vitrine -v $(VERSION) -k "$${kernel%/build}" || status=$$?; \
			[ $$status = 0 ] || [ $$status = 77 ] || exit $$status; \
		done; \
	fi

uninstall:
	if [ -z "$(DESTDIR)" ] && command -v dkms >/dev/null; then \
		dkms remove -m vitrine -v $(VERSION) --all || true; \
	fi
	rm -rf $(DKMS_TREE)
	rm -f $(DESTDIR)$(PREFIX)/bin/vmctl $(DESTDIR)$(PREFIX)/bin/vmtop
	for page in $(MAN_PAGES); do rm -f $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page; done
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vmctl
	rm -f $(DESTDIR)/usr/lib/udev/rules.d/70-vitrine.rules
	rm -f $(DESTDIR)/usr/lib/sysusers.d/vitrine.conf
	rm -f $(DESTDIR)/usr/lib/systemd/system/vitrine@.service

clean:
	rm -rf $(BUILD)
