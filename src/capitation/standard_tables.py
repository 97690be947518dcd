"""Standards that a contract pays for: what each ``[standard.<key>]`` table of a model makes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from capitation.declared_rules import graded_rule, mandatory_rule, standard_payment_rule, weight_of
from capitation.engine.rule import Rule
from capitation.engine.shapes import bad_names, shape_problems
from capitation.engine.terms import GROUNDS, DatedValue, Term, format_number, read_number
from capitation.errors import Problem
from capitation.input_tables import EntryReader
from capitation.practices import PracticeInput

STANDARD_KEYS = {
    **dict.fromkeys(("title", "graded_by", *GROUNDS), "text"),
    **dict.fromkeys(("mandatory", "weight", "value"), "any"),
}
"""Known keys and the kind of value of each: see `engine.shapes`."""

OFFER = {"scheme_offer_of_year", "graded_standards_payment"}
"""Rules of a model that pays for its standards out of a year's offer."""


@dataclass
class Standards:
    """What the standards of a model make.

    Attributes
    ----------
    inputs : dict of str to PracticeInput
        ``<key>_standard``: how far a practice meets it, 0 to 1.
    terms : dict of str to Term
        ``weight_of_<key>``, for each graded standard.
    mandatory : list of str
        Names of what the mandatory standards are graded by.
    graded : dict of str to str
        By weight, the name of what a standard is graded by.
    graded_by : dict of str to str
        By key of a standard that a rule grades, the name of the rule.
    titles : dict of str to str
        By key of such a standard that is not mandatory, its title.
    """

    inputs: dict[str, PracticeInput] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    mandatory: list[str] = field(default_factory=list)
    graded: dict[str, str] = field(default_factory=dict)
    graded_by: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def rules(self, file: str, known: Collection[str] = ()) -> list[Rule]:
        """What the model's standards come to, as rules.

        Parameters
        ----------
        file : str
            For messages.
        known : collection of str
            Names of the model's other rules.

        Returns
        -------
        list of Rule
            Whether the mandatory standards are met, and how much of the graded ones is achieved;
            where the model pays for them out of a year's offer, also what each standard earns that
            a rule grades.
        """
        if not (self.mandatory or self.graded):
            return []
        place = f"{file}, standard"
        rules = [mandatory_rule(self.mandatory, place), graded_rule(self.graded, place)]
        if set(known) >= OFFER:
            rules += [
                standard_payment_rule(key, title, self.graded, f"{place}.{key}")
                for key, title in self.titles.items()
            ]
        return rules


def read_standards(
    tables: Mapping[str, Any], file: str, sources: Collection[str], start: dt.date
) -> tuple[Standards, list[Problem]]:
    """Read the ``[standard.<key>]`` tables of a model.

    Parameters
    ----------
    tables : mapping of str to dict
        By key.
    file : str
        For messages.
    sources : collection of str
        Ids that a standard may cite.
    start : datetime.date
        From when the weights hold.

    Returns
    -------
    standards : Standards
    problems : list of Problem

    Examples
    --------
    >>> tables = {"access": {"weight": 2, "value": 0.5, "assumption": "Half of it is met."}}
    >>> standards, problems = read_standards(tables, "my.toml", (), dt.date(2015, 4, 1))
    >>> standards.inputs["access_standard"].value, standards.terms["weight_of_access"].at(
    ...     dt.date(2016, 4, 1))
    (0.5, 2.0)
    """
    standards = Standards()
    problems = bad_names(tables, f"{file}, standard")
    for key, entry in tables.items():
        place = f"{file}, standard.{key}"
        wrong = shape_problems(entry, STANDARD_KEYS, place)
        if not wrong:
            reader = _StandardReader(key, entry, place, sources)
            reader.check()
            wrong = reader.problems
        if not wrong:
            reader.add_to(standards, start)
        problems += wrong
    return standards, problems


class _StandardReader(EntryReader):
    def check(self) -> None:
        entry = self.entry
        if not isinstance(entry.get("mandatory", False), bool):
            self.fault(f"expected true or false, found {entry['mandatory']!r}", key="mandatory")
        self.check_grade()
        self.check_weight()
        self.check_provenance()

    def check_grade(self) -> None:
        """Check that a standard has a value or a rule that grades it, and not both."""
        entry = self.entry
        if "value" in entry and "graded_by" in entry:
            self.fault("both value and graded_by", "keep one: the practices' own grade, or a rule")
        elif "value" not in entry and not entry.get("graded_by"):
            self.fault("neither value nor graded_by", "give value = 1, or graded_by = a rule")
        value = self.number("value")
        if value is not None and not 0 <= value <= 1:
            self.fault(f"found {entry['value']!r}", "from 0 (not met) to 1 (met in full)", "value")

    def check_weight(self) -> None:
        """Check that a graded standard has a weight, and a mandatory one has none."""
        mandatory, weight = self.entry.get("mandatory") is True, self.number("weight")
        if mandatory and "weight" in self.entry:
            found = "a mandatory standard with a weight"
            self.fault(found, "the mandatory ones are met all together: take out one of the two")
        elif not mandatory and "weight" not in self.entry:
            found = "a graded standard without a weight"
            self.fault(found, "give weight = 1, or mandatory = true")
        elif weight is not None and weight < 0:
            self.fault(f"found {self.entry['weight']!r}", "a weight is zero or more", "weight")

    def check_provenance(self) -> None:
        source, assumption = (self.entry.get(key, "").strip() for key in ("source", "assumption"))
        if not (source or assumption):
            found = "a standard with neither a source nor an assumption"
            self.fault(found, "cite a source, or say in words what is assumed")
        self.check_cited(source)

    def add_to(self, standards: Standards, start: dt.date) -> None:
        """Add what this standard makes. Nothing is wrong with it."""
        entry, key = self.entry, self.name
        title = entry.get("title", key.replace("_", " "))
        source, assumption, note = (entry.get(ground, "") for ground in GROUNDS)
        grade = entry.get("graded_by", f"{key}_standard")
        if "graded_by" in entry:
            standards.graded_by[key] = grade
        else:
            standards.inputs[grade] = PracticeInput(
                name=grade,
                unit="1",
                title=f"Standard: {title}",
                value=read_number(entry["value"]),
                source=source,
                assumption=" ".join(text for text in (assumption, note) if text),
                least=0.0,
                most=1.0,
            )
        if entry.get("mandatory"):
            standards.mandatory.append(grade)
            return
        weight = read_number(entry["weight"])
        written = entry["weight"] if isinstance(entry["weight"], str) else format_number(weight)
        name = weight_of(key)
        value = DatedValue(start, weight, written, source, assumption, note)
        place = f"{self.place}, weight"
        standards.terms[name] = Term(
            name, "1", (value,), f"Weight: {title}", place=place, least=0.0
        )
        standards.graded[name] = grade
        if "graded_by" in entry:
            standards.titles[key] = title
