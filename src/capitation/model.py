"""A contract: which rules it has, its terms and scenarios, read from one TOML file."""

from __future__ import annotations

import datetime as dt
import functools
import importlib
import importlib.util
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from capitation.engine.calendar import CALENDAR
from capitation.engine.graph import Graph, Leaf, bind
from capitation.engine.language import Rule, Total
from capitation.engine.terms import (
    Source,
    Term,
    read_number,
    read_sources,
    read_terms,
    unknown_keys,
)
from capitation.engine.units import ONE, Unit
from capitation.errors import InputError, Problem, RuleError, nearest, raise_if_any
from capitation.practices import FIGURES, FLAGS, PracticeInput

KEYS = ("name", "title", "purpose", "commissioners", "start", "months", "rules", "streams")
TABLES = ("sum", "input", "term", "scenario", "source")
SUM_KEYS = ("title", "of")
INPUT_KEYS = ("unit", "title", "value", "source", "assumption")
SCENARIO_KEYS = ("title", "term")
TOTAL_PAYMENTS = "total_payments"


@dataclass(frozen=True)
class Scenario:
    """A named set of changes to the terms of a contract."""

    name: str
    title: str
    terms: dict[str, Term] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """A contract as read from its file.

    Attributes
    ----------
    name, title, purpose : str
    commissioners : tuple of str
        Codes of the commissioners it is about.
    start : datetime.date
        First month of a projection.
    months : int
        How many months, unless asked otherwise.
    streams : tuple of str
        Rules that are paid to practices; ``total_payments`` is their sum.
    definitions : tuple of Rule or Total
    inputs : dict of str to PracticeInput
    terms : dict of str to Term
        National figures, with the contract's own in their place.
    scenarios : dict of str to Scenario
        In the file's order; the first is the base.
    sources : dict of str to Source
    place : str
        The file's name.
    """

    name: str
    title: str
    purpose: str
    commissioners: tuple[str, ...]
    start: dt.date
    months: int
    streams: tuple[str, ...]
    definitions: tuple[Rule | Total, ...]
    inputs: dict[str, PracticeInput]
    terms: dict[str, Term]
    scenarios: dict[str, Scenario]
    sources: dict[str, Source]
    place: str

    def leaf(self, name: str, scenarios: Iterable[str] | None = None) -> Leaf | None:
        """The input, term or calendar fact that a name in a rule stands for, or None."""
        if name in CALENDAR:
            unit, title = CALENDAR[name]
            return Leaf(name, "calendar", Unit.parse(unit), ("month",), title)
        found = self.practice_leaf(name)
        return found if found is not None else self.term_leaf(name, scenarios)

    def practice_leaf(self, name: str) -> Leaf | None:
        """The leaf of an input by practice, or None."""
        if name in FLAGS:
            return Leaf(name, "input", ONE, ("practice",), FLAGS[name])
        if name in self.inputs:
            given = self.inputs[name]
            return Leaf(name, "input", Unit.parse(given.unit), ("practice",), given.title)
        figure = name.removeprefix("base_")
        if figure != name and figure in FIGURES:
            unit, title = FIGURES[figure]
            return Leaf(name, "input", Unit.parse(unit), ("practice",), f"{title}, base year")
        return None

    def term_leaf(self, name: str, scenarios: Iterable[str] | None = None) -> Leaf | None:
        """The leaf of a term by month, of its mean in the base year, or None."""
        term_name = term_behind(name, self.terms)
        if term_name is None:
            return None
        term = self.terms[term_name]
        base = name.startswith("base_") and name not in self.terms
        in_scenarios = {self.term_in(term_name, s) for s in scenarios or self.scenarios}
        several = len(in_scenarios) > 1
        dims = (("scenario",) if several else ()) + (() if base else ("month",))
        title = term.title
        if base:
            title += ", mean of the base year"
        elif name != term_name:
            title += ", as in payment"
        return Leaf(name, "base term" if base else "term", Unit.parse(term.unit), dims, title)

    def term_in(self, name: str, scenario: str) -> Term:
        """A term as it stands in a scenario."""
        return self.scenarios[scenario].terms.get(name, self.terms[name])

    def known_leaves(self) -> set[str]:
        """Names that a rule of this model may use, for suggestions."""
        base = {f"base_{name}" for name in FIGURES}
        return {*CALENDAR, *FLAGS, *base, *self.inputs, *self.terms}

    def graph(
        self,
        scenarios: Iterable[str] | None = None,
        given: Iterable[str] = (),
    ) -> Graph:
        """The rules bound to their names.

        Parameters
        ----------
        scenarios : iterable of str, optional
            A term has the dimension ``scenario`` if it differs among these.
        given : iterable of str, optional
            Rules whose values are given by practice and month, and so are not run.
        """
        chosen = list(scenarios or self.scenarios)
        replaced = {d.name: d for d in self.definitions if d.name in set(given)}

        def leaf(name: str) -> Leaf | None:
            if name in replaced:
                definition = replaced[name]
                assert isinstance(definition, Rule)
                unit = Unit.parse(definition.unit)
                return Leaf(name, "given", unit, ("practice", "month"), definition.title)
            return self.leaf(name, chosen)

        kept = [d for d in self.definitions if d.name not in replaced]
        return bind(kept, leaf, {*self.known_leaves(), *replaced}, self.streams)


def term_behind(name: str, terms: Mapping[str, Term]) -> str | None:
    """Name of the term that a name in a rule reads: itself, its base-year mean, or as in payment.

    Examples
    --------
    >>> term_behind("price_in_payment", {"price": None})
    'price'
    """
    if name in terms:
        return name
    for candidate in (name.removeprefix("base_"), name.removesuffix("_in_payment")):
        if candidate != name and candidate in terms:
            return candidate
    return None


def models_folder() -> Path:
    """Where the shipped models lie: in the installed package, or beside it in a checkout."""
    installed = Path(__file__).parent / "models"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "models"


def models() -> dict[str, str]:
    """Names and titles of the models that come with the library.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> "bolton-quality-contract" in models()
    True
    """
    files = sorted(models_folder().glob("*.toml"))
    return {path.stem: tomllib.loads(path.read_text("utf-8"))["title"] for path in files}


def load_model(name_or_path: str | Path) -> Model:
    """Read a contract.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a model that comes with the library, or path of a TOML file.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If there is no such model, or its file is wrong: every unknown key or name with the nearest
        one that is known, every value with neither source nor assumption, every rule whose units do
        not agree.

    Examples
    --------
    >>> load_model("bolton-quality-contract").start
    datetime.date(2015, 4, 1)
    """
    path = _find(name_or_path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(path.name, f"not readable as TOML: {error}")) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}")) from None
    return _ModelReader(path, table).read()


def _find(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    shipped = models_folder() / f"{text}.toml"
    if shipped.is_file():
        return shipped
    path = Path(name_or_path)
    if path.suffix != ".toml":
        mend = nearest(text, models()) + ", or give the path of a .toml file"
        raise InputError(Problem(text, "no model of this name comes with capitation", mend))
    if not path.is_file():
        raise InputError(Problem(text, "there is no such file"))
    return path


@functools.cache
def national_terms() -> tuple[dict[str, Term], dict[str, Source]]:
    """The national figures that come with the library, and their sources.

    Returns
    -------
    terms : dict of str to Term
    sources : dict of str to Source

    Examples
    --------
    >>> terms, sources = national_terms()
    >>> terms["global_sum_price"].at(dt.date(2015, 10, 1))
    76.51
    """
    tables = {}
    for file in resources.files("capitation.terms").iterdir():
        if file.name.endswith(".toml"):
            tables[file.name] = tomllib.loads(file.read_text("utf-8"))
    sources: dict[str, Source] = {}
    terms: dict[str, Term] = {}
    problems: list[Problem] = []
    for name, table in sorted(tables.items()):
        found, wrong = read_sources(table, name)
        sources |= found
        problems += wrong
    for name, table in sorted(tables.items()):
        read, wrong = read_terms(table.get("term", {}), name, sources)
        terms |= read
        problems += wrong
    raise_if_any(problems)
    return terms, sources


class _ModelReader:
    """Reads one model file, and collects every problem in it."""

    def __init__(self, path: Path, table: dict[str, Any]):
        self.path = path
        self.table = table
        self.problems: list[Problem] = []
        national, known_sources = national_terms()
        self.terms = dict(national)
        own_sources, wrong = read_sources(table, path.name)
        self.problems += wrong
        self.sources = known_sources | own_sources
        self.own_sources = own_sources

    def fault(self, where: str, found: str, mend: str = "") -> None:
        place = f"{self.path.name}, {where}" if where else self.path.name
        self.problems.append(Problem(place, found, mend))

    def read(self) -> Model:
        self.problems += unknown_keys(self.table, KEYS + TABLES, self.path.name)
        self.check_head()
        own_terms, wrong = read_terms(self.table.get("term", {}), self.path.name, self.sources)
        self.problems += wrong
        self.terms |= own_terms
        inputs = self.inputs()
        scenarios = self.scenarios()
        definitions = [*self.definitions(), *self.sums()]
        raise_if_any(self.problems)
        table = self.table
        model = Model(
            name=table["name"],
            title=table["title"],
            purpose=table.get("purpose", ""),
            commissioners=tuple(table.get("commissioners", ())),
            start=table["start"],
            months=table["months"],
            streams=tuple(table["streams"]),
            definitions=tuple(definitions),
            inputs=inputs,
            terms=self.terms,
            scenarios=scenarios,
            sources=self.sources,
            place=self.path.name,
        )
        self.check_whole(model, own_terms)
        return model

    def check_head(self) -> None:
        table = self.table
        kinds = {
            "name": str,
            "title": str,
            "start": dt.date,
            "months": int,
            "rules": list,
            "streams": list,
        }
        for key, kind in kinds.items():
            if key not in table:
                self.fault("", f"the key {key!r} is missing")
            elif not isinstance(table[key], kind) or table[key] in ("", []):
                self.fault(key, f"expected a {kind.__name__}, found {table[key]!r}")
        start = table.get("start")
        if isinstance(start, dt.date) and start.day != 1:
            self.fault("start", f"{start} is not the first day of a month")
        months = table.get("months")
        if isinstance(months, int) and months < 1:
            self.fault("months", f"expected at least one month, found {months}")

    def inputs(self) -> dict[str, PracticeInput]:
        inputs = {}
        for name, entry in self.table.get("input", {}).items():
            where = f"input.{name}"
            self.problems += unknown_keys(entry, INPUT_KEYS, f"{self.path.name}, {where}")
            source, assumption = entry.get("source", ""), entry.get("assumption", "")
            if "value" in entry and not (source or assumption):
                self.fault(where, "a value with neither a source nor an assumption")
            self.check_source(source, where)
            try:
                Unit.parse(entry.get("unit", "?"))
                value = read_number(entry["value"]) if "value" in entry else None
            except ValueError as error:
                self.fault(where, str(error))
                continue
            title = entry.get("title", name.replace("_", " "))
            inputs[name] = PracticeInput(name, entry["unit"], title, value, source, assumption)
        return inputs

    def check_source(self, source: str, where: str) -> None:
        if source and source not in self.sources:
            self.fault(
                where, f"the source {source!r} is not described", nearest(source, self.sources)
            )

    def scenarios(self) -> dict[str, Scenario]:
        scenarios = {}
        for name, entry in self.table.get("scenario", {"base": {}}).items():
            where = f"{self.path.name}, scenario.{name}"
            self.problems += unknown_keys(entry, SCENARIO_KEYS, where)
            changed = {}
            for term, keys in entry.get("term", {}).items():
                if term not in self.terms:
                    self.fault(
                        f"scenario.{name}.term.{term}",
                        f"there is no term {term!r} to change",
                        nearest(term, self.terms),
                    )
                    continue
                changed[term] = {**self.written(term), **keys}
            terms, wrong = read_terms(changed, where, self.sources)
            self.problems += wrong
            scenarios[name] = Scenario(name, entry.get("title", name), terms)
        return scenarios

    def written(self, term: str) -> dict[str, Any]:
        """A term as a table, so that a scenario can change some of its keys."""
        own = self.table.get("term", {})
        if term in own:
            return own[term]
        national = self.terms[term]
        return {"title": national.title, "unit": national.unit, "description": national.description}

    def definitions(self) -> list[Rule | Total]:
        found: dict[int, Rule | Total] = {}
        for entry in self.table.get("rules", []):
            module = self.module(str(entry))
            if module is None:
                continue
            for name, value in vars(module).items():
                if isinstance(value, Total):
                    found.setdefault(id(value), replace(value, name=name))
                elif isinstance(value, Rule):
                    found.setdefault(id(value), value)
        for definition in found.values():
            if isinstance(definition, Rule):
                self.check_source(definition.source, f"rule {definition.name} ({definition.place})")
        return list(found.values())

    def module(self, entry: str) -> ModuleType | None:
        """A module of rules: a shipped one, a file beside the model, or an importable name."""
        try:
            if entry.endswith(".py"):
                return _module_from_file(self.path.parent / entry)
            if "." in entry:
                return importlib.import_module(entry)
            return importlib.import_module(f"capitation.rules.{entry}")
        except RuleError as error:
            self.problems += error.problems
        except FileNotFoundError:
            self.fault("rules", f"there is no file {entry!r} beside the model")
        except ModuleNotFoundError:
            self.fault(
                "rules", f"there is no module of rules {entry!r}", nearest(entry, _shipped())
            )
        except Exception as error:
            self.fault("rules", f"{entry!r} cannot be imported: {type(error).__name__}: {error}")
        return None

    def sums(self) -> list[Rule]:
        """The model's own sums, written out as rules; total payments is the sum of all streams."""
        tables = {
            TOTAL_PAYMENTS: {
                "title": "Payments to the practice in the month",
                "of": self.table.get("streams", []),
            },
            **self.table.get("sum", {}),
        }
        rules = []
        for name, entry in tables.items():
            where = f"sum.{name}"
            self.problems += unknown_keys(entry, SUM_KEYS, f"{self.path.name}, {where}")
            names = entry.get("of", [])
            if not names or not all(isinstance(n, str) and n.isidentifier() for n in names):
                self.fault(where, f"expected a list of rules under 'of', found {names!r}")
                continue
            title = entry.get("title", name.replace("_", " "))
            rules.append(sum_rule(name, title, names, f"{self.path.name}, {where}"))
        return rules

    def check_whole(self, model: Model, own_terms: Mapping[str, Term]) -> None:
        """Check what can be said only once all is bound: names, units, and what is unused."""
        graph = model.graph()
        for stream in model.streams:
            if stream in graph.nodes and graph[stream].unit != Unit.parse("GBP/month"):
                self.fault("streams", f"{stream!r} is in {graph[stream].unit}, not GBP/month")
        used = {term_behind(name, model.terms) for name in graph.leaves}
        changed = {term for scenario in model.scenarios.values() for term in scenario.terms}
        for term in sorted({*own_terms, *changed} - used):
            self.fault(
                f"term.{term}", "no rule of this model reads it", nearest(term, graph.leaves)
            )
        for name in sorted(set(model.inputs) - set(graph.leaves)):
            self.fault(
                f"input.{name}", "no rule of this model reads it", nearest(name, graph.leaves)
            )
        for source in sorted(set(self.own_sources) - _cited(model)):
            self.fault(f"source.{source}", "nothing in this model cites it", "cite it or remove it")
        raise_if_any(self.problems)


def _cited(model: Model) -> set[str]:
    terms = [*model.terms.values()]
    for scenario in model.scenarios.values():
        terms += scenario.terms.values()
    cited = {value.source for term in terms for value in term.values}
    cited |= {given.source for given in model.inputs.values()}
    return cited | {d.source for d in model.definitions if isinstance(d, Rule)}


def _shipped() -> list[str]:
    files = resources.files("capitation.rules").iterdir()
    return [file.name.removesuffix(".py") for file in files if file.name.endswith(".py")]


def _module_from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(path)
    spec = importlib.util.spec_from_file_location(f"capitation_rules_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sum_rule(name: str, title: str, names: Iterable[str], place: str) -> Rule:
    """A rule that adds up amounts a month.

    Examples
    --------
    >>> sum_rule("core", "Core income", ["global_sum", "correction_factor"], "a.toml").formula
    'core = global_sum + correction_factor'
    """
    names = list(names)
    text = f"def {name}({', '.join(names)}):\n    {title!r}\n    return {' + '.join(names)}"
    scope: dict[str, Any] = {}
    exec(compile(text, place, "exec"), scope)
    return Rule(
        name=name,
        unit="GBP/month",
        text=text,
        assumption="Declared by the model: a sum of its streams.",
        place=place,
        function=scope[name],
    )
