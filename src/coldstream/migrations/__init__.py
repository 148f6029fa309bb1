"""Install and upgrade a store in a schema of an existing database."""

from coldstream.migrations.install import Installed, Settings, install, plan_sql

__all__ = ["Installed", "Settings", "install", "plan_sql"]
