"""A repository and a site with a pretended environment, so that the front door's decisions can be seen in no time."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]

# Tells how it was called, as the environment's Python would be, and ends with a code of its own.
PRETENDED_PYTHON = """\
#!/bin/sh
echo "site=$OBVERSE_SITE"
for word in "$@"; do echo "word=$word"; done
exit 7
"""


@dataclass(frozen=True)
class Door:
    """A folder with a build.py in it."""

    folder: Path

    @property
    def module(self) -> ModuleType:
        """Its build.py, imported anew."""
        spec = importlib.util.spec_from_file_location("front_door_under_test", self.folder / "build.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def pretend_venv(self) -> Path:
        python = self.folder / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(PRETENDED_PYTHON)
        python.chmod(0o755)
        return python

    def stamp(self, lock: str = "requirements.lock") -> None:
        (self.folder / ".venv" / "obverse.stamp").write_text("\n".join(self.module.wanted(lock)) + "\n")

    def call(self, *words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        place = cwd or self.folder
        command, environ = self.command(*words), self.environ(**env)
        return subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, timeout=60)

    def command(self, *words: str) -> list[str]:
        # -S: whether the Python that runs these tests has Obverse is not the matter here.
        return [sys.executable, "-S", str(self.folder / "build.py"), *words]

    def environ(self, **more: str) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name not in {"OBVERSE_SITE", "PYTHONPATH"}} | more


def without_libraries() -> list[str]:
    """`sys.path` with the standard library only: the Python that runs these tests may have Obverse."""
    return [path for path in sys.path if not path.endswith(("site-packages", "dist-packages"))]


def repository(folder: Path) -> Door:
    """Obverse's own repository, as far as the front door looks at it."""
    (folder / "obverse").mkdir(parents=True)
    (folder / "obverse" / "__init__.py").write_text("")
    (folder / "requirements.lock").write_text("one==1\n")
    (folder / "requirements-test.lock").write_text("one==1\ntwo==2\n")
    return site(folder)


def site(folder: Path) -> Door:
    """A site made by `obverse new site`: a build.py and no engine beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "build.py").write_bytes((ROOT / "build.py").read_bytes())
    return Door(folder)
