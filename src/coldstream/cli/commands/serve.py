"""A server of the archive, for every client and for SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from coldstream.cli.app import STORE, app, group
from coldstream.cli.logs import LogFormat, log_to_stderr
from coldstream.cli.options import Database, Json, Tiers

if TYPE_CHECKING:
    from coldstream.serve.run import Address, Store

serve_app = group(
    "serve",
    "Serve the archive: to the database, so that every client reads history that has left it, and "
    "to SQL. Loopback by default.",
    group=STORE,
)
app.command(serve_app)


@serve_app.default
def serve(
    *,
    database: Tiers,
    listen: Annotated[
        str,
        Parameter(metavar="HOST:PORT", help="Where to listen; port 0 is any free one."),
    ] = "127.0.0.1:5439",
    register: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Tell the database where this server is, with a new password: from then on reads "
            "of archived history are answered.",
        ),
    ] = False,
    advertise: Annotated[
        str | None,
        Parameter(
            metavar="HOST:PORT",
            help="Where the database finds it, where that is another address (a balancer's, say).",
        ),
    ] = None,
    time_limit: Annotated[
        float,
        Parameter(
            metavar="SECONDS",
            validator=Number(gte=1),
            help="With --register: how long the database waits for an answer.",
        ),
    ] = 30.0,
    sslmode: Annotated[
        str | None,
        Parameter(
            metavar="MODE",
            help="With --register: as libpq's; by default verify-full with --tls-root, require "
            "with TLS, prefer without.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None, Parameter(metavar="FILE", help="The certificate, PEM.")
    ] = None,
    tls_key: Annotated[Path | None, Parameter(metavar="FILE", help="Its key, PEM.")] = None,
    tls_root: Annotated[
        str | None,
        Parameter(
            metavar="FILE",
            help="With --register: the authority's certificate, as the database server sees it.",
        ),
    ] = None,
    monitor: Annotated[
        str | None,
        Parameter(metavar="HOST:PORT", help="Answer /health and /metrics over HTTP there."),
    ] = None,
    connections: Annotated[
        int,
        Parameter(metavar="N", validator=Number(gte=1), help="At the same time, at most."),
    ] = 100,
    query_memory: Annotated[
        str,
        Parameter(metavar="SIZE", help="Memory of each connection's SQL, such as 500MB."),
    ] = "1GB",
    log_format: LogFormat = "text",
    json: Json = False,
) -> None:
    """Run the server until Ctrl-C or SIGTERM; what is being answered then is answered.

    It holds no state but a cache, so several may run behind one address. COLDSTREAM_ARCHIVE_CACHE
    names a folder that keeps what was fetched. Needs the extra "serve"; SQL needs "query" too.
    """

    from coldstream.cli.views.render import write_json
    from coldstream.serve.run import MEMORY_BYTES, Address, ServeOptions
    from coldstream.serve.run import serve as run
    from coldstream.settings import ArchiveReads, Settings

    log_to_stderr(log_format)
    options = ServeOptions(
        listen=Address.parse(listen, name="--listen"),
        monitor=None if monitor is None else Address.parse(monitor, name="--monitor"),
        connections=connections,
        tls_certificate=tls_cert,
        tls_key=tls_key,
        query_memory=query_memory,
        reads=Settings.from_environment(
            archive_reads=ArchiveReads(memory_bytes=MEMORY_BYTES)
        ).archive_reads,
    )
    advertised = None if advertise is None else Address.parse(advertise, name="--advertise")
    store = _store(database)
    mode = sslmode or ("verify-full" if tls_root else "require" if tls_cert else "prefer")

    def ready(address: Address, port: int | None) -> None:
        where = advertised or address
        if register:
            store.register(where, sslmode=mode, root=tls_root, seconds=time_limit)
        if json:
            write_json({"listen": str(address), "monitor_port": port, "registered": register})
        else:
            print(f"serving {database.schema} on {address}")
            if options.monitor is not None:
                print(
                    f"health and metrics on http://{options.monitor.host}:{port}/health, /metrics"
                )
            if register:
                print(f"registered: the database asks {where} for what has left it")
            print("Ctrl-C stops it")
        sys.stdout.flush()

    run(store, options, ready=ready)


@serve_app.command
def unregister(*, database: Database, json: Json = False) -> None:
    """Let the database forget the server: reads of archived history are an error again."""
    from coldstream.cli.views.render import write_json

    found = _store(database).unregister()
    if json:
        write_json({"unregistered": found})
    else:
        print("unregistered" if found else "no server was registered")


@serve_app.command
def user(
    name: Annotated[str, Parameter(help="Whom it is for, as a role's name in PostgreSQL.")],
    /,
    *,
    database: Database,
    password_file: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            help="The password is its first line; without it one is made and printed.",
        ),
    ] = None,
    remove: Annotated[
        bool, Parameter(negative="", show_default=False, help="Let nobody of this name in.")
    ] = False,
    json: Json = False,
) -> None:
    """Let somebody query the archive in SQL, through any server of this store.

    The store keeps no password, only what proves it. Every server knows it within a second.
    """
    import secrets

    from coldstream.cli.views.render import write_json
    from coldstream.errors import InvalidInput
    from coldstream.serve.run import DATABASE_USER, file_of_password

    if not name.strip() or name == DATABASE_USER:
        raise InvalidInput(f"Not a name for a user: {name!r}")
    store = _store(database)
    if remove:
        store.set_user(name, None)
        if json:
            write_json({"user": name, "removed": True})
        else:
            print(f"{name} may no longer connect")
        return
    made = None if password_file else secrets.token_urlsafe(18)
    store.set_user(name, made or file_of_password(password_file or Path()))
    if json:
        write_json({"user": name} | ({"password": made} if made else {}))
    elif made:
        print(f"{name} may connect with the password {made}")
    else:
        print(f"{name} may connect with the password in {password_file}")


def _store(database: Database) -> Store:
    from coldstream.serve.run import Store

    tiers = database if isinstance(database, Tiers) else None
    return Store(
        database.dsn,
        database.schema,
        tiers.archive if tiers else None,
        tiers.archive_options if tiers else None,
    )
