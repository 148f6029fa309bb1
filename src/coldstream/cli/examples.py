"""How each command is called, in the order of use: the lines under "Examples" in its help."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from cyclopts import App

# A line as it is typed after "coldstream", and what it does where the line does not say it. The
# order is that of the commands in help and in the reference.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "demo": (
        ("demo", "about a minute; nothing stays"),
        ("demo --keep /tmp/kept", "look at it after"),
    ),
    "dev": (
        ("dev", "prints a DSN"),
        ("dev --with-history", "with ten weeks of messages"),
        ("dev --data-dir ./data", "the data stays"),
        ("dev --load slice.ndjson.gz", "with a slice of production"),
    ),
    "bench": (
        ("bench --dsn postgresql://me@db.example/app --rows 'write.*'", "one group of rows"),
        ("bench --dsn postgresql://me@db.example/app --json > run.json", "all of it, to keep"),
    ),
    "init": (
        ("init", "the store in schema message_store"),
        ("init --schema shop --chunk-interval 1d", "another one, a day a chunk"),
        ("init --dry-run", "the SQL, and what it would do"),
    ),
    "copy-from": (
        ("copy-from postgresql://me@old.example/app --dry-run", "what is there, and how long"),
        ("copy-from postgresql://me@old.example/app", "again after a failure: it goes on"),
        ("copy-from postgresql://me@old.example/app --verify", "digests on both sides"),
        ("copy-from postgresql://me@old.example/app --follow", "what is written meanwhile, too"),
        ("copy-from postgresql://owner@old.example/app --switch", "writers go to the store"),
        ("copy-from postgresql://owner@old.example/app --back", "the source stays whole"),
        ("copy-from postgresql://owner@old.example/app --back --switch", "and is written to again"),
    ),
    "upgrade": (
        ("upgrade --to timescale --dry-run", "how much it is, and what stands against it"),
        ("upgrade --to timescale", "again after it was broken off, too"),
        ("upgrade --to postgres", "back; all of the history must be in the database"),
        ("upgrade --cancel", "give a move up that was broken off"),
    ),
    "sql": (("sql > coldstream.sql", "to read, or for psql"),),
    "status": (
        ("status", "one screen; exit status 1 where something is wrong"),
        ("status --watch 5", "until Ctrl-C"),
        ("status --json", "for a program"),
    ),
    "advise": (
        ("advise", "from what this store has measured"),
        (
            "advise --messages-per-day 1000000 --bytes-per-message 1000 --memory 16GB",
            "from figures",
        ),
        ("advise --prices prices.toml --keep 1095d", "what three years come to"),
    ),
    "dashboard": (
        ("dashboard", "prints an address; read-only, on loopback"),
        ("dashboard --port 8090 --show-bodies", "with data and metadata of messages"),
        ("dashboard --allow-actions", "a second address, for those who may act"),
    ),
    "doctor": (
        ("doctor", "what is wrong, why it matters, what mends it"),
        ("doctor --deep", "heads against messages, too"),
        ("doctor --fix --dry-run", "what would be run; without --dry-run, it asks"),
        ("doctor --json", "for a program; exit status 1 where somebody should be woken"),
    ),
    "profiles": (("profiles", "then: coldstream status --profile NAME"),),
    "write": (
        ("write account-123 Deposited '{\"amount\": 11}'", ""),
        ("write account-123 Withdrawn '{\"amount\": 4}' --expected-version 0", ""),
    ),
    "read": (
        ("read account-123", "a stream"),
        ("read account --limit 10", "a category"),
        ("read --all --position 5000 --json", "everything from there on"),
    ),
    "streams": (
        ("streams --prefix account- --limit 20", ""),
        ("streams --after account-123 --json", "the next page"),
    ),
    "categories": (("categories", ""), ("categories --json", "for a program")),
    "namespaces": (("namespaces", ""),),
    "namespaces list": (("namespaces list --json", "for a program"),),
    "namespaces create": (("namespaces create shop", "a store in schema shop"),),
    "namespaces delete": (
        ("namespaces delete shop --dry-run", "what would go"),
        ("namespaces delete shop --yes shop", "from a script"),
    ),
    "export": (
        ("export backup.ndjson.zst", "everything, compressed"),
        ("export account.parquet --category account --from 2026-01-01 --to 2026-02-01", ""),
        ("export - --stream account-123 > account-123.ndjson", ""),
        ("export slice.ndjson.gz --from 2026-01-01 --scrub rules.toml", "for a laptop"),
    ),
    "import": (
        ("import backup.ndjson.zst --dry-run", "is the file whole and in order?"),
        ("import backup.ndjson.zst --global-positions keep", "into an empty store"),
        ("import - < eventodb-export.ndjson", "EventoDB's export"),
    ),
    "consume": (
        ("consume account --follow", "until Ctrl-C"),
        ("consume account --from 2h --type Deposited --json", "of the last two hours"),
    ),
    "consumers": (("consumers", ""), ("consumers --json", "for a program")),
    "consumers failures": (("consumers failures balances --limit 10", ""),),
    "consumers pause": (("consumers pause balances", ""),),
    "consumers resume": (("consumers resume balances", ""),),
    "consumers reset": (
        ("consumers reset balances --to start --dry-run", ""),
        ("consumers reset balances --to 2026-01-31T10:00Z", ""),
    ),
    "consumers resize": (("consumers resize balances 8", "then start it with group_size=8"),),
    "consumers delete": (("consumers delete balances", ""),),
    "consumers notify": (("consumers notify", "what it is now"),),
    "consumers notify on": (("consumers notify on", ""),),
    "consumers notify off": (("consumers notify off", ""),),
    "consumers notify status": (("consumers notify status --json", ""),),
    "query": (
        ('query "SELECT category, count(*) FROM messages GROUP BY 1"', ""),
        ("query - --csv < query.sql > result.csv", ""),
    ),
    "serve": (
        ("serve --register --archive s3://my-bucket/events", "for every client of the database"),
        (
            "serve --listen 0.0.0.0:5439 --tls-cert cert.pem --tls-key key.pem --register "
            "--advertise archive.example:5439",
            "for a database on another host",
        ),
    ),
    "serve unregister": (("serve unregister", ""),),
    "serve user": (
        ("serve user grafana", "prints a password"),
        ("serve user grafana --remove", ""),
    ),
    "chunks": (("chunks", ""), ("chunks --wide --json", "all that is known of each")),
    "compress": (("compress --older-than 7d --dry-run", ""), ("compress --older-than 7d", "")),
    "archive": (
        ("archive --older-than 90d --dry-run", ""),
        ("archive --older-than 90d --archive s3://my-bucket/events", ""),
    ),
    "archive clean": (("archive clean --older-than 2d --dry-run", ""),),
    "archive rebuild": (
        ("init", "into a new database; then"),
        ("archive rebuild --archive s3://my-bucket/events", ""),
    ),
    "archive repair": (("archive repair --dry-run", ""),),
    "archive adopt": (("archive adopt --archive s3://new-bucket/events", "after a restore"),),
    "archive fork": (("archive fork --archive s3://my-bucket/staging", "in the copy"),),
    "verify": (
        ("verify", "what was not verified yet"),
        ("verify --all --sample 10%", "a tenth of what was, again"),
    ),
    "drop": (
        ("drop --older-than 90d --dry-run", "what would go, and what stays and why"),
        ("drop --older-than 90d --yes", "from cron"),
    ),
    "rehydrate": (
        ("rehydrate --from 2026-01-01 --to 2026-02-01 --for 14d", ""),
        ("rehydrate --from 2026-01-01 --to 2026-02-01 --streams 'account-*'", "one category"),
    ),
    "lifecycle set": (
        ("lifecycle set --compress-after 7d --archive-after 90d --drop-after 90d", ""),
        ("lifecycle set --drop-after never", ""),
    ),
    "lifecycle show": (("lifecycle show", ""),),
    "lifecycle run": (
        ("lifecycle run --dry-run", ""),
        ("lifecycle run --yes --wait 10min", "from cron"),
        ("lifecycle run --every 1h --monitor 127.0.0.1:9187", "as a service"),
    ),
    "lifecycle log": (("lifecycle log --limit 10", ""),),
    "iceberg publish": (
        ("iceberg publish", "into the store's own database"),
        ("iceberg publish --iceberg http://catalog.example:8181", "to a REST catalog"),
    ),
    "iceberg status": (("iceberg status", "exit status 1 where it is not in step"),),
    "help": (("help archive clean", ""),),
}


def add(app: App) -> None:
    """Give every command its examples, its place, and a help whose lines are as wide as the
    terminal: a docstring is broken where its source is."""
    places = {name: place for place, name in enumerate(EXAMPLES)}
    for name, command in walk(app):
        # A group stands where the first of its commands does.
        command.sort_key = min(
            place for each, place in places.items() if each == name or each.startswith(f"{name} ")
        )
        command.help = unwrapped(command.help)
        # A group shows one of each of its commands.
        parts = (examples[:1] for each, examples in EXAMPLES.items() if each.startswith(f"{name} "))
        command.help_epilogue = in_words(EXAMPLES.get(name) or tuple(chain.from_iterable(parts)))


def walk(app: App, before: str = "") -> Iterator[tuple[str, App]]:
    """Every command, and every group, by its words."""
    for name in app:
        if not name.startswith("-"):
            words = f"{before} {name}".strip()
            yield words, app[name]
            yield from walk(app[name], words)


def in_words(examples: tuple[tuple[str, str], ...]) -> str:
    lines = []
    for line, why in examples:
        lines += [f"  # {why}"] if why else []
        lines.append(f"  coldstream {line}")
    return "\n".join(["Examples:", *lines])


def unwrapped(text: str) -> str:
    """Paragraphs of one line each."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n"))
