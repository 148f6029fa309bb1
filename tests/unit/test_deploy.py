"""The files in deploy/: of the form that their readers take, with lines that the program takes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.docs.pages import ROOT

from coldstream.cli.app import load
from coldstream.cli.durations import parse_length

DEPLOY = ROOT / "deploy"
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir())
PROGRAM = "/opt/coldstream/bin/coldstream"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def jobs() -> Iterator[dict[str, Any]]:
    for document in documents("kubernetes/lifecycle.yaml"):
        if document["kind"] == "CronJob":
            yield document


def lines() -> Iterator[tuple[str, list[str]]]:
    """Every command line of the program, with the file it stands in."""
    for unit in UNITS:
        for line in re.findall(rf"^ExecStart={PROGRAM} (.*)$", unit.read_text(), re.MULTILINE):
            yield unit.name, shlex.split(line)
    for job in jobs():
        [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        yield "lifecycle.yaml", container["args"]
    for name, service in documents("compose.yaml")[0]["services"].items():
        if service["image"].startswith("coldstream:"):
            yield f"compose.yaml {name}", service["command"]


LINES = list(lines())


def test_every_kind_has_lines() -> None:
    assert {name.split(" ")[0] for name, _ in LINES} == {
        "coldstream-lifecycle.service",
        "coldstream-lifecycle-once.service",
        "coldstream-serve.service",
        "lifecycle.yaml",
        "compose.yaml",
    }


@pytest.mark.parametrize(("name", "words"), LINES, ids=[name for name, _ in LINES])
def test_the_program_takes_the_line(
    name: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDSTREAM_DSN", "host=db")
    _, bound, *_ = load().parse_args(words, exit_on_error=False, print_error=False)
    for option in ("every", "wait"):
        if length := bound.arguments.get(option):
            parse_length(length)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    copies = []
    for unit in UNITS:
        copy = tmp_path / unit.name
        # The program is not where it will be.
        copy.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
        copies.append(str(copy))
    ran = subprocess.run(
        ["systemd-analyze", "verify", *copies], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_job_reads_what_is_defined_beside_it() -> None:
    named = {each["metadata"]["name"] for each in documents("kubernetes/lifecycle.yaml")}
    [job] = jobs()
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    read = {next(iter(each.values()))["name"] for each in container["envFrom"]}
    assert read <= named
    assert len(job["spec"]["schedule"].split()) == 5


def test_the_services_depend_on_one_another_rightly() -> None:
    [compose] = documents("compose.yaml")
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")
    assert services["lifecycle"]["depends_on"]["init"]["condition"].endswith("successfully")
    volumes = {each.split(":")[0] for one in services.values() for each in one.get("volumes", [])}
    assert volumes == set(compose["volumes"])


def test_the_image_has_extras_that_there_are() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    text = (DEPLOY / "Containerfile").read_text()
    [extras] = re.findall(r'"/source\[([a-z,]+)\]"', text)
    for extra in extras.split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra
    assert text.count("FROM ") == 2
    assert "USER 10001" in text


def test_every_file_is_listed() -> None:
    page = (DEPLOY / "README.md").read_text()
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.name != "README.md" and path.parent.name not in OTHERS:
            assert path.name in page or path.suffix == ".timer", path


# Folders with a page of their own.
OTHERS = ("grafana", "prometheus")
