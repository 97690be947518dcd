"""What a command was asked about: the model, the practices, and a team's own figures for them."""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import capitation as cap
from capitation.cli.console import listed, stage, tell
from capitation.cli.options import LABELS, LONGEST, first_of_month
from capitation.errors import InputError, Problem, nearest, raise_if_any

if TYPE_CHECKING:
    import xarray as xr

    from capitation.inputs.workbook import InputWorkbook


WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers")
"""Endings of workbooks, of which one kind is read: of the others it is told how to save them."""

ONE_POOL = "one pool"
"""What stands where a commissioner's code does, where all of them share a pool."""


@dataclass(frozen=True)
class Asked:
    """What a projection or a simulation is asked about.

    Attributes
    ----------
    model : Model
        From the month asked for, with the terms that were set.
    practices : xarray.Dataset
        Those asked for, with the figures of ``--inputs``.
    given : dict of str to xarray.DataArray or None
        The known values of ``--given``.
    months : int
    files : dict
        Name and sha256 of what was read: ``input``, ``inputs``, ``given``, ``practice_terms`` and
        ``hubs``.
    set : dict of str to float
        Terms that were set.
    known : list of str
        Codes of all practices of the payments file, asked for or not.
    preset : str or None
        Name of the preset that stands in every scenario.
    scenarios : list of str or None
        Those asked for; all of the model's if None.
    workbook : InputWorkbook or None
        The input workbook that stands in the model's place.
    """

    model: cap.Model
    practices: xr.Dataset
    given: dict[str, xr.DataArray] | None
    months: int
    files: dict[str, Any]
    set: dict[str, float]
    known: list[str]
    preset: str | None = None
    scenarios: list[str] | None = None
    workbook: InputWorkbook | None = None

    @property
    def first_scenario(self) -> str | None:
        """The first that an input workbook runs; None where the model's own first is meant."""
        return None if self.workbook is None else self.workbook.scenarios[0]

    def project(self, scenarios: Sequence[str] | None = None) -> xr.Dataset:
        """What was asked about, projected; or these scenarios of it."""
        asked_for = self.scenarios if scenarios is None else list(scenarios)
        with stage(f"Projecting {self.practices.sizes['practice']:,} practices"):
            result = cap.project(
                self.model, self.practices, asked_for, self.months, given=self.given
            )
        return result if self.workbook is None else self.workbook.told_with(result)


def is_workbook(name: str) -> bool:
    """Whether what stands in a model's place is the path of a workbook."""
    return Path(name).suffix.lower() in WORKBOOKS


def is_written(path: str) -> bool:
    """Whether a workbook is one that `run` wrote, which has a sheet with the run's record."""
    from capitation.sources.workbook_package import sheet_names

    return "Run record" in sheet_names(Path(path))


def _model(args: argparse.Namespace, workbook: InputWorkbook | None) -> cap.Model:
    """The model asked for, from the month asked for, with the terms that are set."""
    if Path(args.model).suffix.lower() == ".csv":
        mend = f"name a model too: capitation {args.command} MODEL --practices {args.model}"
        raise InputError(Problem(args.model, "is a file of practices, and no model", mend))
    if workbook is None:
        model = cap.load_model(args.model)
    else:
        # What is wrong with an option is told of the file that was given, not of the one behind it.
        model = replace(workbook.model, place=Path(args.model).name)
    start = first_of_month(args.start or "")
    model = replace(model, start=start) if start else model
    model = _with_preset(model, args.preset) if args.preset else model
    words = (word.partition("=") for word in args.set)
    changed = {name.strip(): value.strip() for name, _, value in words}
    return cap.with_terms(model, changed) if changed else model


def _with_preset(model: cap.Model, name: str) -> cap.Model:
    """The model with a preset, and a note on what of its scenarios gives way to it."""
    changed = cap.with_preset(model, name)
    gone = [
        scenario.title
        for key, scenario in model.scenarios.items()
        if len(changed.scenarios[key].terms) < len(scenario.terms)
    ]
    if gone:
        tell(f"note: {name} stands in place of what these scenarios say of it: {listed(gone)}")
    return changed


def asked_about(args: argparse.Namespace, labels: Mapping[str, str] | None = None) -> Asked:
    """Read what a command is asked about. Faults of several files are told together."""
    workbook = _workbook(args) if is_workbook(args.model) else None
    model = _model(args, workbook)
    everyone, practices = _practices(args, model, labels or {}, workbook)
    months = args.months or _months_to_cover(model, labels or {})
    known = everyone["practice"].values.tolist()
    files: dict[str, Any] = {"input": _file(everyone), "inputs": None, "given": None}
    files |= {"practice_terms": None, "hubs": None}
    problems: list[Problem] = []
    given = None
    if args.given is not None:
        try:
            given = _given(args.given, model, practices, months, known)
            first = next(iter(given.values()))
            files["given"] = _file(first) | {"names": list(given)}
        except InputError as error:
            problems += error.problems
    if args.inputs is not None:
        try:
            allowed = _inputs_of(model)
            others = {
                name: of.value
                for name, of in model.inputs.items()
                if of.for_some and of.value is not None
            }
            practices = cap.with_inputs(
                practices, args.inputs, allowed=allowed, known=known, others=others
            )
            if left_out := practices.attrs["inputs_left_out"]:
                tell(f"note: {args.inputs} has nothing on {left_out:,} practices of the run")
            files["inputs"] = _inputs_file(practices)
        except InputError as error:
            problems += error.problems
    if args.practice_terms is not None:
        try:
            model, files["practice_terms"] = _with_practice_terms(args, model, practices, known)
        except InputError as error:
            problems += error.problems
    if args.hubs is not None:
        try:
            practices, files["hubs"] = _in_hubs(practices, Path(args.hubs), known)
        except InputError as error:
            problems += error.problems
    if args.one_pool:
        try:
            practices = _in_one_pool(practices, args.one_pool)
        except InputError as error:
            problems += error.problems
    raise_if_any(problems)
    if given is not None:
        # What is read of a result names its files by this.
        of = f"{listed(given)} of {files['given']['source']}"
        practices = practices.assign_attrs(source=f"{practices.attrs['source']}, with {of}")
    names = (word.partition("=")[0].strip() for word in args.set)
    values = {name: model.terms[name].values[-1].value for name in names}
    scenarios = getattr(args, "scenario", None)
    if scenarios is None and workbook is not None:
        scenarios = list(workbook.scenarios)
    return Asked(
        model, practices, given, months, files, values, known, args.preset, scenarios, workbook
    )


def _workbook(args: argparse.Namespace) -> InputWorkbook:
    """The input workbook that stands where a model does."""
    if args.practices is not None:
        mend = "leave --practices out, or name a model in place of the workbook"
        raise InputError(Problem("--practices", f"{args.model} has practices of its own", mend))
    with stage(f"Reading {args.model}"):
        return cap.read_input_workbook(args.model)


def _file(read: xr.Dataset | xr.DataArray) -> dict[str, Any]:
    return {"source": read.attrs["source"], "sha256": read.attrs.get("sha256")}


def _inputs_file(practices: xr.Dataset) -> dict[str, Any]:
    file, variables = practices.attrs["inputs"], practices.data_vars
    names = [str(name) for name in variables if variables[name].attrs.get("source") == file]
    return {"source": file, "sha256": practices.attrs["inputs_sha256"], "names": names}


def labels_of(words: Iterable[str]) -> dict[str, str]:
    """Labels as they were written: key=value."""
    labels: dict[str, str] = {}
    problems = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            problems.append(Problem(word, "is not a label", "write it as practice=A81001"))
        elif key not in LABELS:
            problems.append(Problem(word, f"there is no label {key!r}", nearest(key, LABELS)))
        elif key in labels:
            problems.append(Problem(word, f"{key} is {labels[key]!r} already", "give it once"))
        labels.setdefault(key, value)
    raise_if_any(problems)
    return labels


def _months_to_cover(model: cap.Model, labels: Mapping[str, str]) -> int:
    """The model's months, or more: to the end of the fiscal year that is asked about."""
    from capitation.engine.calendar import fiscal_year, months_of

    try:
        month = f"{labels.get('month', '')}-01"
        year = labels.get("year") or fiscal_year(dt.date.fromisoformat(month))
        last = months_of(year)[-1]
    except ValueError:
        return model.months
    needed = (last.year - model.start.year) * 12 + last.month - model.start.month + 1
    return max(model.months, min(needed, LONGEST))


# Practices --------------------------------------------------------------------------------------


def _practices(
    args: argparse.Namespace,
    model: cap.Model,
    labels: Mapping[str, str],
    workbook: InputWorkbook | None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Every practice of the file, or of the example; and those of them that are asked for."""
    if workbook is not None:
        everyone, codes = workbook.practices, args.commissioner
    elif args.practices is None:
        everyone, codes = cap.example_practices(), args.commissioner
    else:
        everyone = cap.read_payments(args.practices, args.fiscal_year)
        codes = args.commissioner or _of_labels(everyone, labels) or _of_model(everyone, model)
    return everyone, cap.select_commissioners(everyone, codes) if codes else everyone


def _of_labels(everyone: xr.Dataset, labels: Mapping[str, str]) -> list[str]:
    """The commissioner of the practice that is asked about: no total reaches beyond it."""
    if "practice" not in labels:
        return [labels["commissioner_code"]] if "commissioner_code" in labels else []
    code, codes = labels["practice"], everyone["practice"].values.tolist()
    if code not in codes:
        file = str(everyone.attrs["source"])
        raise InputError(Problem(file, f"there is no practice {code!r}", nearest(code, codes)))
    return [str(everyone["commissioner"].sel(practice=code).item())]


def _of_model(everyone: xr.Dataset, model: cap.Model) -> list[str]:
    """The commissioners that the model names, and the file has."""
    file, present = str(everyone.attrs["source"]), set(everyone["commissioner"].values.tolist())
    found = [code for code in model.commissioners if code in present]
    absent = [code for code in model.commissioners if code not in present]
    if absent and not found:
        said = f"no practice of the commissioners that {model.name} names: {listed(absent)}"
        mend = f"choose others with --commissioner; {nearest(absent[0], present)}"
        raise InputError(Problem(file, said, mend))
    if absent:
        tell(f"note: {file} has no practice of {listed(absent)}, which {model.name} names")
    return found


# A team's own figures ---------------------------------------------------------------------------


def _inputs_of(model: cap.Model) -> set[str]:
    """Figures of a practice that some rule of the model reads, as a payments file names them."""
    from capitation.practices import FIGURES, FLAGS

    names = {leaf.name for leaf in model.graph().leaves.values() if leaf.kind == "input"}
    figures = {name for name in FIGURES if f"base_{name}" in names}
    of_contract = {f"base_{name}" for name in FIGURES} | {*FLAGS} - {"london_practice"}
    return (names - of_contract) | figures


def _in_hubs(
    practices: xr.Dataset, path: Path, known: Iterable[str]
) -> tuple[xr.Dataset, dict[str, Any]]:
    """The practices in their hubs, and the file that names these."""
    others = set(known) - set(practices["practice"].values.tolist())
    hubs = {code: hub for code, hub in cap.read_hubs(path).items() if code not in others}
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    source = f"{practices.attrs['source']}, in the hubs of {path.name}"
    joined = cap.in_hubs(practices, hubs).assign_attrs(source=source)
    return joined, {"source": path.name, "sha256": sha256}


def _in_one_pool(practices: xr.Dataset, agreed: list[str]) -> xr.Dataset:
    """The practices of commissioners that have all agreed to one pool."""
    pooled = cap.in_one_pool(practices, ONE_POOL, agreed)
    return pooled.assign_attrs(source=f"{practices.attrs['source']}, in one pool")


def _with_practice_terms(
    args: argparse.Namespace, model: cap.Model, practices: xr.Dataset, known: Iterable[str]
) -> tuple[cap.Model, dict[str, Any]]:
    """The model with the terms of single practices, and the file that has these."""
    path = Path(args.practice_terms)
    read = cap.read_practice_terms(path, practices, terms=model.terms, known=known)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    file = {"source": path.name, "sha256": sha256, "names": list(read)}
    return cap.with_practice_terms(model, read), file


def _given(
    path: str, model: cap.Model, practices: xr.Dataset, months: int, known: Iterable[str]
) -> dict[str, xr.DataArray]:
    from capitation.engine.calendar import months_from
    from capitation.engine.rule import Rule

    by_month = {
        name
        for name, node in model.graph().nodes.items()
        if isinstance(node.definition, Rule)
        and "month" in node.dims
        and {*node.dims} <= {"scenario", "practice", "month"}
    }
    wanted = months_from(model.start, months)
    return cap.read_given(path, practices, wanted, allowed=by_month, known=known)
