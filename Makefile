# The two commands of a fresh machine are `make demo` and `make test`; each builds first.
# PYTHON=/path/to/python3 chooses the interpreter of .venv.
.DEFAULT_GOAL := help
.PHONY: help build demo check test done units rules all-on all-off unprivileged interop computing soak bench clean

python := .venv/bin/python
networks := $(python) -m pytest -p no:cacheprovider tests/netns
# What opens devices and moves packets: no lab, no probe from kernel to kernel, no netlink socket, no rights do.
still := lab_* probe netlink netns* fixtures masquerade run_in_lab step* verbs wg_program wg_quick wg_secrets wg_tools
without := $(networks) tests/unit/devices $(foreach name,$(still),--ignore-glob='*/test_$(name).py')

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

build:  ## make .venv, install what is missing, build what changed; leaves .venv/bin/tunnel
	@.ci/bootstrap .venv $(PYTHON)

demo: build  ## two namespaces and a tunnel between them, measured: under 15 s after the build
	@.venv/bin/tunnel demo

check: build  ## unit tests and source rules: no root, at most 60 s
	@$(MAKE) --no-print-directory --output-sync=line -j2 units rules

# Two at a time, in this order, the longest first; then the newer Pythons, beside no test that looks at the clock.
test: build  ## everything, as root also as uid 65534 and on newer Pythons: about 20 minutes
	@.ci/peers
	@$(MAKE) --no-print-directory --output-sync=line -j2 all-on unprivileged computing all-off interop
	@$(MAKE) --no-print-directory --output-sync=line -j2 $$(.ci/newer) done

done:

units:
	@$(python) -m pytest tests/unit

rules:
	@$(python) -m pytest tests/source

all-on:
	@$(networks)

all-off:
	@TUNNEL_NO_OFFLOAD=all $(without)

unprivileged:
	@.ci/unprivileged $(networks)

interop:
	@$(python) -m pytest -p no:cacheprovider tests/interop

# The network tests mostly wait, and look at the clock: what computes gives way.
computing:
	@nice $(python) -m pytest tests --ignore=tests/netns --ignore=tests/interop

newer-%:
	@nice .ci/newer $*

soak: build  ## long runs, by hand; the network tests with each offload off alone
	@$(python) -m pytest -m soak tests
	@for name in $$($(python) -c 'from tunnel.offloads import NAMES; print(*NAMES)'); do \
		echo "without $$name"; \
		TUNNEL_NO_OFFLOAD=$$name $(without) || exit 1; \
	done

bench: build  ## the benchmarks; on Debian as root with their peers installed
	@$(python) -m pip install -q --no-build-isolation -e '.[bench]'
	@$(python) -m bench

clean:  ## remove what was built, the virtual environments too
	rm -rf .venv .venv-* build dist *.egg-info
	find tunnel \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +
