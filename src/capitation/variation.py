"""Unwarranted variation: how far a practice is from the best of its peers, and how much is chance.

The usual sum takes the mean of the best five of ten similar practices for a benchmark, and all
above it for an opportunity. Small practices differ by chance, and the best five were picked for
their luck too: the sum finds an opportunity where there is none. Here it stands beside what chance
alone would make of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from capitation.errors import Problem, nearest, raise_if_any
from capitation.peers import faults_of_figures, nearest_peers

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

AT_ONCE = 4_000_000
"""Counts that are drawn at once."""


def unwarranted_variation(
    practices: xr.Dataset,
    events: str,
    peers: Mapping[str, Sequence[str]] | None = None,
    *,
    population: str = "registered_list",
    best: int = 5,
    confidence: float = 0.95,
    draws: int = 1000,
    seed: int = 2015,
) -> xr.Dataset:
    """Compare each practice's rate with the mean of the best of its peers, and say what is chance.

    Parameters
    ----------
    practices : xarray.Dataset
        On ``practice``.
    events : str
        Name of its variable of counts, of which fewer is better. [event/year]
    peers : mapping of str to sequence of str, optional
        Codes of each practice's peers, as many for each. The ten of `nearest_peers` if left out.
    population : str
        Name of its variable of people among whom events are counted. [patient]
    best : int
        Of how many peers the mean is the benchmark: those with the lowest rates. With the number
        of all peers, ten say, it is their average, and picks nobody for luck.
    confidence : float
        Of the intervals.
    draws : int
        Of the simulation of chance.
    seed : int
        Of its random numbers: the same seed gives the same figures.

    Returns
    -------
    xarray.Dataset
        On ``practice``. [event/patient/year] ``rate``, with ``rate_low`` and ``rate_high`` (Byar's
        interval of a Poisson count); ``benchmark``; ``gap``, the rate less the benchmark;
        ``gap_by_chance``, the mean gap were all true rates of the practice and its peers the same;
        ``gap_corrected``, less this, with ``gap_low`` and ``gap_high``. [event/year]
        ``opportunity``, the gap above nothing times the population; ``opportunity_by_chance``, the
        mean of the same sum where nothing is there; ``opportunity_corrected`` and
        ``opportunity_at_least``, from the corrected gap and its lower end. ``more_than_chance``:
        whether the interval lies above nothing. ``chance_of_such_gap``: the probability of a gap
        like it, or larger, where nothing is there.

    Raises
    ------
    InputError
        For figures that are missing or below nothing, people that are nobody, peers that are
        unknown, too few, unequally many, named twice or the practice itself. All at once.

    Notes
    -----
    Counts are taken as Poisson: people who come back again and again make for more chance than
    that, and intervals that are wider still. The simulation draws peers' counts at the pooled rate
    of the practice and its peers, and picks the best again in every draw. The practice's own
    chance is widened or narrowed to that of its own rate. Where peers truly differ, luck counts
    for less among the best of them, and the correction is the most that it should be.

    Source
    ------
    Dropkin, Journal of Public Health 2017, doi.org/10.1093/pubmed/fdx136, on NHS RightCare: best
    five of ten; chance left out, 12% of differences found where there are none.

    Examples
    --------
    >>> from capitation import example_practices
    >>> practices = example_practices()
    >>> true_rate = 0.1 * practices["registered_list"]
    >>> by_luck = np.random.default_rng(1).poisson(true_rate)  # nothing is there to be found
    >>> practices["admissions"] = ("practice", by_luck)
    >>> found = unwarranted_variation(practices, "admissions")
    >>> sums = found[["opportunity", "opportunity_by_chance", "opportunity_at_least"]].sum()
    >>> [round(float(one)) for one in sums.values()]
    [958, 1071, 0]

    At what an event costs it is the term ``variation_opportunity`` of a model, which takes a sum
    for each commissioner: here one practice has twice its share, and an admission costs £2,500.

    >>> import capitation
    >>> practices["admissions"][0] *= 2
    >>> found = unwarranted_variation(practices, "admissions")
    >>> cost = 2_500 * float(found["opportunity_at_least"].sum())  # GBP/year
    >>> model = capitation.load_model("partially-integrated-aco")
    >>> model = capitation.with_terms(model, {"variation_opportunity": round(cost)})
    >>> f"{model.terms['variation_opportunity'].at(model.start):,.0f}"
    '1,886,026'
    """
    peers = nearest_peers(practices) if peers is None else peers
    raise_if_any(faults_of_figures(practices, events, population))
    raise_if_any(_faults_of_peers(practices, peers, best, confidence, draws))
    codes = practices["practice"].values.astype(str).tolist()
    row = {code: n for n, code in enumerate(codes)}
    of = np.array([[row[peer] for peer in peers[code]] for code in codes], dtype=np.intp)
    counts = practices[events].values.astype(float)
    people = practices[population].values.astype(float)
    rate = counts / people
    benchmark = _mean_of_best(rate[of], best)
    own, others = _by_chance(counts, people, of, best, draws, seed)
    pooled = _pooled_rate(counts, people, of)
    gap = rate - benchmark
    by_chance = pooled - others.mean(axis=0)
    wider = np.sqrt(np.divide(rate, pooled, out=np.zeros_like(rate), where=pooled > 0))
    luck = (own - pooled) * wider - (others - others.mean(axis=0))
    tail = (1 - confidence) / 2
    luckless, lucky = np.quantile(luck, [tail, 1 - tail], axis=0)
    corrected = gap - by_chance
    # Where a count is rare, no draw may hold one: what was found still lies in its interval.
    low, high = corrected - np.maximum(lucky, 0), corrected - np.minimum(luckless, 0)
    rate_low, rate_high = (ends / people for ends in byar(counts, confidence))
    rates = {
        "rate": rate,
        "rate_low": rate_low,
        "rate_high": rate_high,
        "benchmark": benchmark,
        "gap": gap,
        "gap_by_chance": by_chance,
        "gap_corrected": corrected,
        "gap_low": low,
        "gap_high": high,
    }
    amounts = {
        "opportunity": np.maximum(gap, 0) * people,
        "opportunity_by_chance": np.maximum(own - others, 0).mean(axis=0) * people,
        "opportunity_corrected": np.maximum(corrected, 0) * people,
        "opportunity_at_least": np.maximum(low, 0) * people,
    }
    as_large = (own - others >= gap - 1e-12 * np.abs(gap)).sum(axis=0)
    found: dict[str, Any] = {
        name: ("practice", values, {"units": unit})
        for unit, group in (("event/patient/year", rates), ("event/year", amounts))
        for name, values in group.items()
    }
    found["more_than_chance"] = ("practice", low > 0)
    found["chance_of_such_gap"] = ("practice", (as_large + 1) / (draws + 1), {"units": "1"})
    told = {"events": events, "best": best, "peers": of.shape[1], "confidence": confidence}
    return xr.Dataset(found, {"practice": codes}, {**told, "draws": draws, "seed": seed})


def byar(counts: Numbers, confidence: float = 0.95) -> tuple[Numbers, Numbers]:
    """Byar's approximation to the exact interval of a Poisson count.

    Parameters
    ----------
    counts : numpy.ndarray
    confidence : float

    Returns
    -------
    low, high : numpy.ndarray

    Examples
    --------
    >>> low, high = byar(np.array([0.0, 10.0, 100.0]))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.0, 4.79, 81.36], [3.67, 18.39, 121.63])
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    some = np.maximum(counts, 1.0)
    low = some * (1 - 1 / (9 * some) - z / (3 * np.sqrt(some))) ** 3
    more = counts + 1
    high = more * (1 - 1 / (9 * more) + z / (3 * np.sqrt(more))) ** 3
    return np.where(counts > 0, np.maximum(low, 0.0), 0.0), high


def _mean_of_best(rates: Numbers, best: int) -> Numbers:
    return np.sort(rates, axis=-1)[..., :best].mean(axis=-1)


def _pooled_rate(counts: Numbers, people: Numbers, of: Places) -> Numbers:
    return (counts + counts[of].sum(axis=1)) / (people + people[of].sum(axis=1))


def _by_chance(
    counts: Numbers, people: Numbers, of: Places, best: int, draws: int, seed: int
) -> tuple[Numbers, Numbers]:
    """Rates of the practice, and benchmarks, if all true rates of it and its peers are the same."""
    rng = np.random.default_rng(seed)
    pooled = _pooled_rate(counts, people, of)
    expected = pooled[:, None] * people[of]
    own = rng.poisson(pooled * people, (draws, len(people))) / people
    step = max(AT_ONCE // expected.size, 1)
    benchmarks = [
        _mean_of_best(
            rng.poisson(expected, (min(step, draws - done), *expected.shape)) / people[of], best
        )
        for done in range(0, draws, step)
    ]
    return own, np.concatenate(benchmarks)


# What is wrong with what is given ---------------------------------------------------------------


def _faults_of_peers(
    practices: xr.Dataset,
    peers: Mapping[str, Sequence[str]],
    best: int,
    confidence: float,
    draws: int,
) -> Iterator[Problem]:
    codes = practices["practice"].values.astype(str).tolist()
    known = set(codes)
    sizes = [len(peers[code]) for code in codes if code in peers]
    for code in codes:
        own, where = peers.get(code, ()), f"peers of practice {code}"
        if code not in peers or len(own) != sizes[0]:
            found = f"has {len(own)}" if own else "has none"
            yield Problem(where, found, "name as many peers for every practice")
        if code in own:
            yield Problem(where, "the practice itself is among them", "name others")
        if len(set(own)) < len(own):
            yield Problem(where, "one stands twice", "keep one of them")
        for peer in own:
            if peer not in known:
                yield Problem(where, f"there is no practice {peer!r}", nearest(peer, known))
    if sizes and not 1 <= best <= min(sizes):
        found = f"the best {best} of {min(sizes)}"
        yield Problem("peers", found, "take the mean of one of them at least, or of them all")
    if not 0 < confidence < 1:
        yield Problem("confidence", f"is {confidence:g}", "between 0 and 1, as 0.95")
    if draws < 100:
        yield Problem("draws", f"are {draws}", "100 at least")
