"""Put a native MiniZinc with Gecode and Chuffed into the user's cache, without root and without touching the system.

The packages are Debian's (suite trixie), fetched through the machine's own apt configuration, unpacked into a
private prefix and run with their own loader and libraries. Prints the path to use as CHIPZINC_MINIZINC.
This script must not know anything of the toolkit: it is a tool of the benchmarks.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import platformdirs

SUITE = "trixie"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

#: What the two executables load, named one by one: the package that holds Gecode's driver library also holds its
#: graphical search tool and asks for all of Qt and Mesa, which a solver run never opens.
PACKAGES = (
    "minizinc",
    "chuffed-flatzinc",
    "libgecode49t64",
    "libgecodegist49t64",
    "libmpfr6",
    "libgmp10",
    "coinor-libcbc3.1",
    "coinor-libcgl1",
    "coinor-libclp1",
    "coinor-libosi1v5",
    "coinor-libcoinutils3v5",
    "libblas3",
    "liblapack3",
    "libgfortran5",
    "libmurmurhash2",
    "libbz2-1.0",
    "zlib1g",
    "libstdc++6",
    "libgcc-s1",
    "libc6",
)
EXECUTABLES = ("minizinc", "fzn-chuffed")

#: This build of MiniZinc has Gecode in it but does not list it, since Debian's own configuration file belongs to a
#: separate executable. A configuration with the id of the built-in one makes it a solver like any other.
GECODE = {
    "id": "org.minizinc.gecode_presolver",
    "name": "Gecode",
    "mznlib": "../gecode_presolver",
    "tags": ["cp", "float", "set", "gecode", "gecode_presolver"],
    "stdFlags": ["-a", "-n", "-p"],
    "supportsFzn": True,
    "supportsMzn": False,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Install unless it is there already, check that both solvers answer, print the driver's path."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", type=Path, default=default_prefix(), help="where to unpack (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="unpack anew even if the prefix exists")
    arguments = parser.parse_args(argv)
    prefix: Path = arguments.prefix.expanduser().resolve()
    missing = [tool for tool in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(tool) is None]
    if missing:
        print(f"native_toolchain: this machine has no {', '.join(missing)}; a Debian system is needed", file=sys.stderr)
        return 2
    try:
        if arguments.force or not (prefix / "bin" / "minizinc").exists():
            install(prefix)
        print(check(prefix), file=sys.stderr)
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", None) or error
        print(f"native_toolchain: {str(words).strip().splitlines()[-1]}", file=sys.stderr)
        return 3
    print(prefix / "bin" / "minizinc")
    return 0


def default_prefix() -> Path:
    """Return the prefix in the user's cache; one for each suite, so that a newer one does not overwrite it."""
    return Path(platformdirs.user_cache_dir("chipzinc")) / f"native-{SUITE}"


def install(prefix: Path) -> None:
    """Fetch, unpack and wrap the packages beside ``prefix``, then move the result into place in one step."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{prefix.name}-", dir=prefix.parent))
    try:
        with tempfile.TemporaryDirectory(prefix="chipzinc-apt-") as scratch:
            packages = download(Path(scratch))
            for package in packages:
                run("dpkg-deb", "--extract", package, staging / "root")
            gecode = next(package for package in packages if package.name.startswith("libgecode49t64_"))
            version = run("dpkg-deb", "--field", gecode, "Version").strip().split("-")[0]
        config = staging / "root" / "usr" / "share" / "minizinc" / "solvers" / "gecode.msc"
        config.write_text(json.dumps({**GECODE, "version": version}))
        write_wrappers(staging / "root", staging / "bin", prefix)
        if prefix.exists():
            shutil.rmtree(prefix)
        staging.chmod(0o755)
        staging.rename(prefix)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def download(scratch: Path) -> list[Path]:
    """Return the .deb files of PACKAGES, fetched by apt with a private state, so that no system file changes."""
    for folder in ("state/lists/partial", "cache/archives/partial", "debs"):
        (scratch / folder).mkdir(parents=True)
    (scratch / "state/status").touch()
    (scratch / "debian.sources").write_text(sources())
    options = {
        "Dir::State": scratch / "state",
        "Dir::State::status": scratch / "state/status",
        "Dir::Cache": scratch / "cache",
        "Dir::Etc::sourcelist": scratch / "debian.sources",
        "Dir::Etc::sourceparts": "-",
        # The sandbox user could not read a folder that belongs to whoever runs this.
        "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
    }
    apt = ["apt-get", "--quiet", *(text for key, value in options.items() for text in ("-o", f"{key}={value}"))]
    run(*apt, "update")
    run(*apt, "download", *PACKAGES, cwd=scratch / "debs")
    return sorted((scratch / "debs").glob("*.deb"))


def sources() -> str:
    """Return a deb822 source for SUITE on the mirror that this machine already uses for Debian's main archive."""
    for uri, signed_by in configured_archives():
        if uri.rstrip("/").rsplit("/", 1)[-1] == "debian":
            key = signed_by or (str(KEYRING) if KEYRING.exists() else "")
            lines = ["Types: deb", f"URIs: {uri}", f"Suites: {SUITE}", "Components: main"]
            return "\n".join([*lines, *([f"Signed-By: {key}"] if key else [])]) + "\n"
    raise RuntimeError("apt's configuration names no Debian archive to take packages from")


def configured_archives(etc: Path = Path("/etc/apt")) -> Iterator[tuple[str, str]]:
    """Yield (uri, keyring) of every binary source in apt's configuration, in both of its file formats."""
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(\S.*)$", stanza, flags=re.MULTILINE))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes").lower() != "no":
                for uri in fields.get("URIs", "").split():
                    yield uri, fields.get("Signed-By", "")
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if path.exists():
            pattern = r"^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)"
            for bracket, uri in re.findall(pattern, path.read_text(), flags=re.MULTILINE):
                signed_by = re.search(r"signed-by=(\S+)", bracket)
                yield uri, signed_by.group(1) if signed_by else ""


def write_wrappers(root: Path, bin_folder: Path, prefix: Path) -> None:
    """Write scripts that start the unpacked programs with the unpacked loader, for use once moved to ``prefix``."""
    loader = next(iter(sorted(root.glob("usr/lib*/ld-linux-*.so.*")) + sorted(root.glob("usr/lib/*/ld-linux-*.so.*"))))
    library_folders = sorted({path.parent for path in root.glob("usr/lib/**/*.so*") if path.is_file()})
    final = prefix / "root"
    libraries = ":".join(str(final / folder.relative_to(root)) for folder in library_folders)
    bin_folder.mkdir()
    for name in EXECUTABLES:
        wrapper = bin_folder / name
        wrapper.write_text(
            "#!/bin/sh\n"
            # The driver looks for its library beside /proc/self/exe, which is the loader here.
            f'export MZN_STDLIB_DIR="{final}/usr/share/minizinc"\n'
            f'exec "{final / loader.relative_to(root)}" --library-path "{libraries}" "{final}/usr/bin/{name}" "$@"\n'
        )
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    for config in root.glob("usr/share/minizinc/solvers/*.msc"):
        text = config.read_text()
        for name in EXECUTABLES:
            text = re.sub(rf'"[^"]*/bin/{name}"', f'"{prefix / "bin" / name}"', text)
        config.write_text(text)


def check(prefix: Path) -> str:
    """Solve one small model with each solver; return the versions, raise RuntimeError if one does not answer."""
    driver = str(prefix / "bin" / "minizinc")
    model = "var 1..3: x; constraint x > 2; solve satisfy;"
    for solver in ("gecode", "chuffed"):
        answer = run(driver, "--solver", solver, "--input-from-stdin", stdin=model)
        if "x = 3;" not in answer:
            raise RuntimeError(f"{solver} gave no solution: {answer.strip()!r}")
    version = run(driver, "--version").splitlines()[0]
    solvers = re.findall(r"^\s+(\S+ \S+) \(org\.", run(driver, "--solvers"), flags=re.MULTILINE)
    return f"{version}; solvers: {', '.join(solvers)}"


def run(*command: str | Path, cwd: Path | None = None, stdin: str | None = None) -> str:
    """Run a command to its end and return what it printed; a failure raises with the last words of its stderr."""
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
