# Shared part of the layers' Makefiles: install wheels for an architecture, and compile bytecode that survives packaging.
#
# SAM runs `make build-<LogicalId>` in layers/platform/<architecture> (WorkingDirectory in template.yaml): the working
# directory is the only way to pass the architecture. The host can have another one, because wheels are unpacked and not
# built, and bytecode does not depend on it.

PYTHON ?= python3.13
SITE = $(ARTIFACTS_DIR)/python
LAYER := $(patsubst %/,%,$(dir $(abspath $(firstword $(MAKEFILE_LIST)))))

-include wheels.mk
ifndef WHEELS
$(error Run this in layers/platform/<architecture>, as `sam build` does)
endif

# Python does not read bytecode of another version, and would compile at every cold start without a warning.
define check-python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' || { \
	  echo 'The layers need Python 3.13, the runtime of the functions, as "$(PYTHON)" on PATH (or PYTHON=/path/to/python3.13).' >&2; exit 1; }
endef

# uv takes 0.4 s, pip 3 s.
define install
	@if command -v uv >/dev/null; then \
	  uv pip install --quiet --python $(PYTHON) --target $(SITE) --python-version 3.13 --python-platform $(UV_PLATFORM) \
	    --only-binary :all: --require-hashes -r $(LAYER)/requirements.txt; \
	else \
	  $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile --target $(SITE) --python-version 3.13 \
	    --implementation cp $(WHEELS:%=--platform %) --only-binary :all: --require-hashes -r $(LAYER)/requirements.txt; \
	fi
endef

# Remove types, C sources and package metadata, which are not read at run time (pydantic searches metadata for plug-ins).
define prune
	@find $(SITE) -depth \( -name '*.dist-info' -o -name __pycache__ -o -name tests -o -name include \) -exec rm -r {} +
	@find $(SITE) -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name py.typed \) -delete
	@rm -rf $(SITE)/bin $(SITE)/.lock
endef

# Copy packages of this repository, without the bytecode of tests.
copy = @for package in $(1); do cp -r $(LAYER)/$$package $(SITE)/ && find $(SITE)/$$package -depth -name __pycache__ -exec rm -r {} +; done

# unchecked-hash: a zip changes the timestamps of sources, which would invalidate timestamps in bytecode. -s and -p: builds
# and tracebacks do not depend on the build directory. PYTHONPYCACHEPREFIX would put the bytecode into another folder.
define compile
	@env -u PYTHONPYCACHEPREFIX $(PYTHON) -m compileall -q -j 0 --invalidation-mode unchecked-hash -s $(SITE) -p /opt/python $(SITE)
endef
