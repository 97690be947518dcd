"""Who gains and who loses: the change of every practice's money, in pounds and per patient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np
import xarray as xr

from capitation.by_year import amounts_by_year
from capitation.engine.calendar import months_of
from capitation.engine.terms import Term
from capitation.errors import Problem, nearest, raise_if_any
from capitation.national import national_terms
from capitation.projection import CARRIED

REINVESTED, WITHDRAWN = "premium_reinvested", "premium_withdrawn"
WEIGHTED_LIST = "payment_weighted_list"
THRESHOLD = "outlier_loss"


def gains_and_losses(
    result: xr.Dataset,
    scenario: str,
    against: str | None = None,
    *,
    of: Iterable[str] | None = None,
    less: Iterable[str] | None = None,
    threshold: float | Term | None = None,
) -> xr.Dataset:
    """Sort practices by what they gain or lose, from the largest loss to the largest gain.

    Two questions are asked alike. Within a scenario: premium reinvested less premium withdrawn, as
    against nothing withdrawn. Between two scenarios: all payments in one less those in the other.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    scenario : str
        Whose amounts are looked at.
    against : str, optional
        The scenario that they are compared with; nothing if left out.
    of, less : iterable of str, optional
        Amounts of a practice that are added, and those that are taken off: [GBP/month] by month or
        [GBP/year] by year. If both are left out: ``total_payments`` against another scenario,
        ``premium_reinvested`` less ``premium_withdrawn`` within one.
    threshold : float or Term, optional
        Loss or gain that counts, per weighted patient [GBP/patient/year]: NHS England's
        ``outlier_loss`` if left out. Of a year that is in the result in part, it is that part.

    Returns
    -------
    xarray.Dataset
        On ``practice``, sorted by the change of the whole run, and ``year``: ``change`` [GBP],
        ``weighted_list`` [patient], the mean of what payment counts in the scenario, and
        ``change_per_patient`` [GBP/patient], not a number where nobody is on the list. On
        ``practice``: ``change_of_run`` [GBP], ``change_of_run_per_patient`` [GBP/patient] and
        ``rank``, 1 for the largest loss. On ``commissioner_code`` and ``year``:
        ``practices_losing`` and ``practices_gaining`` more than the threshold; and the same with
        ``_of_run``, against the threshold of all years together.

    Raises
    ------
    InputError
        For an unknown scenario, an amount that the result does not have or that is not a
        practice's, a result without weighted lists, and a threshold that is no number, endless or
        below 0. All at once.

    Notes
    -----
    Practices with the same change are in the order of their codes.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("thames-valley-pms", example_practices())
    >>> changed = gains_and_losses(result, "april-2015", threshold=1.0)
    >>> changed["contract_type"].values[[0, -1]].tolist()
    ['PMS', 'GMS']
    >>> bool((changed["change_of_run"].diff("practice") >= 0).all())
    True
    """
    added, taken_off = _asked(against, of, less)
    raise_if_any(
        [*_faults(result, (scenario, against), added, taken_off), *_threshold_faults(threshold)]
    )
    change = _change(result, scenario, against, [(1.0, added), (-1.0, taken_off)])
    codes = result["practice"].values.astype(str)
    order = np.lexsort((codes, change.sum(axis=1)))
    in_order = result.isel(practice=order)
    changes = _Changes(change[order], *_mean_lists(in_order, scenario), _limits(result, threshold))
    kept = {name: in_order[name] for name in CARRIED if name in result.coords}
    labels = {
        "practice": in_order["practice"].values,
        **kept,
        "year": result["year"].values,
        "commissioner_code": np.unique(result["commissioner"].values),
        "threshold": ("year", changes.limits, {"units": "GBP/patient", "long_name": "Threshold"}),
    }
    variables = {
        name: (dims, values, {"units": unit, "long_name": title})
        for name, dims, values, unit, title in (
            *changes.of_practices(),
            *changes.of_commissioners(in_order["commissioner"].values),
        )
    }
    asked = {"scenario": scenario, "against": against or ""}
    asked |= {"of": ", ".join(added), "less": ", ".join(taken_off)}
    return xr.Dataset(variables, labels, asked)


Found = tuple[str, tuple[str, ...], np.ndarray, str, str]
"""Name, dimensions, values, unit and title of a variable."""


@dataclass(frozen=True)
class _Changes:
    """Changes of practices in pounds, their weighted lists by year and of the run, and thresholds.

    Thresholds are pounds per weighted patient, by year.
    """

    by_year: np.ndarray
    lists: np.ndarray
    lists_of_run: np.ndarray
    limits: np.ndarray

    @property
    def of_run(self) -> np.ndarray:
        return self.by_year.sum(axis=1)

    def of_practices(self) -> Iterator[Found]:
        years = ("practice", "year")
        per_patient = _per_patient(self.by_year, self.lists)
        per_patient_of_run = _per_patient(self.of_run, self.lists_of_run)
        title = "Gain per weighted patient"
        yield "change", years, self.by_year, "GBP", "Gain, or loss below 0"
        yield "change_per_patient", years, per_patient, "GBP/patient", title
        yield "weighted_list", years, self.lists, "patient", "Weighted list, mean of the year"
        run = ("practice",)
        yield "change_of_run", run, self.of_run, "GBP", "Gain, all years"
        yield (
            "change_of_run_per_patient",
            run,
            per_patient_of_run,
            "GBP/patient",
            f"{title}, all years",
        )
        ranks = np.arange(1, len(self.by_year) + 1)
        yield "rank", run, ranks, "1", "Place by gain of all years: 1 is the largest loss"

    def of_commissioners(self, of_practice: np.ndarray) -> Iterator[Found]:
        """How many practices of each commissioner gain and lose more than the threshold."""
        limits = self.limits * self.lists
        limits_of_run = self.limits.sum() * self.lists_of_run

        def count(past: np.ndarray) -> np.ndarray:
            codes = np.unique(of_practice)
            return np.array([past[of_practice == code].sum(axis=0) for code in codes])

        area = ("commissioner_code",)
        for name, sign, words in (("losing", -1, "lose"), ("gaining", 1, "gain")):
            title = f"Practices that {words} more than the threshold"
            past, past_of_run = sign * self.by_year > limits, sign * self.of_run > limits_of_run
            yield f"practices_{name}", (*area, "year"), count(past), "practice", title
            whole = f"{title}, all years"
            yield f"practices_{name}_of_run", area, count(past_of_run), "practice", whole


def _asked(
    against: str | None, of: Iterable[str] | None, less: Iterable[str] | None
) -> tuple[list[str], list[str]]:
    """What is added and what is taken off: as asked, or what the question is usually about."""
    if of is None and less is None:
        if against is None:
            return [REINVESTED], [WITHDRAWN]
        return ["total_payments"], []
    raise_if_any(
        Problem(where, f"found the text {names!r}", f"a list: [{names!r}]")
        for where, names in (("of", of), ("less", less))
        if isinstance(names, str)
    )
    return [*(of or ())], [*(less or ())]


def _faults(
    result: xr.Dataset, scenarios: Iterable[str | None], *asked: list[str]
) -> Iterator[Problem]:
    known = [str(name) for name in np.atleast_1d(result["scenario"].values)]
    for scenario in scenarios:
        if scenario is not None and scenario not in known:
            found = f"there is no scenario {scenario!r} in the result"
            yield Problem("scenario", found, nearest(str(scenario), known))
    names = [name for of in asked for name in of]
    if not names:
        yield Problem("of, less", "nothing is named", "name rules, or leave both out")
    of_practice = [str(n) for n, found in result.data_vars.items() if "practice" in found.dims]
    for name in (*names, WEIGHTED_LIST):
        if name not in of_practice:
            mend = nearest(name, of_practice)
            yield Problem("result", f"{name!r} is no amount of a practice in it", mend)


def _threshold_faults(threshold: float | Term | None) -> Iterator[Problem]:
    if threshold is None or isinstance(threshold, Term):
        return
    is_number = isinstance(threshold, Real) and math.isfinite(threshold)
    if not is_number or threshold < 0:
        found = f"found {threshold:g}" if isinstance(threshold, Real) else f"found {threshold!r}"
        yield Problem("threshold", found, "a number, 0 or more")


def _change(
    result: xr.Dataset, scenario: str, against: str | None, of: list[tuple[float, list[str]]]
) -> np.ndarray:
    """What a scenario pays more than another, or than nothing, by practice and year. [GBP]."""
    amounts = [(sign, amounts_by_year(result, name)) for sign, names in of for name in names]

    def paid(name: str) -> np.ndarray:
        return np.sum([sign * amount.sel(scenario=name).values for sign, amount in amounts], axis=0)

    return paid(scenario) - (paid(against) if against is not None else 0.0)


def _mean_lists(result: xr.Dataset, scenario: str) -> tuple[np.ndarray, np.ndarray]:
    """Weighted lists of practices: the mean of each year's months, and of all months."""
    lists = result[WEIGHTED_LIST]
    if "scenario" in lists.dims:
        lists = lists.sel(scenario=scenario)
    by_month, of_month = lists.transpose("practice", "month").values, result["fiscal_year"].values
    years = [by_month[:, of_month == year].mean(axis=1) for year in result["year"].values]
    return np.stack(years, axis=1), by_month.mean(axis=1)


def _limits(result: xr.Dataset, threshold: float | Term | None) -> np.ndarray:
    """The threshold in each year [GBP/patient]: so much of it as months of the year are there."""
    of_month, years = result["fiscal_year"].values, [str(y) for y in result["year"].values]
    term = national_terms()[0][THRESHOLD] if threshold is None else threshold
    if isinstance(term, Term):
        in_year = [term.at(months_of(year)[0]) for year in years]
    else:
        in_year = [float(term)] * len(years)
    months = np.array([(of_month == year).sum() for year in years])
    return np.array(in_year) * months / len(months_of(years[0]))


def _per_patient(amounts: np.ndarray, lists: np.ndarray) -> np.ndarray:
    anyone = lists > 0
    return np.divide(amounts, lists, out=np.full(amounts.shape, np.nan), where=anyone)
