"""Reads a Dockerfile, and does what it says in a folder. No container engine is needed."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """An instruction, such as `RUN`, and what follows it."""

    name: str
    text: str


def parse(dockerfile: Path) -> list[Instruction]:
    """All instructions, with continuation lines joined."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    words = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [Instruction(name, text.strip()) for name, _, text in words]


def ignored(dockerignore: Path, path: str) -> bool:
    """Whether a path is left out of the build context. The last pattern that matches it decides."""
    result = False
    for line in dockerignore.read_text().splitlines():
        pattern = line.removeprefix("!").strip("/")
        if not line or line.startswith("#"):
            continue
        parts = path.split("/")
        parents = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        candidates = [*parents, *parts] if pattern.startswith("**/") else parents
        if any(fnmatch(each, pattern.removeprefix("**/")) for each in candidates):
            result = not line.startswith("!")
    return result


class Build:
    """A build whose absolute paths are in a folder, which all stages share."""

    def __init__(self, context: Path, folder: Path, moved: tuple[str, ...], path: str) -> None:
        self.context = context
        self.folder = folder
        self.env = {"PATH": path, "HOME": str(folder)}
        self.directory = folder
        self.command: list[str] = []
        self.health_command: list[str] = []
        # The home of the build is empty, but what was downloaded before need not be downloaded again.
        self._caches = {
            "PIP_CACHE_DIR": str(Path.home() / ".cache" / "pip"),
            "npm_config_cache": str(Path.home() / ".npm"),
            "npm_config_prefer_offline": "true",
        }
        self._moved = re.compile(rf"(?<![\w.])({'|'.join(moved)})(?=[/\s\":]|$)")
        self._path = path
        self._stages: set[str] = set()

    def place(self, text: str) -> str:
        """The text with the paths of the image in the folder."""
        return self._moved.sub(rf"{self.folder}\1", text)

    def run(self, instructions: list[Instruction]) -> None:
        """Do everything that a build does. Raises AssertionError if a command fails."""
        for name, text in instructions:
            text = text.replace("10001", str(os.getuid()))
            getattr(self, f"_{name.lower()}")(text)

    def _from(self, text: str) -> None:
        _image, _, stage = text.partition(" AS ")
        self._stages.add(stage)
        self.directory = self.folder

    def _workdir(self, text: str) -> None:
        self.directory = Path(self.place(text))
        self.directory.mkdir(parents=True, exist_ok=True)

    def _run(self, text: str) -> None:
        done = subprocess.run(
            ["sh", "-c", self.place(text)],
            cwd=self.directory,
            env=self._caches | os.environ | self.env,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"RUN {text}\n{done.stdout}\n{done.stderr}"

    def _copy(self, text: str) -> None:
        words = shlex.split(text)
        if words[0].startswith("--from="):
            assert words.pop(0).removeprefix("--from=") in self._stages
            source, target = (self.directory / self.place(word) for word in words)
            assert source.is_dir(), text
            if source.resolve() != target.resolve():
                shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
            return
        *sources, target_word = words
        target = self.directory / self.place(target_word)
        for source_word in sources:
            for path in self._context_files(source_word):
                part = path.relative_to(source_word) if source_word.endswith("/") else Path(path).name
                copy = target / part
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.context / path, copy)

    def _context_files(self, word: str) -> Iterator[Path]:
        source = self.context / word
        files = source.rglob("*") if source.is_dir() else [source]
        found = [path.relative_to(self.context) for path in files if path.is_file()]
        kept = [path for path in found if not ignored(self.context / ".dockerignore", str(path))]
        assert kept, f"COPY {word}: the build context has no such file"
        yield from kept

    def _env(self, text: str) -> None:
        for word in shlex.split(text):
            name, _, value = word.partition("=")
            self.env[name] = self.place(value)

    def _user(self, text: str) -> None:
        assert re.fullmatch(r"\d+:\d+", text), "a name would have to exist in the image"

    def _volume(self, text: str) -> None:
        assert Path(self.place(text)).is_dir()

    def _expose(self, text: str) -> None:
        assert text.isdecimal()

    def _stopsignal(self, text: str) -> None:
        assert text == "SIGTERM"

    def _healthcheck(self, text: str) -> None:
        options, _, command = text.partition("CMD ")
        assert all(re.fullmatch(r"--[a-z-]+=\d+s?", option) for option in options.split())
        self.health_command = json.loads(command)

    def _cmd(self, text: str) -> None:
        self.command = json.loads(text)
