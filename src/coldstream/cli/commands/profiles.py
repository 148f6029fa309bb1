"""The stores that have a name."""

from __future__ import annotations

from coldstream.cli.app import OTHER, app
from coldstream.cli.options import Json


@app.command(group=OTHER)
def profiles(*, json: Json = False) -> None:
    """List the profiles that --profile takes, and where each store is, without passwords.

    They stand in ~/.config/coldstream/profiles.toml, or in the file that COLDSTREAM_CONFIG names:
    a [NAME], and below it dsn, schema, archive and archive-option, as the options are called.
    """
    from coldstream.cli.profiles import load_profiles, path_of_profiles
    from coldstream.cli.views.render import Column, render_table, write_json
    from coldstream.client.connect import in_words

    path = path_of_profiles()
    found = [
        {
            "profile": name,
            "database": in_words(each["dsn"]) if "dsn" in each else None,
            "schema": each.get("schema", "message_store"),
            "archive": each.get("archive"),
        }
        for name, each in load_profiles(path).items()
    ]
    if json:
        write_json(found)
        return
    columns = [Column(key, key) for key in ("profile", "database", "schema", "archive")]
    render_table(f"Profiles of {path}", columns, found)
