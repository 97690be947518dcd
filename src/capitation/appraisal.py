"""Money of several years, valued: nominal, in real terms, and as a present value.

Real comes before discounted: the social discount rate is a real rate, and so is put upon amounts at
the prices of one year. The year that is discounted from is year 0, which is not discounted, and an
amount n fiscal years later is divided by (1 + rate) n times, wherever in its year it falls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from capitation.by_year import amounts_by_year, of_commissioners
from capitation.engine.calendar import fiscal_year, months_of
from capitation.engine.terms import Term
from capitation.errors import InputError, Problem, nearest, raise_if_any
from capitation.national import national_terms

LATEST_ISSUE = "gdp_deflator_november_2025"
"""The issue of the GDP deflator that reaches furthest."""

ISSUES = "gdp_deflator_"
"""How the names of terms begin that are issues of the GDP deflator."""

RATE = "social_discount_rate"

MOST_YEARS = 30
"""Years for which the rate holds: the Green Book has a lower one for what is later."""

VALUED = ("nominal", "real", "present_value")


def appraise(
    result: xr.Dataset,
    variable: str = "total_payments",
    scenarios: Sequence[str] | None = None,
    *,
    price_year: str | None = None,
    issue: str | Term = LATEST_ISSUE,
    discount_from: str | None = None,
    rate: Term | None = None,
) -> xr.Dataset:
    """Value an amount of each scenario: nominal, in real terms and as a present value.

    Parameters
    ----------
    result : xarray.Dataset
        From `project`.
    variable : str
        Rule or total of a practice or a commissioner, [GBP/month] by month or [GBP/year] by year;
        all payments to practices if left out.
    scenarios : sequence of str, optional
        Names; all of the result's if left out.
    price_year : str, optional
        Fiscal year at whose prices real terms are, such as ``"2015/16"``; the first year of the
        result if left out.
    issue : str or Term
        The GDP deflator: name of a national term, or a term of one's own with a value for every
        fiscal year. Issues are never mixed.
    discount_from : str, optional
        Fiscal year that is year 0; the first year of the result if left out.
    rate : Term, optional
        Real discount rate, a year; ``social_discount_rate`` if left out.

    Returns
    -------
    xarray.Dataset
        ``nominal``, ``real`` and ``present_value`` [GBP] on ``scenario``, ``commissioner_code`` and
        ``year``; and each with ``_total`` added to its name, all years together.

    Raises
    ------
    InputError
        For an unknown scenario or issue, a variable that does not add up to pounds, a year that the
        issue does not reach, or one that is before the year discounted from or over 30 years after.

    Source
    ------
    Rate: HM Treasury, Green Book. That year 0 is not discounted, and all of a year's amounts alike,
    is this library's assumption.

    Examples
    --------
    >>> from capitation import example_practices, project
    >>> result = project("national-practice-income", example_practices(), months=24)
    >>> appraised = appraise(result, "pms_premium")
    >>> first, second = (appraised["real"] / appraised["nominal"]).values.ravel()
    >>> float(first), round(float(second), 4)
    (1.0, 0.9805)
    >>> round(float((appraised["real"] / appraised["present_value"]).values[0, 0, 1]), 6)
    1.035
    """
    paid = of_commissioners(amounts_by_year(result, variable))
    known = [str(name) for name in paid["scenario"].values]
    if isinstance(scenarios, str):
        found = f"found the text {scenarios!r}"
        raise InputError(Problem("scenarios", found, f"a list: [{scenarios!r}]"))
    chosen = known if scenarios is None else list(scenarios)
    raise_if_any(
        Problem("scenarios", f"there is no scenario {name!r} in the result", nearest(name, known))
        for name in chosen
        if name not in known
    )
    valued = value_of(
        paid.sel(scenario=chosen),
        price_year=price_year,
        issue=issue,
        discount_from=discount_from,
        rate=rate,
    )
    totals = {
        f"{name}_total": valued[name]
        .sum("year")
        .assign_attrs(valued[name].attrs, long_name=f"{valued[name].attrs['long_name']}, all years")
        for name in VALUED
    }
    return valued.assign(totals).assign_attrs(variable=variable)


def value_of(
    nominal: xr.DataArray,
    *,
    price_year: str | None = None,
    issue: str | Term = LATEST_ISSUE,
    discount_from: str | None = None,
    rate: Term | None = None,
) -> xr.Dataset:
    """Put beside nominal amounts what they are in real terms and as a present value.

    Parameters
    ----------
    nominal : xarray.DataArray
        [GBP] on ``year`` and any other dimensions.
    price_year, issue, discount_from, rate
        As `appraise` takes them.

    Returns
    -------
    xarray.Dataset
        ``nominal``, ``real`` and ``present_value`` [GBP], on the dimensions of the amounts.

    Raises
    ------
    InputError
        As `in_real_terms` and `present_value`.
    """
    first = str(nominal["year"].values[0])
    real = in_real_terms(nominal, issue, price_year or first)
    discounted = present_value(real, discount_from or first, rate)
    arrays = {"nominal": nominal, "real": real, "present_value": discounted}
    named = {name: array.rename(name) for name, array in arrays.items()}
    said = {"price_year": price_year or first, "discount_from": discount_from or first}
    said |= {"issue": issue if isinstance(issue, str) else issue.name}
    return xr.Dataset(named, attrs=said | {"discount_rate": discounted.attrs["discount_rate"]})


def in_real_terms(by_year: xr.DataArray, issue: str | Term, price_year: str) -> xr.DataArray:
    """Amounts at the prices of one fiscal year, by one issue of the GDP deflator.

    Parameters
    ----------
    by_year : xarray.DataArray
        Nominal amounts [GBP] on ``year`` and any other dimensions.
    issue : str or Term
        Name of a national term, or a term with a value for every fiscal year.
    price_year : str
        Such as ``"2015/16"``.

    Returns
    -------
    xarray.DataArray
        The same times the deflator of the price year, over that of its own year. [GBP]

    Raises
    ------
    InputError
        For an unknown issue, and for a year that the issue does not have: nothing is filled back,
        and nothing held. The error says how far each issue reaches.

    Examples
    --------
    >>> nominal = xr.DataArray([104.2459, 104.2459], {"year": ["2013/14", "2015/16"]}, "year")
    >>> real = in_real_terms(nominal, "gdp_deflator_june_2018", "2015/16")
    >>> [round(amount, 2) for amount in real.values.tolist()]
    [106.61, 104.25]
    """
    term = _issue(issue)
    figures = _by_fiscal_year(term)
    years = [str(year) for year in by_year["year"].values]
    missing = sorted({*years, _checked(price_year, "price_year")} - figures.keys())
    if missing:
        found = f"the issue has no figure for {', '.join(missing)}: {_reach(term)}"
        others = [other for other in _issues().values() if other.name != term.name]
        mend = "; ".join(f"{other.name}: {_reach(other)}" for other in others)
        raise InputError(Problem(term.name, found, mend))
    factors = [figures[price_year] / figures[year] for year in years]
    real = by_year * xr.DataArray(factors, {"year": by_year["year"].values}, "year")
    title = by_year.attrs.get("long_name", "")
    words = f"{title}, at {price_year} prices".removeprefix(", ")
    return real.assign_attrs(by_year.attrs, long_name=words, issue=term.issue or term.name)


def present_value(by_year: xr.DataArray, base_year: str, rate: Term | None = None) -> xr.DataArray:
    """Real amounts, discounted to a fiscal year.

    Parameters
    ----------
    by_year : xarray.DataArray
        Real amounts [GBP] on ``year`` and any other dimensions.
    base_year : str
        Year 0, which is not discounted.
    rate : Term, optional
        Real, a year: as it stands when the base year begins, and the same for all years after.
        ``social_discount_rate`` if left out.

    Returns
    -------
    xarray.DataArray
        Each divided by (1 + rate) once for every fiscal year since the base year. [GBP]

    Raises
    ------
    InputError
        For a year before the base year, or more than 30 years after it.

    Examples
    --------
    >>> real = xr.DataArray([100.0, 103.5, 107.1225], {"year": ["2015/16", "2016/17", "2017/18"]},
    ...     "year")
    >>> [round(amount, 9) for amount in present_value(real, "2015/16").values.tolist()]
    [100.0, 100.0, 100.0]
    """
    first = months_of(_checked(base_year, "discount_from"))[0]
    term = rate if rate is not None else national_terms()[0][RATE]
    years = [str(year) for year in by_year["year"].values]
    after = [months_of(year)[0].year - first.year for year in years]
    raise_if_any(
        Problem(
            "discount_from",
            f"{year} is not among {base_year} and the {MOST_YEARS} years after it",
            f"the {term.title.lower()} is for these; what is past is not discounted",
        )
        for year, n in zip(years, after, strict=True)
        if not 0 <= n <= MOST_YEARS
    )
    found = term.at(first)
    factors = np.array([(1.0 + found) ** -n for n in after])
    discounted = by_year * xr.DataArray(factors, {"year": by_year["year"].values}, "year")
    title = by_year.attrs.get("long_name", "")
    words = f"{title}, discounted to {base_year}".removeprefix(", ")
    return discounted.assign_attrs(by_year.attrs, long_name=words, discount_rate=found)


def _issues() -> dict[str, Term]:
    terms, _ = national_terms()
    return {name: term for name, term in terms.items() if name.startswith(ISSUES)}


def _issue(issue: str | Term) -> Term:
    if isinstance(issue, Term):
        return issue
    known = _issues()
    if issue not in known:
        found = f"there is no issue {issue!r} of the GDP deflator"
        raise InputError(Problem("issue", found, nearest(str(issue), known)))
    return known[issue]


def _by_fiscal_year(term: Term) -> dict[str, float]:
    """The index of each fiscal year that has one of its own, dated 1 April."""
    return {
        fiscal_year(dated.start): dated.value
        for dated in term.values
        if (dated.start.month, dated.start.day) == (4, 1) and dated.value > 0
    }


def _reach(term: Term) -> str:
    years = list(_by_fiscal_year(term))
    return f"from {years[0]} to {years[-1]}" if years else "none by fiscal year"


def _checked(year: str, where: str) -> str:
    """A fiscal year, refused where it is not written as one."""
    try:
        months_of(str(year))
    except ValueError as error:
        raise InputError(Problem(where, str(error))) from None
    return str(year)
