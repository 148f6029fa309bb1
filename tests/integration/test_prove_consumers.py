"""The proofs of consumers hold, in small; and they notice what is lost."""

from __future__ import annotations

import psycopg
import pytest
from proof import consumers as prove_consumers

pytestmark = pytest.mark.native


def test_each_message_once(dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--dsn", dsn, "--messages", "8000", "--kills", "5", "--rounds", "2"]
    assert prove_consumers.main(words) == 0, capsys.readouterr().err
    printed = capsys.readouterr().out
    assert "the consumer of everything missed 0 and saw 8000" in printed
    assert "5 kills" in printed
    [missed] = [line for line in printed.splitlines() if line.startswith("a plain poll missed")]
    # The witness: what the consumer might have missed.
    assert int(missed.rpartition(" ")[2]) > 0


@pytest.mark.parametrize(
    "damage", ["DELETE FROM {} WHERE id = 3", "INSERT INTO {} SELECT * FROM {}"]
)
def test_what_is_lost_or_twice_is_noticed(dsn: str, damage: str) -> None:
    prove_consumers.prepare(dsn)
    table = f"{prove_consumers.SCHEMA}.done"
    try:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                f"INSERT INTO {table} SELECT n, 'account-1', n - 1 FROM generate_series(1, 5) AS n"
            )
            assert prove_consumers.check_done(dsn) == 5
            connection.execute(damage.replace("{}", table))
        with pytest.raises(prove_consumers.Lost, match="account-1"):
            prove_consumers.check_done(dsn)
    finally:
        prove_consumers.drop(dsn)
