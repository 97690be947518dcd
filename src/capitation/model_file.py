"""Read a contract from its TOML file, and tell everything that is wrong with it at once."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

from capitation.declared_rules import for_all_lines, sum_rule
from capitation.engine.lines import KINDS_OF_LINE
from capitation.engine.rule import Rule, Total
from capitation.engine.schedules import SCHEDULE_KEYS, STEPS_KEYS, read_named_schedules
from capitation.engine.shapes import FURTHEST, bad_names, shape_problems
from capitation.engine.term_tables import read_sources, read_terms
from capitation.engine.terms import GROUNDS, Term, kept_of
from capitation.engine.units import Unit
from capitation.errors import InputError, Problem, RuleError, nearest, raise_if_any
from capitation.input_tables import read_inputs
from capitation.model import TOTAL_PAYMENTS, Model, Scenario, Simulation, term_behind
from capitation.model_tables import by_line, read_lines, read_toml, templates_in, with_those_of
from capitation.national import (
    national_inputs,
    national_lines,
    national_presets,
    national_schedules,
    national_templates,
    national_terms,
)
from capitation.simulation_table import read_simulation, simulation_faults, simulation_shape
from capitation.standard_tables import read_standards

REQUIRED = ("name", "title", "start", "months", "rules", "streams")
KEYS = {
    **dict.fromkeys(("name", "title", "purpose", "like"), "text"),
    **dict.fromkeys(("commissioners", "rules", "more_rules", "streams"), "names"),
    **dict.fromkeys(("sum", "input", "standard", "term", *KINDS_OF_LINE), "tables"),
    **dict.fromkeys(("schedule", "scenario", "source"), "tables"),
    "simulation": "table",
    "start": "date",
    "months": "count",
}
SUM_KEYS = {"title": "text", "of": "names"}
SCENARIO_KEYS = {"title": "text", "preset": "names", "term": "tables"}


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
    return {path.stem: read_toml(path)["title"] for path in files}


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
    return _ModelReader(path, read_toml(path)).read()


def _find(name_or_path: str | Path, beside: Path | None = None) -> Path:
    """The file of a model that is shipped, or of a path; a path is from the folder of a file."""
    text = str(name_or_path)
    shipped = models_folder() / f"{text}.toml"
    if shipped.is_file():
        return shipped
    path = Path(name_or_path) if beside is None else beside.parent / name_or_path
    if path.suffix != ".toml":
        mend = nearest(text, models()) + ", or give the path of a .toml file"
        raise InputError(Problem(text, "no model of this name comes with capitation", mend))
    if not path.is_file():
        raise InputError(Problem(text, "there is no such file"))
    return path


class _ModelReader:
    """Reads one model file, and collects every problem in it."""

    def __init__(self, path: Path, table: dict[str, Any]):
        self.path = path
        self.written = table
        find = functools.partial(_find, beside=path)
        self.table = with_those_of(table, path.name, find, national_lines())
        self.problems: list[Problem] = []

    def fault(self, where: str, found: str, mend: str = "") -> None:
        place = f"{self.path.name}, {where}" if where else self.path.name
        self.problems.append(Problem(place, found, mend))

    def read(self) -> Model:
        self.check_shape()
        raise_if_any(self.problems)
        self.read_own_terms()
        table = self.table
        self.read_own_inputs()
        scenarios = self.scenarios()
        before = len(self.problems)
        rules = for_all_lines(self.definitions(), self.lines)
        definitions: list[Rule | Total] = [*rules, *self.sums()]
        known = {definition.name for definition in definitions}
        definitions += self.standards.rules(self.path.name, known)
        complete = len(self.problems) == before
        simulation = self.check_names_of_rules(definitions) if complete else None
        raise_if_any(self.problems)
        model = Model(
            name=table["name"],
            title=table["title"],
            purpose=table.get("purpose", ""),
            commissioners=tuple(table.get("commissioners", ())),
            start=table["start"],
            months=table["months"],
            streams=tuple(table["streams"]),
            terms=self.terms,
            sources=self.sources,
            definitions=tuple(definitions),
            inputs=self.inputs | self.own_inputs,
            scenarios=scenarios,
            place=self.path.name,
            simulation=simulation,
        )
        self.check_whole(model)
        return model

    # ------------------------------------------------------------------ shape

    def check_shape(self) -> None:
        """Check that every key is known and holds the right kind of value."""
        table, name = self.table, self.path.name
        self.problems += shape_problems(table, KEYS, name)
        if "more_rules" in self.written and "like" not in self.written:
            mend = "say which with like = …, or name all under 'rules'"
            self.fault("more_rules", "there is no contract that this one is like", mend)
        for key in REQUIRED:
            if not table.get(key) and not any(f"{name}, {key}" == p.where for p in self.problems):
                self.fault("", f"the key {key!r} is missing, or empty")
        if self.problems:
            return
        for kind, keys in (("sum", SUM_KEYS), ("scenario", SCENARIO_KEYS)):
            for key, entry in table.get(kind, {}).items():
                self.problems += shape_problems(entry, keys, f"{name}, {kind}.{key}")
        if "simulation" in table:
            self.problems += simulation_shape(table["simulation"], name)
        if not self.problems:
            self.check_names()
        if table["start"].day != 1:
            self.fault("start", f"{table['start']} is not the first day of a month")
        if not 1 <= table["months"] <= FURTHEST:
            self.fault("months", f"found {table['months']}", f"from 1 to {FURTHEST}")
        if not 1900 <= table["start"].year <= 2200:
            self.fault("start", f"found {table['start']}", "a month of the years 1900 to 2200")

    def check_names(self) -> None:
        """Check that names can be names, and that no sum counts anything twice."""
        table = self.table
        lists = {f"sum.{name}": entry.get("of", []) for name, entry in table.get("sum", {}).items()}
        lists["streams"] = table["streams"]
        for kind in ("sum", "term"):
            self.problems += bad_names(table.get(kind, {}), f"{self.path.name}, {kind}")
        for where, names in lists.items():
            self.problems += bad_names(names, f"{self.path.name}, {where}")
            for twice in sorted({name for name in names if names.count(name) > 1}):
                self.fault(where, f"{twice!r} stands more than once", "it would count twice")
        if TOTAL_PAYMENTS in table.get("sum", {}):
            mend = "it is the sum of the streams already; choose another name"
            self.fault(f"sum.{TOTAL_PAYMENTS}", f"{TOTAL_PAYMENTS!r} is taken", mend)

    # ------------------------------------------------------------------ parts

    def read_own_terms(self) -> None:
        """Read the model's own sources and terms over the national ones."""
        national, known_sources = national_terms()
        self.own_sources, wrong = read_sources(self.table, self.path.name)
        self.problems += wrong
        self.sources = known_sources | self.own_sources
        file = self.path.name
        own_schedules, wrong = read_named_schedules(self.table.get("schedule", {}), file)
        self.schedules = national_schedules() | own_schedules
        self.problems += wrong
        self.read_lines()
        known = self.terms_of_lines() | national
        self.term_tables = {
            name: {**kept_of(known[name]), **own} if name in known else own
            for name, own in self.by_line("term").items()
        }
        for name in [name for name, own in self.term_tables.items() if "unit" not in own]:
            found = "a term without a unit, and none of this name is known"
            self.fault(f"term.{name}", found, nearest(name, known))
            del self.term_tables[name]
        self.own_terms, wrong = read_terms(self.term_tables, file, self.sources, self.schedules)
        self.problems += wrong
        self.terms = known | self.own_terms

    def read_lines(self) -> None:
        """Read the model's lines, and what is written once for each of them."""
        own, wrong = read_lines(self.table, self.path.name)
        self.problems += wrong
        self.own_lines = own
        self.lines = {**national_lines(), **own}
        self.templates = {}
        for kind in ("term", "input"):
            repeated, wrong = templates_in(self.table.get(kind, {}), f"{self.path.name}, {kind}")
            self.templates[kind] = {**national_templates(kind), **repeated}
            self.problems += wrong

    def by_line(self, kind: str) -> dict[str, Any]:
        """The model's terms or inputs, with those written once for each line written out."""
        return by_line(self.table.get(kind, {}), self.lines, self.templates[kind])

    def terms_of_lines(self) -> dict[str, Term]:
        """The national terms that are written once for each line, for the model's own lines."""
        tables = national_templates("term")
        written = by_line(tables, self.own_lines, tables)
        return read_terms(written, "national", self.sources, self.schedules)[0]

    def read_own_inputs(self) -> None:
        """Read the model's inputs, and its standards with the inputs and weights they make."""
        table, file = self.table, self.path.name
        templates = national_templates("input")
        of_lines = by_line(templates, self.own_lines, templates)
        self.inputs = read_inputs(of_lines, file, self.sources)[0] | national_inputs()
        self.own_inputs, wrong = read_inputs(self.by_line("input"), file, self.sources)
        self.problems += wrong
        tables, start = table.get("standard", {}), table["start"]
        self.standards, wrong = read_standards(tables, file, self.sources, start)
        self.problems += wrong
        for kind, own, made in (
            ("input", table.get("input", {}), self.standards.inputs),
            ("term", table.get("term", {}), self.standards.terms),
        ):
            for name in sorted(set(own) & set(made)):
                self.fault(f"{kind}.{name}", "a standard makes this one", "choose another name")
        self.own_inputs |= self.standards.inputs
        self.terms |= self.standards.terms

    def check_source(self, source: str, where: str) -> None:
        if source and source not in self.sources:
            mend = nearest(source, self.sources)
            self.fault(where, f"the source {source!r} is not described", mend)

    def scenarios(self) -> dict[str, Scenario]:
        scenarios = {}
        own_terms = self.term_tables
        for name, entry in (self.table.get("scenario") or {"base": {}}).items():
            changed = {}
            for term, keys in self.changes(name, entry).items():
                if term in own_terms and term not in self.own_terms:
                    continue  # what is wrong with it is told where it stands
                if term not in self.terms:
                    mend = nearest(term, self.terms)
                    where = f"scenario.{name}.term.{term}"
                    self.fault(where, f"there is no term {term!r} to change", mend)
                    continue
                changed[term] = {**self.kept(term, keys), **keys}
            place = f"{self.path.name}, scenario.{name}"
            terms, wrong = read_terms(changed, place, self.sources, self.schedules)
            self.problems += wrong
            scenarios[name] = Scenario(name, entry.get("title", name), terms)
        return scenarios

    def changes(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The terms that a scenario changes: those of its presets, and its own over them."""
        tables = [entry.get("term", {})]
        for preset in entry.get("preset", ()):
            if preset not in national_presets():
                mend = nearest(preset, national_presets())
                self.fault(f"scenario.{name}, preset", f"there is no preset {preset!r}", mend)
                continue
            tables.insert(len(tables) - 1, national_presets()[preset].get("term", {}))
        written = (by_line(table, self.lines, self.templates["term"]) for table in tables)
        return {term: keys for table in written for term, keys in table.items()}

    def kept(self, term: str, keys: Mapping[str, Any]) -> dict[str, Any]:
        """What a scenario keeps of a term whose values, schedule or single keys it changes."""
        own = self.term_tables
        if term not in own:
            return kept_of(self.terms[term])
        dropped: tuple[str, ...] = ()
        if "values" in keys:
            dropped = (*SCHEDULE_KEYS, *GROUNDS)
        elif any(key in keys for key in SCHEDULE_KEYS):
            # Other dates or steps have grounds of their own.
            dropped = GROUNDS
            if "steps" in keys or "schedule" in keys:
                dropped = ("values", *STEPS_KEYS, *GROUNDS)
        return {key: value for key, value in own[term].items() if key not in dropped}

    # ------------------------------------------------------------------ rules

    def definitions(self) -> list[Rule | Total]:
        found: dict[int, Rule | Total] = {}
        for entry in self.table["rules"]:
            module = self.module(entry)
            if module is None:
                continue
            before = len(found)
            for name, value in vars(module).items():
                if isinstance(value, Total):
                    found.setdefault(id(value), replace(value, name=name))
                elif isinstance(value, Rule):
                    found.setdefault(id(value), value)
            if len(found) == before:
                self.fault("rules", f"{entry!r} holds no rule that is not named already")
        for definition in found.values():
            if isinstance(definition, Rule):
                self.check_source(definition.source, f"rule {definition.name} ({definition.place})")
        return list(found.values())

    def module(self, entry: str) -> ModuleType | None:
        """A module of rules: a shipped one, a file beside the model, or an importable name."""
        try:
            if entry.endswith(".py"):
                return self.module_of_file(entry)
            if "." in entry:
                return importlib.import_module(entry)
            return importlib.import_module(f"capitation.rules.{entry}")
        except RuleError as error:
            self.problems += error.problems
        except Exception as error:
            if _is_absent(entry, error):
                found = f"there is no module of rules {entry!r} ({error})"
                self.fault("rules", found, nearest(entry, _shipped()))
            else:
                said = f"{entry!r} cannot be imported: {type(error).__name__}: {error}"
                self.fault("rules", said)
        return None

    def module_of_file(self, entry: str) -> ModuleType | None:
        path = self.path.parent / entry
        if path.is_file():
            return _module_from_file(path)
        self.fault("rules", f"there is no file {entry!r} beside the model")
        return None

    def sums(self) -> list[Rule]:
        """The model's own sums, written out as rules; total payments is the sum of all streams."""
        streams = {"title": "Payments to the practice in the month", "of": self.table["streams"]}
        tables = {TOTAL_PAYMENTS: streams, **self.table.get("sum", {})}
        rules = []
        for name, entry in tables.items():
            if not entry.get("of"):
                self.fault(f"sum.{name}", "there is nothing to add up", "list rules under 'of'")
                continue
            title = entry.get("title", name.replace("_", " "))
            where = "streams" if name == TOTAL_PAYMENTS else f"sum.{name}"
            rules.append(sum_rule(name, title, entry["of"], f"{self.path.name}, {where}"))
        return rules

    def check_names_of_rules(self, definitions: Iterable[Rule | Total]) -> Simulation | None:
        """Check the rules that standards and the simulation name; read the simulation."""
        rules = {definition.name for definition in definitions}
        for key, name in self.standards.graded_by.items():
            if name not in rules:
                where = f"standard.{key}, graded_by"
                self.fault(where, f"there is no rule {name!r}", nearest(name, rules))
        if "simulation" not in self.table:
            return None
        file = self.path.name
        simulation, wrong = read_simulation(self.table["simulation"], rules, self.terms, file)
        self.problems += wrong
        return simulation

    # ------------------------------------------------------------------ the whole

    def check_whole(self, model: Model) -> None:
        """Check what can be said only once all is bound: names, units, and what is unused."""
        try:
            graph = model.graph()
        except RuleError as error:
            here = self.path.name
            raise RuleError(
                problem
                if problem.where.startswith(here)
                else replace(problem, where=f"{here}, rules: {problem.where}")
                for problem in error.problems
            ) from None
        for stream in model.streams:
            if stream in graph.nodes and graph[stream].unit != Unit.parse("GBP/month"):
                self.fault("streams", f"{stream!r} is in {graph[stream].unit}, not GBP/month")
        read = (term_behind(name, model.terms) for name in graph.leaves)
        used = {name for name in read if name is not None}
        changed = {term for scenario in model.scenarios.values() for term in scenario.terms}
        own_terms, own_inputs = self.as_written("term"), self.as_written("input")
        changed = changed if "scenario" in self.written else set()
        self.check_used("term", {*own_terms, *changed} - used, graph.leaves)
        self.check_used("input", own_inputs - set(graph.leaves), graph.leaves)
        if model.simulation is not None:
            self.problems += simulation_faults(model.simulation, graph, self.path.name)
            if model.simulation.effect not in used:
                found = f"no rule of this model reads {model.simulation.effect!r}"
                self.fault("simulation, effect", found, nearest(model.simulation.effect, used))
        for source in sorted(set(self.written.get("source", {})) - _cited(model)):
            self.fault(f"source.{source}", "nothing in this model cites it", "cite it or remove it")
        raise_if_any(self.problems)

    def as_written(self, kind: str) -> set[str]:
        """Names of the terms or inputs of the file itself, and not of the contract it is like."""
        made = self.standards.inputs if kind == "input" and "standard" in self.written else ()
        tables = self.written.get(kind, {})
        return {*by_line(tables, self.lines, self.templates[kind]), *made}

    def check_used(self, kind: str, unused: Iterable[str], known: Iterable[str]) -> None:
        for name in sorted(unused):
            self.fault(f"{kind}.{name}", "no rule of this model reads it", nearest(name, known))


def _cited(model: Model) -> set[str]:
    terms: list[Term] = [*model.terms.values()]
    for scenario in model.scenarios.values():
        terms += scenario.terms.values()
    cited = {value.source for term in terms for value in term.values}
    cited |= {given.source for given in model.inputs.values()}
    return cited | {d.source for d in model.definitions if isinstance(d, Rule)}


def _shipped() -> list[str]:
    files = resources.files("capitation.rules").iterdir()
    names = [file.name.removesuffix(".py") for file in files if file.name.endswith(".py")]
    return [name for name in names if not name.startswith("_")]


def _is_absent(entry: str, error: Exception) -> bool:
    """Whether it is the module of rules itself that was not found, and not one it imports."""
    if entry.endswith(".py") or not isinstance(error, ModuleNotFoundError):
        return False
    asked = entry if "." in entry else f"capitation.rules.{entry}"
    return f"{asked}.".startswith(f"{error.name}.")


def _module_from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"capitation_rules_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
