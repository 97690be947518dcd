"""What is known of a practice: figures of a payments file, and what follows from its contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capitation.errors import Problem, listed, nearest, raise_if_any

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

FIGURES = {
    "registered_list": ("patient", "Registered list"),
    "weighted_list": ("patient", "Weighted list"),
    "global_sum": ("GBP/year", "Global sum"),
    "correction_factor": ("GBP/year", "Correction factor (minimum practice income guarantee)"),
    "pms_expenditure": ("GBP/year", "Balance of PMS expenditure"),
    "seniority": ("GBP/year", "Seniority"),
    "qof": ("GBP/year", "Quality and Outcomes Framework"),
    "premises": ("GBP/year", "Premises"),
    "local_schemes": ("GBP/year", "Local enhanced services and incentive schemes"),
    "other_payments": ("GBP/year", "Other payments"),
    "total_payments": ("GBP/year", "Total NHS payments to general practice"),
}
"""Unit and title of each figure of a base year. A rule reads it as ``base_<name>``."""

LISTS = ("registered_list", "weighted_list")

CONTRACTS = ("GMS", "PMS", "APMS", "UNKNOWN")
"""Contract types, in any case. What a file does not name is taken for PMS, and said so."""

FLAGS = {
    "gms_contract": "Holds a GMS contract",
    "pms_contract": "Holds a PMS contract, or one the file does not name",
    "apms_contract": "Holds an APMS contract",
    "london_practice": "Is a London practice",
}
"""Yes (1) or no (0) for each practice."""


@dataclass(frozen=True)
class PracticeInput:
    """A figure that a model asks of each practice, beyond those of the payments file.

    Attributes
    ----------
    name, unit, title : str
    value : float or None
        What stands where the practices' data do not have it; None if they must.
    source, assumption : str
        Of that value.
    least, most : float or None
        Between which every practice's value must lie.
    for_some : bool
        A file may give it for some practices only; the others have `value`.
    """

    name: str
    unit: str
    title: str = ""
    value: float | None = None
    source: str = ""
    assumption: str = ""
    least: float | None = None
    most: float | None = None
    for_some: bool = False


def contract_types(practices: xr.Dataset) -> list[str]:
    """Contract type of each practice, in capitals; a blank is UNKNOWN."""
    types = practices["contract_type"].values.astype(str).tolist()
    return [text.strip().upper() or "UNKNOWN" for text in types]


def contract_flags(practices: xr.Dataset) -> dict[str, np.ndarray]:
    """Flags that follow from the contract type, as 0 and 1, by practice."""
    import numpy as np

    types = contract_types(practices)
    flags = {"gms_contract": ("GMS",), "pms_contract": ("PMS", "UNKNOWN")}
    flags["apms_contract"] = ("APMS",)
    return {name: np.array([float(t in of) for t in types]) for name, of in flags.items()}


def check_practices(practices: xr.Dataset) -> None:
    """Refuse practices' data that no projection should start from.

    Raises
    ------
    InputError
        For a missing dimension, coordinate or year; a practice code that stands twice; a number
        that is missing, not finite, or a list that is negative. All at once.
    """
    raise_if_any(_structural_problems(practices))
    wrong = [*_repeated_codes(practices), *_bad_contracts(practices), *_bad_numbers(practices)]
    raise_if_any(wrong)


def place_of(practices: xr.Dataset) -> str:
    """How messages name practices' data: by their file, if they came from one."""
    return str(practices.attrs.get("source", "practices"))


def _structural_problems(practices: xr.Dataset) -> Iterator[Problem]:
    if not hasattr(practices, "data_vars"):
        found = f"found {type(practices).__name__}"
        yield Problem("practices", found, "give a Dataset, as read_payments(path) makes it")
        return
    place = place_of(practices)
    if "practice" not in practices.dims or "practice" not in practices.coords:
        yield Problem(place, "there is no dimension 'practice' with the practices' codes")
        return
    for coordinate in ("commissioner", "contract_type"):
        if coordinate not in practices.coords:
            mend = f"add {coordinate!r} along 'practice'"
            yield Problem(place, f"there is no coordinate {coordinate!r}", mend)
    if "fiscal_year" not in practices.attrs:
        mend = "set practices.attrs['fiscal_year'] = '2014/15'"
        yield Problem(place, "the year of the figures is not stated", mend)
    if practices.sizes["practice"] == 0:
        yield Problem(place, "there are no practices")


def _repeated_codes(practices: xr.Dataset) -> Iterator[Problem]:
    counts = Counter(practices["practice"].values.astype(str).tolist())
    for code in (code for code, count in counts.items() if count > 1):
        yield Problem(place_of(practices), f"practice {code} stands more than once", "keep one row")


def _bad_contracts(practices: xr.Dataset) -> Iterator[Problem]:
    codes = practices["practice"].values
    for code, contract in zip(codes, contract_types(practices), strict=True):
        if contract not in CONTRACTS:
            where = f"{place_of(practices)}, practice {code}"
            yield Problem(where, f"contract type {contract!r}", nearest(contract, CONTRACTS))


def _bad_numbers(practices: xr.Dataset) -> Iterator[Problem]:
    import numpy as np

    for name, variable in practices.data_vars.items():
        if name in FIGURES and variable.dtype.kind not in "fiub":
            yield from _texts(practices, str(name))
        if variable.dtype.kind not in "fiub":
            continue
        values = variable.values.astype(float)
        faults = [(~np.isfinite(values), "is not a number", "a figure is wanted, or zero")]
        if name in LISTS:
            faults.append((values < 0, "is negative", "a list is zero or more"))
        for wrong, found, mend in faults:
            for at in np.argwhere(wrong)[:20]:
                code = practices["practice"].values[at[variable.dims.index("practice")]]
                where = f"{place_of(practices)}, practice {code}"
                yield Problem(where, f"{name} {found}, found {values[tuple(at)]}", mend)


def _texts(practices: xr.Dataset, name: str) -> Iterator[Problem]:
    """Figures that came as text and cannot be read as numbers."""
    codes = practices["practice"].values
    for code, value in zip(codes, practices[name].values.tolist(), strict=True):
        try:
            float(value)
        except (TypeError, ValueError):
            where = f"{place_of(practices)}, practice {code}"
            yield Problem(where, f"{name} is not a number, found {value!r}")


def select_commissioners(practices: xr.Dataset, codes: list[str]) -> xr.Dataset:
    """Keep the practices of the commissioners named.

    Raises
    ------
    InputError
        For each code that no practice has.
    """
    present = practices["commissioner"].values.astype(str).tolist()
    known = set(present)
    raise_if_any(
        Problem(place_of(practices), f"no practice of commissioner {code!r}", nearest(code, known))
        for code in codes
        if code not in known
    )
    return practices.isel(practice=[i for i, code in enumerate(present) if code in codes])


def in_hubs(practices: xr.Dataset, hubs: Mapping[str, str]) -> xr.Dataset:
    """Put practices together in hubs, each of which stands where a commissioner does.

    What a model adds up over a commissioner's practices, it then adds up over a hub's: admissions
    that are measured together, a budget, a pool. A hub is a part of one commissioner.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``.
    hubs : mapping of str to str
        Name of the hub of each practice, by the practice's code.

    Returns
    -------
    xarray.Dataset
        The same practices, with the coordinate ``commissioner`` naming the hub.

    Raises
    ------
    InputError
        For a practice without a hub, a code that no practice has, and a hub of two commissioners.

    Examples
    --------
    >>> from capitation import example_practices
    >>> two = example_practices().isel(practice=slice(0, 2))
    >>> in_hubs(two, {"EX001": "North", "EX002": "North"})["commissioner"].values.tolist()
    ['North', 'North']
    """
    codes = practices["practice"].values.astype(str).tolist()
    areas = practices["commissioner"].values.astype(str).tolist()
    place = place_of(practices)
    known = set(codes)
    absent = [code for code in codes if not hubs.get(code, "").strip()]
    others = [code for code in hubs if code not in known]
    problems = []
    if absent:
        found, mend = f"no hub of {counted(absent)}", "name the hub of every practice"
        problems.append(Problem("hubs", found, mend))
    if others:
        mend = nearest(others[0], codes) if len(others) == 1 else "delete their rows"
        problems.append(Problem("hubs", f"there is no {counted(others)} in {place}", mend))
    area_of: dict[str, str] = {}
    for code, area in zip(codes, areas, strict=True):
        hub = hubs.get(code, "")
        if hub and area_of.setdefault(hub, area) != area:
            found = f"hub {hub!r} has practices of {area_of[hub]} and of {area}"
            problems.append(
                Problem(f"hubs, practice {code}", found, "a hub is of one commissioner")
            )
    raise_if_any(problems)
    return practices.assign_coords(commissioner=("practice", [hubs[code] for code in codes]))


def counted(codes: Sequence[str]) -> str:
    """How many practices there are, and which are the first.

    Examples
    --------
    >>> counted(["A99001"]), counted(["A99001", "A99002"])
    ('practice A99001', '2 practices (A99001, A99002)')
    """
    if len(codes) == 1:
        return f"practice {codes[0]}"
    return f"{len(codes):,} practices ({listed(codes)})"


def in_one_pool(practices: xr.Dataset, name: str, agreed: Collection[str]) -> xr.Dataset:
    """Put the practices of several commissioners under one pool, if all of these agree to it.

    Released PMS premium stays in the CCG's own area unless every CCG involved agrees otherwise.
    Then what a model adds up over a commissioner's practices, it adds up over them all.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``.
    name : str
        Of the pool: it stands where a commissioner's code does.
    agreed : collection of str
        Codes of the commissioners that have agreed.

    Returns
    -------
    xarray.Dataset
        The same practices, with the coordinate ``commissioner`` naming the pool, and
        ``own_commissioner`` with the code of each practice's own.

    Raises
    ------
    InputError
        For a pool without a name, a commissioner that has not agreed, and a code that no practice
        has. All at once.

    Source
    ------
    NHS England's framework of September 2014 for reviews of PMS contracts.

    Examples
    --------
    >>> from capitation import example_practices
    >>> pooled = in_one_pool(example_practices(), "All together", ["EXAMPLE"])
    >>> sorted(set(pooled["commissioner"].values.tolist()))
    ['All together']
    """
    areas = practices["commissioner"].values.astype(str).tolist()
    known = sorted(set(areas))
    problems = [] if name.strip() else [Problem("pool", "it has no name", "name the pool")]
    problems += [
        Problem(f"pool {name!r}", f"commissioner {code} has not agreed to it", "all have to agree")
        for code in known
        if code not in agreed
    ]
    problems += [
        Problem(
            f"pool {name!r}",
            f"no practice of commissioner {code!r} in {place_of(practices)}",
            nearest(code, known),
        )
        for code in agreed
        if code not in known
    ]
    raise_if_any(problems)
    return practices.assign_coords(
        commissioner=("practice", [name] * len(areas)), own_commissioner=("practice", areas)
    )
