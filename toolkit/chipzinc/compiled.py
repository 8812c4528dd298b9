"""`compiled` and `within`: functions of loops over arrays as machine code, by numba.

The code is kept in the user's cache, so that a machine compiles it once. Importing this takes half a second: whoever
does does so where it is used.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import numba.extending
import platformdirs

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Has numba compile a function when Python first calls it; other threads run while its code does.

    The function must not make arrays: references are not counted, which is up to four times as fast where tuples of
    arrays are passed on. Where nothing can be kept, each process compiles it anew.
    """
    config: Any = numba.config
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
    place, config.CACHE_DIR = config.CACHE_DIR, str(_kept(Path(function.__code__.co_filename).parent))
    try:
        return cast("_Function", numba.njit(cache=True, **options)(function))
    except RuntimeError:
        return cast("_Function", numba.njit(**options)(function))
    finally:
        config.CACHE_DIR = place


def within(function: _Function) -> _Function:
    """Lets compiled functions call a function, and be compiled with it; to Python it stays as it is."""
    known: _Function = numba.extending.register_jitable(function)
    return known


def is_kept(package: ModuleType) -> bool:
    """Whether the code of a package's functions was compiled before."""
    return any(file.exists() for folder in package.__path__ for file in _kept(Path(folder)).rglob("*.nbc"))


@cache
def _kept(folder: Path) -> Path:
    """Where the code of a folder's functions is kept: a place of its own for all that the code depends on.

    numba itself looks at the function's own file alone, and where that was touched it takes the code for old; so what
    lies in this place is what numba will take.
    """
    files = sorted(folder.glob("*.py"))
    made_by = (numba.__version__, sys.version, llvmlite.binding.get_host_cpu_name())
    told = [repr((made_by, [(str(file), file.stat().st_mtime_ns) for file in files])).encode()]
    sources = hashlib.sha256(b"".join(told + [file.read_bytes() for file in files]))
    return Path(platformdirs.user_cache_dir("chipzinc")) / f"compiled-{sources.hexdigest()[:12]}"
