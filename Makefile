# SPDX-License-Identifier: GPL-2.0
# vmshare: `make help` lists the targets.

KDIR ?= /lib/modules/$(shell uname -r)/build
PREFIX ?= /usr/local
VERSION := $(shell cat VERSION)
DKMS_SOURCE := /usr/src/vmshare-$(VERSION)
DEBUG_KERNELS ?= 6.12-kasan
COVERAGE_KERNELS ?= 6.12-gcov

# Without pahole the kernel's build system fails at the module's own BTF, which
# the module does not need.
ifeq ($(shell command -v pahole),)
KBUILD_ARGS += CONFIG_DEBUG_INFO_BTF_MODULES=
endif

all: kmod cli ## build the module and the program

kmod: ## build vmshare.ko for KDIR (default: the running kernel)
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(KBUILD_ARGS) modules
	cp kmod/vmshare.ko vmshare.ko

cli: ## build the program vmshare
	$(MAKE) -C cli

install: install-cli dkms-install ## install the program, and the module by DKMS

install-cli:
	install -D -m 755 vmshare $(DESTDIR)$(PREFIX)/sbin/vmshare
	install -D -m 644 man/vmshare.8 $(DESTDIR)$(PREFIX)/share/man/man8/vmshare.8
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,@SBINDIR@,$(PREFIX)/sbin,' systemd/vmshare.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/vmshare.service

dkms-install: ## install the module by DKMS, for this and all later kernels
	rm -rf $(DKMS_SOURCE)
	mkdir -p $(DKMS_SOURCE)
	cp -r Kbuild Makefile VERSION dkms.conf kmod include $(DKMS_SOURCE)
	sed -i 's/@VERSION@/$(VERSION)/' $(DKMS_SOURCE)/dkms.conf
	find $(DKMS_SOURCE) -name '*.o' -o -name '*.ko' -o -name '*.mod*' -o -name '.*.cmd' | xargs -r rm -f
	dkms add vmshare/$(VERSION) || dkms status vmshare/$(VERSION)
	dkms install --force vmshare/$(VERSION)

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/sbin/vmshare $(DESTDIR)$(PREFIX)/share/man/man8/vmshare.8
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/vmshare.service
	-dkms remove vmshare/$(VERSION) --all
	rm -rf $(DKMS_SOURCE)

tests: ## build the tests' own programs
	$(MAKE) -C tests/guest
	$(MAKE) -C tests/oracle
	$(MAKE) -C tests/nlclient
	$(MAKE) -C bench
	$(MAKE) -C bench/switches
	$(MAKE) -C bench/native build

demo: ## show it on real KVM guests in a test machine (5 minutes)
	tests/demo

check: ## run all tests, on both kernels
	tests/check

coverage: ## which lines and branches of the program its unit tests and faults run
	tests/setup --build-only
	$(MAKE) -s -C tests/unit coverage

coverage-kmod: ## which lines and branches of the module the suite runs (on a kernel that counts)
	tests/check-debug $(COVERAGE_KERNELS)

check-debug: ## run the suite on a kernel that checks itself (builds it once)
	tests/check-debug $(DEBUG_KERNELS)

race: ## everything at once on a debug kernel, RACE_SECONDS (1800) long
	VMSHARE_RACE_SECONDS=$(or $(RACE_SECONDS),1800) VMSHARE_DEBUG_TIMEOUT=$$((2 * $(or $(RACE_SECONDS),1800) + 3600)) tests/check-debug $(DEBUG_KERNELS) -- everything_at_once

check-static: ## what sparse, clang and checkpatch say of the module
	tests/check-static

check-rt: ## run the CPU half of the suite on PREEMPT_RT kernels
	tests/check-rt

check-ways: ## limits by a real systemd, a real libvirtd, and in a v1 hierarchy
	tests/check-ways

check-kernels: ## compile, load and try the core cases on every kernel of the matrix
	tests/check-kernels

check-all: check ## run all tests, and the suite on every debug kernel
	tests/check-debug 6.12-kasan 6.1-kasan 6.12-kcsan 6.1-kcsan

fuzz: ## fuzz what the program reads, FUZZ_SECONDS (60) for each of 10 targets
	tests/setup --fuzz
	$(MAKE) -C tests/fuzz run

bench-sched: ## measure the scheduler's hooks against perf and bpftrace
	tests/bench-sched

bench: ## measure the walk against its peers, on both kernels
	tests/bench

clean: ## remove what was built
	-$(MAKE) -C cli clean
	find kmod \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \) -delete
	rm -rf build vmshare vmshare.ko Module.symvers modules.order kmod/modules.order .Module.symvers.cmd .modules.order.cmd .vmshare*.cmd

help: ## this list
	@sed -n 's/^\([a-z-]*\):.* ## \(.*\)/\1\t\2/p' Makefile | expand -t 16

# The module for a test machine's kernel, beside a copy of its sources: several
# kernels' objects do not fit into one tree.
KMOD_SOURCES := $(shell git ls-files Kbuild VERSION kmod include 2>/dev/null)

# What to build with for a release: headers as installed, or beside a debug kernel.
VMSHARE_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vmshare
build_tree = $(firstword $(wildcard /lib/modules/$1/build $(VMSHARE_CACHE)/kernels/$1/lib/modules/$1/build) /lib/modules/$1/build)

# $1: the release, $2: where to, $3: more for the kernel's build system
define build_module
	@rm -rf $2/src && mkdir -p $2/src
	@cp -r Kbuild VERSION kmod include $2/src
	+tests/kernel-make $(call build_tree,$1) M=$(CURDIR)/$2/src $(KBUILD_ARGS) W=1 $3 modules > $2/vmshare.log 2>&1 || { cat $2/vmshare.log; exit 1; }
	@strip --strip-debug -o $2/vmshare.ko $2/src/kmod/vmshare.ko
endef

build/%/vmshare.ko: $(KMOD_SOURCES)
	$(call build_module,$*,build/$*)

# Counts which of its lines run (make coverage-kmod).
build/%-gcov/vmshare.ko: $(KMOD_SOURCES)
	$(call build_module,$*,build/$*-gcov,GCOV_PROFILE=y)

# Modules of the tests. $1: the release, $2: the module, $3: its sources
define build_test_module
	@rm -rf build/$1/$2 && mkdir -p build/$1/$2
	@cp -r $3 build/$1/$2
	+tests/kernel-make $(call build_tree,$1) M=$(CURDIR)/build/$1/$2 $(KBUILD_ARGS) modules > build/$1/$2.log 2>&1 || { cat build/$1/$2.log; exit 1; }
	@strip --strip-debug -o build/$1/$2.ko build/$1/$2/$2.ko
endef

build/%/chase.ko: tests/kmod/Kbuild tests/kmod/walk.c $(KMOD_SOURCES)
	$(call build_test_module,$*,chase,tests/kmod/Kbuild tests/kmod/walk.c kmod/compat)

build/%/refuse.ko: tests/kmod/refuse/Kbuild tests/kmod/refuse/refuse.c
	$(call build_test_module,$*,refuse,tests/kmod/refuse/Kbuild tests/kmod/refuse/refuse.c)

build/%/constant_tsc.ko: tests/kmod/rt/Kbuild tests/kmod/rt/constant_tsc.c
	$(call build_test_module,$*,constant_tsc,tests/kmod/rt/Kbuild tests/kmod/rt/constant_tsc.c)

.PHONY: all kmod cli install install-cli dkms-install uninstall tests demo check check-debug check-static check-rt check-ways check-kernels check-all race bench bench-sched fuzz coverage coverage-kmod clean help
