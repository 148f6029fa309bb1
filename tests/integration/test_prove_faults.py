"""proof/faults.py in a short form: every kind of request, every fault, and full disks."""

from __future__ import annotations

import pytest
from proof import faults as prove_faults
from proof.fault_proxy import FAULTS
from proof.faults import REQUESTS, Lost, chosen, prove
from tests.fix_s3 import S3Server


def test_a_short_form_has_every_request_and_every_fault() -> None:
    for seed in range(20):
        cases = chosen(0, seed)
        assert {case.request for case in cases} == set(REQUESTS)
        assert {case.fault for case in cases} == set(FAULTS)
    assert chosen(None, 1) == prove_faults.all_cases()


@pytest.mark.timeout(600)
def test_nothing_is_lost(dsn: str, s3: S3Server) -> None:
    cases = chosen(0, seed=4)
    outcomes = prove(dsn, s3, cases)
    assert sum(outcomes.values()) == len(cases) + 3
    assert outcomes["the disk is full"] == 3
    assert outcomes["succeeded"] > 0


def test_a_wrong_answer_would_be_seen(
    dsn: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With proofs switched off a flipped byte must make the harness fail."""
    monkeypatch.setattr("coldstream.lifecycle.verify.verify_files", lambda *args, **more: None)
    [case] = [
        case
        for case in chosen(None, 1)
        if (case.request, case.fault, case.times) == ("verify: file", "flipped", 1)
    ]
    with pytest.raises(Lost, match="no request met the fault"):
        prove(dsn, s3, [case])
