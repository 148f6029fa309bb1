# Every target sets up what it needs by itself; PYTHON=python3.12 picks the Python for a new .venv.
BOOTSTRAP = @python=$$(sh tools/find-python) && "$$python" tools/bootstrap.py

.PHONY: help demo bench test test-wheel test-readers test-spark lint generate pages docs clean

help:      ## list the targets
	@sed -n 's/^\([a-z-]*\): *[^#]*## /make \1\t/p' $(firstword $(MAKEFILE_LIST))

demo:      ## see it work, on real events
	$(BOOTSTRAP) cli,embedded
	@.venv/bin/coldstream demo

bench:     ## measure it against plain PostgreSQL (ARGS="--dsn postgresql://..." names the server)
	$(BOOTSTRAP) cli
	@.venv/bin/coldstream bench $(ARGS)

test:      ## run the tests (ARGS="-k name" narrows them)
	$(BOOTSTRAP) dev
	@.venv/bin/pytest $(if $(COLDSTREAM_TEST_DSN),,-n 3 --dist loadfile) $(ARGS)

test-wheel: ## build wheel and sdist, and try the wheel in an empty environment
	$(BOOTSTRAP) dev
	@.venv/bin/python tools/check_wheel.py

test-readers: ## read a published table with Daft on Ray, in an environment of its own
	$(BOOTSTRAP) dev
	@PYTHONPATH=src .venv/bin/python -m proof.readers

test-spark: ## read the archive's files with Spark (Java 17), in an environment of its own
	$(BOOTSTRAP) dev
	@PYTHONPATH=src .venv/bin/python -m proof.spark $(ARGS)

lint:      ## style, types, and generated files that are current
	$(BOOTSTRAP) dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python tools/async_to_sync.py --check
	.venv/bin/python tools/cli_reference.py --check
	.venv/bin/python tools/sql_reference.py --check
	.venv/bin/python tools/doctor_reference.py --check
	.venv/bin/python tools/bench_reference.py --check
	.venv/bin/python tools/released.py --check

generate: pages ## write every generated file anew
	.venv/bin/python tools/async_to_sync.py

pages:     ## write the generated pages of docs/ anew
	$(BOOTSTRAP) dev
	.venv/bin/python tools/cli_reference.py
	.venv/bin/python tools/sql_reference.py
	.venv/bin/python tools/doctor_reference.py
	.venv/bin/python tools/bench_reference.py

docs: pages ## the documentation as a site in build/site, its links checked
	$(BOOTSTRAP) dev,docs
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict
	@echo build/site/index.html

clean:     ## remove what the other targets made
	rm -rf .venv .readers-venv .spark-venv .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests tools proof bench -name __pycache__ -type d -prune -exec rm -rf {} +
