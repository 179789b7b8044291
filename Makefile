# The lines that start with ## are what `make help` prints.
.DEFAULT_GOAL := help
.PHONY: help demo test lint clean
export PYTHON

## make demo    set up and serve the demo; PORT, DATABASE_URL and DEMO_DATA_DIR change where
## make test    set up and run the tests on SQLite, in Chromium, Firefox and WebKitGTK
## make lint    check style, types' presence, JavaScript syntax and what is committed
## make clean   remove the virtual environment and what builds and runs left behind
## PYTHON=/path/to/python chooses the Python (3.11 or newer) that .venv is made with.

help:
	@sed -n 's/^## //p' Makefile

demo:
	@tools/system_packages.sh demo
	@tools/make_venv.sh demo
	@exec .venv/bin/python manage.py demo

test:
	@tools/system_packages.sh demo
	@tools/system_packages.sh test
	@tools/make_venv.sh all
	@exec .venv/bin/python -m pytest

lint:
	@tools/system_packages.sh demo
	@tools/make_venv.sh all
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/python tools/check_javascript.py
	@.venv/bin/python tools/check_tree.py

# the demo's data stays: it is somebody's
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .test-artifacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
