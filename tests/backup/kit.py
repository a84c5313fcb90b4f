"""An installation with something in it, and its backups: on SQLite or PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostiary import config
from ostiary.backup import commands, drill, restore, take
from ostiary.config import Settings
from ostiary.vault.files import put_file
from tests import servers
from tests.house import EMBEDDED, House
from tests.keys import ROOT_KEY


def quiet(_line: str) -> None:
    pass


@dataclass
class Kit:
    """`settings` are the environment's, beyond home and root key."""

    folder: Path
    kind: str
    settings: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def to(self) -> Path:
        return self.folder / "backups"

    @property
    def keys_to(self) -> Path:
        return self.folder / "keys-backups"

    def load(self, **more: str) -> Settings:
        environ = {"OSTIARY_HOME": str(self.home), "OSTIARY_ROOT_KEY": ROOT_KEY, **self.settings, **more}
        return config.load(environ, offline=True)

    def take(self, **more: Any) -> take.Taken:
        return commands.backup(
            self.load(), self.to, self.keys_to, keep=more.pop("keep", 0), say=more.pop("say", quiet)
        )

    def fresh(self) -> dict[str, str]:
        """Empty databases for a copy, where they are PostgreSQL's: settings, and the owner's addresses."""
        if self.kind == "sqlite":
            return {}
        data, keys = servers.fresh_store("data"), servers.fresh_store("keys")
        self.made += [data, keys]
        return {"data": data, "keys": keys}

    def drill(self, **more: Any) -> drill.Verified:
        urls = self.fresh()
        given = {
            "backup": "", "keys_backup": "", "ledgers": (), "record": False, "say": quiet,
            "database_url": urls.get("data", ""), "keys_url": urls.get("keys", ""),
            "admin_url": administrator() if urls else "", "keys_admin_url": "",
        } | more  # fmt: skip
        settings = given.pop("settings", None) or self.load()
        return commands.drill(settings, self.to, self.keys_to, self.folder / "scratch", **given)

    def restore(self, name: str = "again", **more: Any) -> "tuple[Kit, restore.Restored]":
        """Restore into a fresh home beside this one; the installation there."""
        urls = self.fresh()
        settings = dict(self.settings)
        if urls:
            settings = {
                **settings, "OSTIARY_DATABASE_URL": urls["data"], "OSTIARY_KEYS_URL": urls["keys"],
                "OSTIARY_BACKUP_DATABASE_URL": servers.backup_url(urls["data"]), "OSTIARY_BACKUP_KEYS_URL": servers.backup_url(urls["keys"]),
            }  # fmt: skip
        other = Kit(self.folder / name, self.kind, settings)
        given = {
            "backup": "", "keys_backup": "", "ledgers": (), "checkpoints": (), "replace": False, "say": quiet,
            "admin_url": administrator() if urls else "", "keys_admin_url": "",
        } | more  # fmt: skip
        loaded = given.pop("loaded", None) or other.load()
        return other, commands.restore(loaded, self.to, self.keys_to, **given)


def administrator() -> str:
    return servers.administrator().render_as_string(hide_password=False)


@contextmanager
def kit(folder: Path, kind: str) -> Iterator[Kit]:
    made = Kit(folder, kind, dict(EMBEDDED))
    if kind == "postgresql":
        urls = made.fresh()
        made.settings = {
            "OSTIARY_DATABASE_URL": urls["data"], "OSTIARY_KEYS_URL": urls["keys"],
            "OSTIARY_BACKUP_DATABASE_URL": servers.backup_url(urls["data"]), "OSTIARY_BACKUP_KEYS_URL": servers.backup_url(urls["keys"]),
        }  # fmt: skip
    try:
        yield made
    finally:
        for url in made.made:
            servers.drop_postgresql(url)


def store_file(house: House, name: str, content: bytes, subject: str = "") -> None:
    """A sealed file of the tenant's."""
    gateway = house.gateway
    put_file(
        gateway.vault,
        gateway.blobs,
        house.tenant,
        name,
        [content],
        purpose="test",
        bytes_max=1 << 30,
        subject=subject,  # type: ignore[arg-type]
    )
