"""What is said of a catalog: never what may be a secret."""

from __future__ import annotations

import pytest

from coldstream import PublicationError
from coldstream.archive.engines.iceberg import Catalogued, IcebergTable, catalog_properties

pytest.importorskip("pyiceberg", reason="not covered here: pyiceberg is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize(
    "catalog",
    [
        "postgresql:/user:S3cr3t@host/db",
        "user:S3cr3t@host/db",
        "postgresql+psycopg://user:S3cr3t@host:port/db",
        "nothing://user:S3cr3t@host/db",
        "https://127.0.0.1:1/catalog?token=S3cr3t",
        "https://user:S3cr3t@127.0.0.1:1/catalog",
    ],
)
def test_a_secret_in_a_catalogs_url_is_not_shown(catalog: str) -> None:
    with pytest.raises(PublicationError) as caught:
        IcebergTable(Catalogued(catalog_properties(catalog), "s", None, "id")).load()
    assert "S3cr3t" not in str(caught.value)
    assert "S3cr3t" not in str(caught.value.hint)
