"""Rules and totals: a rule is a scalar Python function with a unit and a source.

Its syntax tree is read once, checked against the language, and kept as text, so that a rule can be
compiled, rendered, checked for units, explained, and carried in the attributes of a result.
"""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from capitation.engine.distribution import Distribution
from capitation.engine.language import Checker, Constant
from capitation.engine.lines import KINDS_OF_LINE, faults_of_each, over_lines
from capitation.errors import Problem, RuleError, raise_if_any

OVER = ("practices", "months", *map(over_lines, KINDS_OF_LINE))
"""What a total may be over."""


@dataclass(frozen=True)
class Rule:
    """A payment rule: one scalar function, with its unit and its source.

    Made by the `rule` decorator. Calling it runs the function on plain numbers.

    Attributes
    ----------
    name : str
    unit : str
    text : str
        The function's source, without its decorator.
    source, assumption : str
        Id of the source that says so, or what is assumed, in words.
    first : str
        Name of the value that stands before the first month, where a rule looks back at this one.
    drawn : Distribution or None
        For a random rule: how its value is drawn in a simulation. The text gives the mean.
    constants : dict of str to Constant
        The named constants that the text uses.
    place : str
        File and line of the definition.
    each : str
        The kind of line, such as ``"service"``, of which every line has a rule like this one.
    """

    name: str
    unit: str
    text: str
    source: str = ""
    assumption: str = ""
    first: str = ""
    constants: dict[str, Constant] = field(default_factory=dict, compare=False)
    place: str = ""
    function: Callable[..., float] | None = field(default=None, compare=False, repr=False)
    drawn: Distribution | None = None
    each: str = ""
    tree: ast.FunctionDef = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tree", ast.parse(self.text).body[0])

    def __call__(self, *args: float, **kwargs: float) -> float:
        if self.function is None:
            raise TypeError(f"{self.name} was read back from a result: it has no function to call")
        return self.function(*args, **kwargs)

    @functools.cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names that the rule binds to, in order."""
        return tuple(argument.arg for argument in self.tree.args.args)

    @functools.cached_property
    def title(self) -> str:
        """First line of the docstring."""
        return (ast.get_docstring(self.tree) or self.name).splitlines()[0]

    @property
    def locals(self) -> tuple[tuple[str, ast.expr], ...]:
        """Local names with their expressions, in order."""
        found = []
        for statement in self.tree.body:
            if isinstance(statement, ast.Assign):
                target = statement.targets[0]
                assert isinstance(target, ast.Name)
                found.append((target.id, statement.value))
        return tuple(found)

    @property
    def result(self) -> ast.expr:
        """The expression that the rule returns, local names not yet put in."""
        statement = self.tree.body[-1]
        assert isinstance(statement, ast.Return)
        assert statement.value is not None
        return statement.value

    @property
    def expression(self) -> ast.expr:
        """The one expression of parameters and constants that the rule returns: a copy to alter."""
        return copy.deepcopy(self.written_out)

    @functools.cached_property
    def written_out(self) -> ast.expr:
        """The same expression, to be read and not altered."""
        written_out: dict[str, ast.expr] = {}
        for name, value in self.locals:
            written_out[name] = _Substitution(written_out).visit(copy.deepcopy(value))
        return _Substitution(written_out).visit(copy.deepcopy(self.result))

    @functools.cached_property
    def formula(self) -> str:
        """The rule as one line of text, ``name = expression``."""
        return f"{self.name} = {ast.unparse(self.written_out)}"


@dataclass(frozen=True)
class Total:
    """A sum of a rule: over a commissioner's practices, a fiscal year's months, or all lines.

    Attributes
    ----------
    name : str
    of : str
        The rule that is summed.
    over : {"practices", "months", "services", "segments"}
    title : str
    first : str
        For a total over months: name of the value that stands before the first fiscal year.
    place : str
    each : str
        The kind of line of which every line has a total like this one.
    """

    of: str
    over: str
    name: str = ""
    title: str = ""
    first: str = ""
    place: str = ""
    each: str = ""


class _Substitution(ast.NodeTransformer):
    def __init__(self, values: dict[str, ast.expr]):
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return copy.deepcopy(self.values[node.id]) if node.id in self.values else node


def rule(
    *,
    unit: str,
    source: str = "",
    assumption: str = "",
    first: str = "",
    drawn: Distribution | None = None,
    each: str = "",
) -> Callable[[Callable[..., float]], Rule]:
    """Declare a scalar function to be a payment rule.

    Parameters
    ----------
    unit : str
        Unit of the result, such as ``"GBP/month"``, ``"patient"`` or ``"1"``.
    source : str
        Id of the source that says so. A rule has a source or an assumption.
    assumption : str
        In words, what is assumed where no source says so.
    first : str, optional
        Name of the value that stands before the first month. Needed where this rule, or another,
        looks back at it as ``previous`` or ``previous_<name>``.
    drawn : Distribution, optional
        Makes it a random rule: what the function returns is the mean. A projection takes the mean;
        a simulation draws a value around it.
    each : {"service", "segment"}, optional
        Written once for every line of this kind that a model has: in the rule's name and in those
        of its parameters, the word stands for the line's key. Of ``service_rate`` the line
        ``community`` has ``community_rate``.

    Returns
    -------
    callable
        A decorator that gives a `Rule`.

    Raises
    ------
    RuleError
        If the function says what a spreadsheet cell cannot, with file and line of each place.
    """

    def decorate(function: Callable[..., float]) -> Rule:
        # Read by the code's own place: `inspect` looks through all modules for each function.
        file, start = function.__code__.co_filename, function.__code__.co_firstlineno
        linecache.checkcache(file)
        lines = inspect.getblock(linecache.getlines(file)[start - 1 :])
        if not lines:
            mend = "put it in a file"
            raise RuleError(Problem(function.__qualname__, "its source cannot be read", mend))
        tree = ast.parse(textwrap.dedent("".join(lines))).body[0]
        ast.increment_lineno(tree, start - 1)
        checker = Checker(tree, file, function.__globals__)
        checker.check(unit, source, assumption)
        checker.problems += faults_of_each(function.__name__, each, f"{file}:{tree.lineno}")
        if checker.problems:
            raise RuleError(checker.problems)
        assert isinstance(tree, ast.FunctionDef)
        place = f"{Path(file).name}:{tree.lineno}"
        tree.decorator_list = []
        return Rule(
            name=function.__name__,
            unit=unit,
            text=ast.unparse(tree),
            source=source,
            assumption=assumption,
            first=first,
            drawn=drawn,
            constants=checker.constants,
            place=place,
            function=function,
            each=each,
        )

    return decorate


def total(of: str | Rule, over: str, *, title: str = "", first: str = "", each: str = "") -> Total:
    """Declare the sum of a rule. It bears the name of the variable it is assigned to.

    Parameters
    ----------
    of : str or Rule
        The rule to sum.
    over : {"practices", "months", "services", "segments"}
        Over the practices of a commissioner, for each month; or over the months of each fiscal
        year. A rule that reads a total over months gets its own fiscal year's, and with
        ``previous_<name>`` that of the year before. Or over all the model's lines of a kind.
    title : str, optional
    first : str, optional
        For a total over months that is looked back at: name of the value for the year before the
        first.
    each : {"service", "segment"}, optional
        Written once for every line of this kind, as for `rule`.

    Returns
    -------
    Total

    Raises
    ------
    RuleError
        If `over` is none of these.
    """
    frame = inspect.currentframe()
    caller = frame.f_back if frame else None
    place = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}" if caller else ""
    if over not in OVER:
        mend = f"a total is over {', '.join(map(repr, OVER[:-1]))} or {OVER[-1]!r}"
        raise RuleError(Problem(place, f"a total over {over!r}", mend))
    name = of.name if isinstance(of, Rule) else of
    raise_if_any(faults_of_each(name, each, place), RuleError)
    return Total(of=name, over=over, title=title, first=first, place=place, each=each)
