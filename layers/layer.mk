# What the layers' Makefiles share: wheels for the wanted architecture, then bytecode that survives packaging.
#
# SAM runs `make build-<LogicalId>` in layers/platform/<architecture> (WorkingDirectory in template.yaml), as it has no
# other way to say the architecture; each layer's own folder is where its Makefile lies. Nothing here needs the host to be
# of that architecture: wheels are unpacked and not built, and bytecode is the same on all.

PYTHON ?= python3.13
SITE = $(ARTIFACTS_DIR)/python
LAYER := $(patsubst %/,%,$(dir $(abspath $(firstword $(MAKEFILE_LIST)))))

-include wheels.mk
ifndef WHEELS
$(error Run this in layers/platform/<architecture>, as `sam build` does)
endif

# Bytecode of another Python is not read: every cold start would compile anew, without a word.
define check-python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || { \
	  echo 'The layers need Python 3.13, the runtime of the functions, as "$(PYTHON)" on PATH (or PYTHON=/path/to/python3.13).' >&2; exit 1; }
endef

# uv where there is one: 0.4 s, pip 3 s.
define install
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(PYTHON) --target $(SITE) --python-version 3.13 --python-platform $(UV_PLATFORM) \
	    --only-binary :all: --require-hashes -r $(LAYER)/requirements.txt; \
	else \
	  $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile --target $(SITE) --python-version 3.13 \
	    --implementation cp $(WHEELS:%=--platform %) --only-binary :all: --require-hashes -r $(LAYER)/requirements.txt; \
	fi
endef

# Types, C sources and package metadata: nothing reads them at run time (pydantic searches the last for plug-ins).
define prune
	@find $(SITE) -depth \( -name '*.dist-info' -o -name __pycache__ -o -name tests -o -name include \) -exec rm -r {} +
	@find $(SITE) -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name py.typed \) -delete
	@rm -rf $(SITE)/bin $(SITE)/.lock
endef

# unchecked-hash: a timestamp in bytecode is stale as soon as a zip changes the source's. -s and -p: tracebacks and builds
# don't depend on where it was built.
define compile
	@$(PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s $(SITE) -p /opt/python $(SITE)
endef
