"""Graph files: versioned, checksummed, gzip-compressed JSON, the same bytes for the same graph.

Knows nothing of importers; the checksum of the content is also a graph's identity in plans.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import secrets
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from chipzinc.errors import InputError
from chipzinc.graph.kinds import family
from chipzinc.graph.opgraph import Incidence, OpGraph, Profile

FORMAT = "chipzinc-graph"
VERSION = 1

_INT_COLUMNS = ("tensor_producer", "tensor_elements", "tensor_bits", "weight_elements", "weight_bits")
_ROW_COLUMNS = ("tensor_consumers", "weight_users")
_TEXT_COLUMNS = ("op_names", "op_kinds", "replicated")


def graph_sha256(graph: OpGraph) -> str:
    """Returns the graph's identity: the SHA-256, in hexadecimal, of all it holds."""
    return hashlib.sha256(_canonical(_content(graph))).hexdigest()


def save_graph(graph: OpGraph, path: Path | str) -> None:
    """Writes a graph file; one that is interrupted leaves what stood there before.

    Raises:
        InputError: the file cannot be written.
    """
    content = _content(graph)
    sha256 = hashlib.sha256(_canonical(content)).hexdigest()
    document = {"format": FORMAT, "version": VERSION, "sha256": sha256, "graph": content}
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0, compresslevel=9) as stream:
        stream.write(_canonical(document))
    write_atomically(Path(path), packed.getvalue())


def load_graph_file(path: Path | str) -> OpGraph:
    """Reads a graph file, gzip-compressed or plain.

    Raises:
        InputError: the file is missing, truncated, corrupt, of another version, or its graph is not valid.
    """
    return graph_of_document(read_json(Path(path)), Path(path))


def graph_of_document(document: Any, path: Path) -> OpGraph:
    """Builds the graph of a graph file that `read_json` has parsed; `path` is for messages.

    Raises:
        InputError: the document is corrupt, of another version, or its graph is not valid.
    """
    _check_header(document, path)
    content = document.get("graph")
    if not isinstance(content, dict):
        raise InputError("expected an object", file=path, field="graph")
    if hashlib.sha256(_canonical(content)).hexdigest() != document.get("sha256"):
        raise InputError("the checksum differs from the content: the file is damaged or was edited", file=path)
    try:
        return _graph(content)
    except InputError as error:
        raise InputError(error.message, file=path, field=error.field) from None


def is_graph_document(document: object) -> bool:
    """Tells whether parsed JSON says it is a graph file."""
    return isinstance(document, dict) and document.get("format") == FORMAT


def read_json(path: Path) -> Any:
    """Reads JSON, gzip-compressed or plain, and refuses NaN and infinities.

    Raises:
        InputError: the file cannot be read or is not JSON; names the line.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    except (EOFError, zlib.error, UnicodeDecodeError, gzip.BadGzipFile):
        raise InputError("is truncated or damaged", file=path) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=path) from None
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg}"
        raise InputError(message, file=path, line=error.lineno, column=error.colno) from None
    except (InputError, RecursionError) as error:
        raise InputError(getattr(error, "message", "is nested too deeply"), file=path) from None


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file that is there whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", file=path) from None
    finally:
        temporary.unlink(missing_ok=True)


def _refuse_constant(text: str) -> None:
    raise InputError(f"holds {text}; numbers must be finite")


def _check_header(document: Any, path: Path) -> None:
    if not is_graph_document(document):
        raise InputError(f"is no graph file; expected format {FORMAT!r}", file=path, field="format")
    if document.get("version") != VERSION:
        message = f"is {document.get('version')!r}; this chipzinc reads version {VERSION}"
        raise InputError(message, file=path, field="version")


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


def _numbers(values: np.ndarray[Any, Any]) -> list[int | float]:
    """Floats as JSON numbers, whole ones without a fraction."""
    return [int(value) if float(value).is_integer() else float(value) for value in values]


def _content(graph: OpGraph) -> dict[str, Any]:
    content: dict[str, Any] = {"name": graph.name, "source": graph.source}
    content |= {column: list(getattr(graph, column)) for column in _TEXT_COLUMNS}
    content |= {column: getattr(graph, column).tolist() for column in _INT_COLUMNS}
    for column in _ROW_COLUMNS:
        rows: Incidence = getattr(graph, column)
        content[column] = {"lengths": np.diff(rows.starts).tolist(), "ids": rows.ids.tolist()}
    content["op_flops"] = _numbers(graph.op_flops)
    content["op_free"] = np.flatnonzero(graph.op_free).tolist()
    if graph.profile is not None:
        content["profile"] = _profile_content(graph.profile)
    return content


def _profile_content(profile: Profile) -> dict[str, Any]:
    return {
        "op_time_us": {name: _numbers(times) for name, times in profile.op_time_us.items()},
        "op_transfer_us": _numbers(profile.op_transfer_us),
        "op_supported": {name: np.flatnonzero(row).tolist() for name, row in profile.op_supported.items()},
        "op_backward": np.flatnonzero(profile.op_backward).tolist(),
        "op_colour": profile.op_colour.tolist(),
    }


def _graph(content: dict[str, Any]) -> OpGraph:
    names = _texts(content, "op_names")
    kinds = _texts(content, "op_kinds")
    for name, kind in zip(names, kinds, strict=False):
        try:
            family(kind)
        except InputError as error:
            raise InputError(f"op {name!r}: {error.message}", field="op_kinds") from None
    profile = content.get("profile")
    return OpGraph(
        name=_text(content, "name"),
        op_names=names,
        op_kinds=kinds,
        op_flops=_array(content, "op_flops", np.float64),
        op_free=_mask(content, "op_free", len(names)),
        **{column: _array(content, column, np.int64) for column in _INT_COLUMNS},
        tensor_consumers=_rows(content, "tensor_consumers"),
        weight_users=_rows(content, "weight_users"),
        replicated=_texts(content, "replicated"),
        source=_text(content, "source"),
        profile=None if profile is None else _profile(profile, len(names)),
    )


def _profile(content: Any, n_ops: int) -> Profile:
    if not isinstance(content, dict):
        raise InputError("expected an object", field="profile")
    times, supported = content.get("op_time_us"), content.get("op_supported")
    if not isinstance(times, dict) or not isinstance(supported, dict):
        raise InputError("expected op_time_us and op_supported by chip class", field="profile")
    return Profile(
        op_time_us={name: _array(times, name, np.float64) for name in times},
        op_transfer_us=_array(content, "op_transfer_us", np.float64),
        op_supported={name: _mask(supported, name, n_ops) for name in supported},
        op_backward=_mask(content, "op_backward", n_ops),
        op_colour=_array(content, "op_colour", np.int64),
    )


def _text(content: dict[str, Any], field: str) -> str:
    value = content.get(field)
    if not isinstance(value, str):
        raise InputError(f"expected text, is {value!r}", field=field)
    return value


def _texts(content: dict[str, Any], field: str) -> tuple[str, ...]:
    values = content.get(field)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise InputError("expected a list of texts", field=field)
    return tuple(values)


def _array(content: dict[str, Any], field: str, dtype: Any) -> Any:
    values = content.get(field)
    wanted = int if dtype is np.int64 else (int, float)
    if not isinstance(values, list) or not all(isinstance(v, wanted) and not isinstance(v, bool) for v in values):
        raise InputError(f"expected a list of {'whole ' if dtype is np.int64 else ''}numbers", field=field)
    try:
        return np.array(values, dtype=dtype)
    except OverflowError:
        raise InputError("holds a number that is too large", field=field) from None


def _mask(content: dict[str, Any], field: str, length: int) -> Any:
    """A column of truth values, stored as the positions that are true."""
    ids = _array(content, field, np.int64)
    if ((ids < 0) | (ids >= length)).any():
        raise InputError(f"expected positions from 0 to {length - 1}", field=field)
    mask = np.zeros(length, dtype=np.bool_)
    mask[ids] = True
    return mask


def _rows(content: dict[str, Any], field: str) -> Incidence:
    rows = content.get(field)
    if not isinstance(rows, dict):
        raise InputError("expected an object with lengths and ids", field=field)
    lengths = _array(rows, "lengths", np.int64)
    return Incidence(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), _array(rows, "ids", np.int64))
