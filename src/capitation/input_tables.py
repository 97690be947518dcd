"""What TOML files ask of each practice: a model's own inputs, and those of the national files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from capitation.engine.shapes import bad_names, shape_problems
from capitation.engine.terms import read_number
from capitation.engine.units import Unit
from capitation.errors import Problem, nearest
from capitation.practices import PracticeInput

INPUT_KEYS = {
    **dict.fromkeys(("unit", "title", "source", "assumption"), "text"),
    **dict.fromkeys(("value", "least", "most", "for_some"), "any"),
}
"""Known keys and the kind of value of each: see `engine.shapes`."""


def read_inputs(
    tables: Mapping[str, Any], file: str, sources: Collection[str]
) -> tuple[dict[str, PracticeInput], list[Problem]]:
    """Read the ``[input.<name>]`` tables of a file.

    Parameters
    ----------
    tables : mapping of str to dict
        By name.
    file : str
        For messages.
    sources : collection of str
        Ids that an input may cite.

    Returns
    -------
    inputs : dict of str to PracticeInput
        Those in which nothing is wrong.
    problems : list of Problem

    Examples
    --------
    >>> tables = {"home_visits": {"unit": "1", "value": 2, "least": 3, "assumption": "Two"}}
    >>> inputs, problems = read_inputs(tables, "my.toml", ())
    >>> print(problems[0])
    my.toml, input.home_visits, value: 2 is less than the least, 3
    """
    inputs: dict[str, PracticeInput] = {}
    problems = bad_names(tables, f"{file}, input")
    for name, entry in tables.items():
        place = f"{file}, input.{name}"
        wrong = shape_problems(entry, INPUT_KEYS, place)
        if not wrong:
            reader = _InputReader(name, entry, place, sources)
            inputs[name] = reader.read()
            wrong = reader.problems
        if wrong:
            inputs.pop(name, None)
        problems += wrong
    return inputs, problems


class EntryReader:
    """Reads one table of a file, and collects every problem in it."""

    def __init__(self, name: str, entry: Mapping[str, Any], place: str, sources: Collection[str]):
        self.name = name
        self.entry = entry
        self.place = place
        self.sources = sources
        self.problems: list[Problem] = []

    def fault(self, found: str, mend: str = "", key: str = "") -> None:
        place = f"{self.place}, {key}" if key else self.place
        self.problems.append(Problem(place, found, mend))

    def number(self, key: str) -> float | None:
        """A number of the table, or None if it is not there or is none; told once."""
        try:
            return read_number(self.entry[key]) if key in self.entry else None
        except ValueError as error:
            told = Problem(f"{self.place}, {key}", str(error))
            if told not in self.problems:
                self.problems.append(told)
            return None

    def check_cited(self, source: str) -> None:
        """Check that a source that is cited is described."""
        if source and source not in self.sources:
            found = f"the source {source!r} is not described"
            self.fault(found, nearest(source, self.sources))


class _InputReader(EntryReader):
    def read(self) -> PracticeInput:
        entry, unit = self.entry, self.entry.get("unit", "?")
        source, assumption = entry.get("source", ""), entry.get("assumption", "")
        if "value" in entry and not (source.strip() or assumption.strip()):
            self.fault("a value with neither a source nor an assumption")
        self.check_cited(source)
        if entry.get("for_some", True) is not True or (
            "for_some" in entry and "value" not in entry
        ):
            self.fault("say for_some = true, beside a value for the others, or leave it out")
        try:
            Unit.parse(unit)
        except ValueError as error:
            self.fault(str(error))
        given = PracticeInput(
            name=self.name,
            unit=unit,
            title=entry.get("title", self.name.replace("_", " ")),
            value=self.number("value"),
            source=source,
            assumption=assumption,
            least=self.number("least"),
            most=self.number("most"),
            for_some=self.entry.get("for_some", False) is True,
        )
        self.check_range(given)
        return given

    def check_range(self, given: PracticeInput) -> None:
        """Check that there is something between least and most, and that the value is there."""
        value, least, most = given.value, given.least, given.most
        if least is not None and most is not None and least > most:
            self.fault(f"{least:g} is more than the most, {most:g}", key="least")
        elif value is not None and least is not None and value < least:
            self.fault(f"{value:g} is less than the least, {least:g}", key="value")
        elif value is not None and most is not None and value > most:
            self.fault(f"{value:g} is more than the most, {most:g}", key="value")
