"""What a random rule names: the distribution that its value is drawn from, around its mean."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("negative_binomial", "gamma")


@dataclass(frozen=True)
class Distribution:
    """How the value of a random rule is drawn in a simulation.

    Attributes
    ----------
    kind : {"negative_binomial", "gamma"}
    spread : str
        Name of the rule, input or term that says how wide it is.
    like : str
        Name of another random rule whose random numbers it shares; its own if empty.
    """

    kind: str
    spread: str
    like: str = ""


def negative_binomial(overdispersion: str, *, like: str = "") -> Distribution:
    """Counts around the mean, with a variance of so many times the mean.

    Parameters
    ----------
    overdispersion : str
        Name of what gives variance ÷ mean: 1 is Poisson, and 0 says that the mean is certain. [1]
    like : str, optional
        Name of another random rule whose random numbers it shares, so that both move together.

    Returns
    -------
    Distribution

    Examples
    --------
    >>> negative_binomial("admissions_overdispersion").spread
    'admissions_overdispersion'
    """
    return Distribution("negative_binomial", overdispersion, like)


def gamma(variation: str, *, like: str = "") -> Distribution:
    """Positive values around the mean.

    Parameters
    ----------
    variation : str
        Name of what gives standard deviation ÷ mean; 0 says that the mean is certain. [1]
    like : str, optional
        Name of another random rule whose random numbers it shares, so that both move together.

    Returns
    -------
    Distribution
    """
    return Distribution("gamma", variation, like)
