"""A synthetic commissioner of fifty practices, for a newcomer who has no payments file at hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from capitation.practices import FIGURES

if TYPE_CHECKING:
    import xarray as xr

# Published aggregates that the example is made to agree with: NHS Payments to General Practice,
# 2014/15. Bolton (CCG 00T): practices by contract, weighted list, weighted per registered patient,
# core and local schemes per weighted patient. England: the other streams per weighted patient.
CONTRACTS = {"GMS": 26, "PMS": 19, "APMS": 5}
WEIGHTED_LIST = 308_000
WEIGHTED_PER_REGISTERED = 307_164 / 298_620
CORE_PER_WEIGHTED_PATIENT = 72.83
NET_GLOBAL_SUM_PRICE = 73.56 * (1 - 0.0546)
PER_WEIGHTED_PATIENT = {
    "seniority": 124.101 / 56.626,
    "qof": 722.394 / 56.626,
    "premises": 671.774 / 56.626,
    "local_schemes": 1.67,
    "other_payments": 14.86,
}
PRACTICES_WITH_CORRECTION_FACTOR = 0.61
MEAN_CORRECTION_FACTOR = 12_000.0 * 6 / 7
ENHANCED_SERVICES_PER_PATIENT = 5.0


def example_practices(seed: int = 2015) -> xr.Dataset:
    """Make a commissioner like NHS Bolton CCG in 2014/15. Every practice in it is invented.

    Parameters
    ----------
    seed : int
        The same seed gives the same practices on every machine.

    Returns
    -------
    xarray.Dataset
        On ``practice``, with the variables and coordinates that `read_payments` gives: lists
        [patient] and payments [GBP/year] in whole pounds.

    Notes
    -----
    Totals agree with published aggregates: a weighted list of about 308,000, core payments of about
    £72.83 per weighted patient, 26 GMS, 19 PMS and 5 APMS practices. The spread between practices
    is assumed.

    Examples
    --------
    >>> practices = example_practices()
    >>> round(float(practices["weighted_list"].sum()), -3)
    308000.0
    """
    import xarray as xr

    columns, attributes = example_columns(seed)
    units = {name: {"units": unit, "long_name": title} for name, (unit, title) in FIGURES.items()}
    units["london_practice"] = {"units": "1"}
    figures = {name: ("practice", columns[name], units[name]) for name in units}
    labels = {name: ("practice", texts) for name, texts in columns.items() if name not in units}
    return xr.Dataset(figures, labels, attributes)


def example_columns(seed: int = 2015) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """The same practices as plain columns, with what is said of them.

    Parameters
    ----------
    seed : int

    Returns
    -------
    columns : dict of str to list
        By name; figures are numbers, labels are texts.
    attributes : dict of str to str

    Examples
    --------
    >>> columns, attributes = example_columns()
    >>> columns["practice"][0], attributes["fiscal_year"]
    ('EX001', '2014/15')
    """
    chance = random.Random(seed)
    contracts = [name for name, count in CONTRACTS.items() for _ in range(count)]
    chance.shuffle(contracts)
    weighted = _lists(chance, len(contracts))
    rows = [_practice(chance, c, w) for c, w in zip(contracts, weighted, strict=True)]
    _bring_core_to_published(rows)
    for row in rows:
        paid = sum(row[name] for name in FIGURES if name in row and not name.endswith("_list"))
        enhanced = round(row["registered_list"] * ENHANCED_SERVICES_PER_PATIENT)
        row["total_payments"] = paid + enhanced
    count = len(rows)
    columns: dict[str, list[Any]] = {name: [float(row[name]) for row in rows] for name in FIGURES}
    columns["london_practice"] = [0.0] * count
    columns["practice"] = [f"EX{number:03d}" for number in range(1, count + 1)]
    columns["practice_name"] = [f"Example practice {n}" for n in range(1, count + 1)]
    columns["commissioner"] = ["EXAMPLE"] * count
    columns["commissioner_name"] = ["Example CCG (synthetic)"] * count
    columns["contract_type"] = contracts
    attributes = {
        "fiscal_year": "2014/15",
        "title": "Synthetic example: an invented commissioner of fifty practices",
        "source": f"synthetic example, seed {seed}",
        "licence": "MIT. Made from published aggregates; no practice in it exists.",
    }
    return columns, attributes


def _lists(chance: random.Random, count: int) -> list[int]:
    drawn = [chance.lognormvariate(0.0, 0.5) for _ in range(count)]
    return [max(1_200, round(WEIGHTED_LIST * share / sum(drawn))) for share in drawn]


def _practice(chance: random.Random, contract: str, weighted: int) -> dict[str, int]:
    at_price = weighted * NET_GLOBAL_SUM_PRICE * chance.uniform(0.998, 1.008)
    row = {
        "registered_list": round(weighted / WEIGHTED_PER_REGISTERED * chance.uniform(0.93, 1.07)),
        "weighted_list": weighted,
        "global_sum": 0,
        "correction_factor": 0,
        "pms_expenditure": 0,
    }
    if contract == "GMS":
        row["global_sum"] = round(at_price)
        if chance.random() < PRACTICES_WITH_CORRECTION_FACTOR:
            row["correction_factor"] = round(chance.expovariate(1 / MEAN_CORRECTION_FACTOR))
    else:
        row["pms_expenditure"] = round(at_price + weighted * chance.uniform(-3.0, 21.0))
    for name, per_patient in PER_WEIGHTED_PATIENT.items():
        row[name] = round(weighted * per_patient * chance.uniform(0.6, 1.4))
    return row


def _bring_core_to_published(rows: list[dict[str, int]]) -> None:
    """Move every PMS and APMS contract by the same sum a patient, so that core is as published."""
    core = ("global_sum", "correction_factor", "pms_expenditure")
    wanted = CORE_PER_WEIGHTED_PATIENT * sum(row["weighted_list"] for row in rows)
    others = [row for row in rows if row["pms_expenditure"]]
    missing = wanted - sum(row[name] for row in rows for name in core)
    per_patient = missing / sum(row["weighted_list"] for row in others)
    for row in others:
        row["pms_expenditure"] += round(per_patient * row["weighted_list"])
