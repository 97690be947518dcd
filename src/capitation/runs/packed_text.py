"""A result's plain data as texts that cells of a spreadsheet hold, and back.

They are JSON, not compressed: a workbook is compressed as a whole, and compressing here would give
other bytes on another machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from capitation.errors import InputError, Problem

FORMAT = 1
"""Number of the form in which a record is written."""

LONGEST = 31_000
"""Characters of one text: a cell of a spreadsheet holds 32,767."""

_HEAD = re.compile(r"capitation run record (\d+): (\d+) texts, SHA-256 ([0-9a-f]{64})")
_DAMAGED = "write the workbook again: a record is not to be edited"
_NO_BEGINNING = " =+-@'"
_KINDS = {"f": "float64", "i": "int64", "b": "bool", "M": "datetime64[ns]"}


def texts_of(data: Mapping[str, Any]) -> list[str]:
    """Plain data as texts: a heading with the SHA-256 of the others, and JSON in pieces.

    Examples
    --------
    >>> texts_of({"a": 1})
    ['capitation run record 1: 1 texts, SHA-256 015abd7f...', '{"a":1}']
    """
    written = _as_json(data)
    pieces = list(_cut(written))
    digest = hashlib.sha256(written.encode()).hexdigest()
    return [f"capitation run record {FORMAT}: {len(pieces)} texts, SHA-256 {digest}", *pieces]


def data_of(texts: Iterable[str], where: str) -> dict[str, Any]:
    """The plain data that texts hold.

    Parameters
    ----------
    texts : iterable of str
        From `texts_of`.
    where : str
        Where they were found, for messages.

    Raises
    ------
    InputError
        If they are no record, one of another form, or damaged.
    """
    head, *pieces = list(texts) or [""]
    found = _HEAD.fullmatch(head)
    if not found:
        raise InputError(Problem(where, "there is no record of a run", _DAMAGED))
    if int(found[1]) != FORMAT:
        said = f"the record has form {found[1]}, and this version of capitation reads {FORMAT}"
        raise InputError(Problem(where, said, "use the version that the cover names"))
    written = "".join(pieces)
    if len(pieces) != int(found[2]):
        said = f"the record has {len(pieces)} of its {found[2]} texts"
        raise InputError(Problem(where, said, _DAMAGED))
    if hashlib.sha256(written.encode()).hexdigest() != found[3]:
        raise InputError(Problem(where, "the record of the run is damaged", _DAMAGED))
    data: dict[str, Any] = json.loads(written)
    return data


def _as_json(data: Any) -> str:
    """JSON in ASCII that spreadsheets leave as it is.

    They take ``_x0041_`` in a file for a letter, so nothing like it may stand there.
    """
    written = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return re.sub("_([xX])", r"\\u005f\1", written)


def _cut(written: str) -> Iterator[str]:
    """Pieces of a text, none of which begins or ends with a space, or looks like a formula."""
    start = 0
    while start < len(written):
        furthest = end = start + LONGEST
        while start < end < len(written) and _splits_badly(written, end):
            end -= 1
        end = end if end > start else furthest
        yield written[start:end]
        start = end


def _splits_badly(written: str, at: int) -> bool:
    return written[at - 1] == " " or written[at] in _NO_BEGINNING


def plain(array: xr.DataArray) -> dict[str, Any]:
    """A variable as plain data: name, dimensions, attributes, kind of values, and values.

    Examples
    --------
    >>> plain(xr.DataArray([0.5], dims="month", name="share", attrs={"units": "1"}))
    {'name': 'share', 'dims': ['month'], 'attrs': {'units': '1'},
     'dtype': 'float64', 'values': [0.5]}
    """
    values = array.values
    dated = values.dtype.kind == "M"
    return {
        "name": str(array.name),
        "dims": [str(dim) for dim in array.dims],
        "attrs": plain_attributes(array.attrs),
        "dtype": _KINDS.get(values.dtype.kind, "str"),
        "values": (values.astype("datetime64[D]").astype(str) if dated else values).tolist(),
    }


def plain_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Attributes with plain numbers in place of NumPy's."""
    return {
        str(name): value.item() if isinstance(value, np.generic) else value
        for name, value in attributes.items()
    }


def variable_of(entry: Mapping[str, Any]) -> xr.Variable:
    """The variable that plain data describe."""
    values = np.array(entry["values"], dtype=entry["dtype"])
    return xr.Variable(tuple(entry["dims"]), values, entry["attrs"])
