"""Gamma quantiles of a block of draws: the bits of `gamma_`, side by side.

Where a series gives them, the coefficients are worked out once for all lanes. Elsewhere they are
searched for, and lanes whose search has ended are left out of the next step. A lane that is beyond
the series, or whose search leaves the ordinary (a level beyond exp(±600), a tail too small for a
number), is left to `gamma_level_`.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from numpy import sqrt as root_
from numpy import uint64 as place_

from capitation.engine.gamma_terms import gamma_terms_
from capitation.engine.lane_draws.quantiles import exp_lanes_, log_lanes_
from capitation.engine.quantiles import (
    expansion_,
    gamma_level_,
    gamma_shape_,
    log_,
    stirling_,
)

NONE_ = float("nan")

GAMMA_ROWS = 16
"""Rows that `gamma_level_lanes_` works in."""


def series_lanes_(shape, rows, x, total, spare, count):
    """The series of the lower tail of a gamma law, until no lane's total moves any more."""
    for l_ in range(count):
        rows[spare + l_] = 1.0 / shape
        rows[total + l_] = 1.0 / shape
    n = shape
    going = 1
    while going > 0:
        n1 = n + 1.0
        n2 = n1 + 1.0
        n3 = n2 + 1.0
        n = n3 + 1.0
        going = 0
        # A term after the last that counts does not move the total, so lanes need not stop at once.
        for l_ in range(count):
            at = rows[x + l_]
            first = rows[spare + l_] * at / n1
            second = first * at / n2
            third = second * at / n3
            term = third * at / n
            sum_ = rows[total + l_] + first + second + third + term
            rows[spare + l_] = term
            rows[total + l_] = sum_
            going += 1 if term > 1e-17 * sum_ else 0


def fraction_lanes_(shape, rows, x, total, spare, count):
    """The continued fraction of the upper tail of a gamma law; gives whether it converged."""
    c, d, factor = spare, spare + place_(128), spare + place_(256)
    n = spare + place_(384)
    for l_ in range(count):
        b = rows[x + l_] + 1.0 - shape
        rows[n + l_] = b
        rows[c + l_] = 1e300
        rows[d + l_] = 1.0 / b
        rows[total + l_] = 1.0 / b
        rows[factor + l_] = 2.0
    k = 0.0
    going = 1
    while going > 0 and k < 2000.0:
        k = k + 1.0
        term = k * (shape - k)
        going = 0
        for l_ in range(count):
            b = rows[n + l_] + 2.0
            before = rows[factor + l_]
            sum_ = rows[total + l_]
            d_ = 1.0 / (term * rows[d + l_] + b)
            c_ = b + term / rows[c + l_]
            goes = abs(before - 1.0) > 1e-16
            after = c_ * d_ if goes else before
            rows[n + l_] = b
            rows[d + l_] = d_
            rows[c + l_] = c_
            rows[factor + l_] = after
            rows[total + l_] = sum_ * after if goes else sum_
            going += 1 if abs(after - 1.0) > 1e-16 else 0
    return going == 0


def tail_lanes_(shape, near, rows, bits, x, slope, lower, upper, spare, count):
    """Both tails of a gamma law, of those lanes that are near its lower end or of the others."""
    own, at, total = spare, spare + place_(128), spare + place_(256)
    found = place_(0)
    for l_ in range(count):
        bits[own + found] = l_
        rows[at + found] = rows[x + l_]
        found += place_((rows[x + l_] < shape + 1.0) == near)
    if near:
        series_lanes_(shape, rows, at, total, spare + place_(384), found)
        for l_ in range(found):
            lane = bits[own + l_]
            rows[lower + lane] = rows[slope + lane] * rows[total + l_]
            rows[upper + lane] = 1.0 - rows[lower + lane]
        return True
    converged = fraction_lanes_(shape, rows, at, total, spare + place_(384), found)
    for l_ in range(found):
        lane = bits[own + l_]
        rows[upper + lane] = rows[slope + lane] * rows[total + l_]
        rows[lower + lane] = 1.0 - rows[upper + lane]
    return converged


def slope_lanes_(shape, rest, rows, bits, x, slope, spare, count):
    """How fast the tail of a gamma law moves with log x; a number too small for one is not one."""
    ratio, power = spare, spare + place_(128)
    work = spare + place_(256)
    for l_ in range(count):
        rows[ratio + l_] = shape / rows[x + l_]
    log_lanes_(rows, bits, ratio, power, work, count)
    for l_ in range(count):
        at = rows[x + l_]
        excess = shape - at
        v = excess / (shape + at)
        s = v * v
        series = 1.0 / 13.0 + s * (1.0 / 15.0 + s * (1.0 / 17.0))
        series = 1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s * series))
        series = 1.0 / 3.0 + s * (1.0 / 5.0 + s * series)
        far = shape * rows[power + l_] - excess
        close = excess * v + 2.0 * shape * v * s * series
        exponent = -rest - (far if abs(excess) >= 0.1 * (shape + at) else close)
        rows[power + l_] = exponent if exponent > -600.0 else -650.0
    exp_lanes_(rows, bits, power, slope, work, count)
    root = root_(shape / 6.283185307179586)
    for l_ in range(count):
        rows[slope + l_] = rows[slope + l_] * root if rows[power + l_] > -600.0 else NONE_


def gamma_start_lanes_(variation, rest, rows, bits, u, w, y, spare):
    """Where the search for a gamma quantile starts, as a logarithm."""
    shape = gamma_shape_(variation)
    square = variation * variation
    of, deep = spare, spare + place_(128)
    third, fifth = 6.0 * square, 24.0 * variation * square
    for l_ in range(place_(128)):
        expanded = variation * expansion_(rows[w + l_], 2.0 * variation, third, fifth)
        start = 1.0 - square / 9.0 + rows[w + l_] * variation / 3.0
        usual = (variation < 0.4) & (expanded > -0.8)
        inside = start > 0.25
        cubed = shape * start * start * start
        rows[of + l_] = shape * (1.0 + expanded) if usual else cubed if inside else rows[u + l_]
        rows[deep + l_] = 0.0 if usual | inside else 1.0
    log_lanes_(rows, bits, of, y, spare + place_(256), place_(128))
    of_shape = (shape + 0.5) * log_(shape)
    for l_ in range(place_(128)):
        start = rows[y + l_]
        below = (start + 0.9189385332046728 + rest - shape + of_shape) / shape
        rows[y + l_] = below if rows[deep + l_] > 0.5 else start


def gamma_step_lanes_(shape, rest, rows, bits, u, y, step, spare, count):
    """One step of Newton's iteration in each lane; no number where the scalar function decides."""
    x, slope = spare, spare + place_(128)
    lower, upper = spare + place_(256), spare + place_(384)
    work = spare + place_(512)
    for l_ in range(count):
        rows[step + l_] = rows[y + l_] if abs(rows[y + l_]) < 600.0 else 0.0
    exp_lanes_(rows, bits, step, x, work, count)
    slope_lanes_(shape, rest, rows, bits, x, slope, work, count)
    tail_lanes_(shape, True, rows, bits, x, slope, lower, upper, work, count)
    converged = tail_lanes_(shape, False, rows, bits, x, slope, lower, upper, work, count)
    ratio, log = work, work + place_(128)
    for l_ in range(count):
        low = rows[u + l_] <= 0.5
        over = rows[u + l_] if low else rows[upper + l_]
        under = rows[lower + l_] if low else 1.0 - rows[u + l_]
        rows[ratio + l_] = over / under
    log_lanes_(rows, bits, ratio, log, work + place_(256), count)
    for l_ in range(count):
        low = rows[u + l_] <= 0.5
        gap = (rows[lower + l_] if low else rows[upper + l_]) * rows[log + l_]
        usual = (rows[ratio + l_] > 1e-300) & (rows[ratio + l_] < 1e300)
        usual = usual & (abs(rows[y + l_]) < 600.0)
        rows[step + l_] = gap / rows[slope + l_] if usual else NONE_
    return converged


def gamma_series_lanes_(variation, rows, w, levels):
    """Levels by the series of `gamma_terms_`; no number where it does not reach."""
    shape = gamma_shape_(variation)
    for l_ in range(place_(128)):
        rows[levels + l_] = 0.0
    for term in gamma_terms_(variation * variation):
        for l_ in range(place_(128)):
            rows[levels + l_] = rows[levels + l_] * (variation * rows[w + l_]) + term
    for l_ in range(place_(128)):
        reached = abs(variation * rows[w + l_]) <= 1.0
        rows[levels + l_] = shape * rows[levels + l_] if reached else NONE_


def gamma_search_lanes_(variation, rows, bits, u, w, levels, spare):
    """Levels by Newton's iteration; no number where it leaves the ordinary or comes to no end."""
    shape = gamma_shape_(variation)
    rest = stirling_(shape)
    own, y, of, step = spare, spare + place_(128), spare + place_(256), spare + place_(384)
    work = spare + place_(512)
    for l_ in range(place_(128)):
        bits[own + l_] = l_
        rows[of + l_] = rows[u + l_]
        rows[levels + l_] = NONE_
    gamma_start_lanes_(variation, rest, rows, bits, u, w, y, work)
    count = place_(128)
    tries = 0
    while count > 0 and tries < 20:
        tries += 1
        if not gamma_step_lanes_(shape, rest, rows, bits, of, y, step, work, count):
            count = place_(0)
        still = place_(0)
        for l_ in range(count):
            lane, of_lane = bits[own + l_], rows[of + l_]
            by = rows[step + l_]
            after = rows[y + l_] + (by if by < 1.0 else 1.0)
            bits[own + still] = lane
            rows[of + still] = of_lane
            rows[y + still] = after
            if abs(by) < 1e-7:
                rows[levels + lane] = after
            still += place_(abs(by) >= 1e-7)
        count = still
    exp_lanes_(rows, bits, levels, levels, work, place_(128))


def gamma_level_lanes_(variation, rows, bits, u, w, levels, spare):
    """`gamma_level_` of each lane, whose normal deviates are in `w`."""
    if variation < 0.02:
        square = variation * variation
        third, fifth = 6.0 * square, 24.0 * variation * square
        for l_ in range(place_(128)):
            expanded = variation * expansion_(rows[w + l_], 2.0 * variation, third, fifth)
            rows[levels + l_] = 1.0 + expanded
        return
    if variation <= 0.3:
        gamma_series_lanes_(variation, rows, w, levels)
    elif variation <= 1e7:
        gamma_search_lanes_(variation, rows, bits, u, w, levels, spare)
    else:
        for l_ in range(place_(128)):
            rows[levels + l_] = NONE_
    for l_ in range(place_(128)):
        if not rows[levels + l_] >= 0.0:
            rows[levels + l_] = gamma_level_(variation, rows[u + l_])


def gamma_lanes_(variation, rows, mean, levels, out):
    """`gamma_` of each lane, with the levels of `gamma_level_lanes_` for this variation."""
    if not variation > 0.0:
        for l_ in range(place_(128)):
            rows[out + l_] = rows[mean + l_] if variation <= 0.0 else variation
        return
    shape = gamma_shape_(variation)
    for l_ in range(place_(128)):
        m = rows[mean + l_]
        level = rows[levels + l_]
        rows[out + l_] = 0.0 if (m <= 0.0) | (level < 0.0) else m * level / shape


PASTED = (
    series_lanes_,
    fraction_lanes_,
    tail_lanes_,
    slope_lanes_,
    gamma_start_lanes_,
    gamma_step_lanes_,
    gamma_series_lanes_,
    gamma_search_lanes_,
    gamma_level_lanes_,
    gamma_lanes_,
)
