# The lines that start with ## are what `make help` prints.
.DEFAULT_GOAL := help
.PHONY: help demo test test-postgresql test-mariadb test-wide simulate endurance peers bench reliability screenshots lint package clean everything
export PYTHON

## make demo             set up and serve the demo; PORT, DATABASE_URL and DEMO_DATA_DIR change where
## make test             set up and run the tests: SQLite, most of Chromium, the main job in Firefox and WebKitGTK
## make test-postgresql  the Python tests on PostgreSQL: the local server on its standard port, else one of their own
## make test-mariadb     the Python tests on MariaDB, likewise
## make test-wide        the browser tests that `make test` leaves to CI
## make simulate         the device under a seeded scheduler; SEEDS=1000000 says how many schedules, FROM where to begin, SEED=7 prints one
## make peers            compare the app with Workbox's background sync: writes docs/peers.json and prints the table
## make bench            what the app costs a visitor on a slow link: writes docs/benchmarks.* and prints the table
## make endurance        kill browsers, cut links and send twins, MINUTES=30 or until docs/endurance.json has its targets
## make screenshots      a picture of every state a visitor may see, into .screenshots, and those of the docs
## make reliability      run everything that .ci/run does, and write docs/reliability.md of what came of it
## make lint             style, types, JavaScript syntax, and what must not be committed
## make package          build the wheel and try it in a new project
## make clean            remove the virtual environment and what builds and runs left behind
##
## PYTHON=python3.13 chooses the Python (3.11 or newer) that .venv is made with.
help:
	@sed -n 's/^## \{0,1\}//p' Makefile

demo:
	@tools/system_packages.sh demo
	@tools/make_venv.sh demo
	@exec .venv/bin/python manage.py demo

everything:
	@tools/system_packages.sh demo
	@tools/make_venv.sh all

test: everything
	@tools/system_packages.sh test
	@tools/node_modules.sh
	@exec .venv/bin/python -m pytest -n 2 --dist loadfile

test-postgresql test-mariadb: test-%: everything
	@tools/system_packages.sh $*
	@exec .venv/bin/python tools/databases.py $* .venv/bin/python -m pytest tests/python

test-wide: everything
	@tools/system_packages.sh test
	@tools/node_modules.sh
	@exec .venv/bin/python -m pytest -m wide -n 2 --dist loadfile tests/browser tests/peers

SEEDS = 20000
FROM = 0
simulate: everything
	@tools/node_modules.sh
	@exec .venv/bin/node tests/simulation/main.js $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --from $(FROM) $(if $(RECORD),--record $(RECORD)))

peers: everything
	@tools/system_packages.sh test
	@tools/node_modules.sh
	@exec .venv/bin/python -m tests.peers

bench: everything
	@tools/system_packages.sh test
	@exec .venv/bin/python -m benchmarks $(if $(RUNS),--runs $(RUNS)) $(if $(RECORD),--record $(RECORD))

endurance: everything
	@tools/system_packages.sh test
	@exec .venv/bin/python -m tests.endurance $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ONLY),--only $(ONLY))

reliability: everything
	@OFFLINESYNC_RECORD=1 bash .ci/run
	@.venv/bin/python tools/reliability.py write

screenshots: everything
	@tools/system_packages.sh test
	@exec .venv/bin/python -m tests.browser.screenshots $(STATES)

lint: everything
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python tools/check_javascript.py
	@.venv/bin/python tools/check_tree.py
	@.venv/bin/python tools/reliability.py write --check
	@.venv/bin/python -m benchmarks.record write --check

package: everything
	@.venv/bin/python tools/check_wheel.py

# The demo's data stays: it is somebody's.
clean:
	rm -rf .venv tests/node_modules build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .test-artifacts .screenshots
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
