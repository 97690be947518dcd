"""Random draws side by side: the quantiles of `engine.quantiles` for 128 draws at once.

Every function here gives the bits of its namesake for one draw, which stays the naive twin. Two
things make them many times as fast. What differs between draws stands in loops without a jump or a
call, which a compiler turns into vector instructions. And a count is a whole number: any cheaper
point is as good as the expansion's own, if it lies further from a whole number than the two may
differ and than the expansion may err. Draws that are too close, and all that is out of the
ordinary, are left to the function for one draw.

Numbers lie in `rows`, one row of 128 lanes behind another, and `bits` is the same memory as 64-bit
integers. A row is named by the place where it begins, an unsigned integer, since Numba asks of each
signed one whether it is negative. The functions are pasted into kernels as those for one draw are
(`lane_text`). An index to a row of few numbers is kept as bits.

The point of a count
--------------------
With σ² = mean × spread − 1/12 the Cornish–Fisher expansion of `negative_binomial_` is a polynomial
in 1/σ, whose coefficients are known from the normal deviate and the spread alone: scenarios share
them. It ends here after the fourth power. What is left out is below 0.15 times the error that
`negative_binomial_` allows itself, and that error is below 1.14 times (1/σ)³ × `_ERROR`'s numerator
where the skewness is at most 0.6; 1.3 times covers both. Rounding is given 8e-15 of the mean.
"""

from __future__ import annotations

import functools
import inspect

from numpy import floor as whole_
from numpy import sqrt as root_
from numpy import uint64 as place_

from capitation.engine.quantiles import (
    expansion_,
    gamma_level_,
    gamma_shape_,
    log_,
    negative_binomial_,
    normal_,
    stirling_,
)
from capitation.engine.samplers import kernel_text, mix_

LANES = 128
"""Draws of a block."""

NORMAL_ROWS, COUNT_ROWS, GAMMA_ROWS = 6, 7, 16
"""Rows that `normal_lanes_` and `gamma_level_lanes_` work in, and that `count_terms_` writes."""

NONE_ = float("nan")

# ------------------------------------------------------------------ pasted into kernels


def key_of_draws_(practice_key: int, period_key: int, stream: int) -> int:
    """What the draws of one practice, period and stream have in common: see `uniform_`."""
    key = mix_(0x9E3779B97F4A7C15 ^ practice_key)
    key = mix_(key ^ period_key)
    return mix_(key ^ stream)


def uniform_lanes_(key, draw_key, draw_at, rows, u):
    """Uniforms of a block of draws, whose keys begin at `draw_at`."""
    for l_ in range(place_(128)):
        x = key ^ draw_key[draw_at + l_]
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 31)) + key & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        # The upper 53 bits where they stand: a shift would keep them from a vector conversion.
        value = ((x ^ (x >> 31)) & 0xFFFFFFFFFFFFF800) * 5.421010862427522e-20
        rows[u + l_] = value if value > 0.0 else 5.551115123125783e-17


def log_lanes_(rows, bits, x, y, spare, count):
    """`log_` of positive numbers that are not subnormal."""
    power = spare + place_(128)
    for l_ in range(count):
        b = bits[x + l_]
        bits[spare + l_] = (b & 0xFFFFFFFFFFFFF) | 0x3FE0000000000000
        bits[power + l_] = (b >> 52) | 0x4330000000000000
    for l_ in range(count):
        m = rows[spare + l_]
        k = rows[power + l_] - 4503599627371518.0
        small = m < 0.7071067811865476
        m = m * 2.0 if small else m
        k = k - 1.0 if small else k
        f = m - 1.0
        s = f / (2.0 + f)
        z = s * s
        w = z * z
        even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373))
        odd = z * (
            0.6666666666666735
            + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586))
        )
        half = 0.5 * f * f
        rows[y + l_] = k * 0.6931471803691238 - (
            (half - (s * (half + even + odd) + k * 1.9082149292705877e-10)) - f
        )


def exp_lanes_(rows, bits, x, y, spare, count):
    """`exp_` of numbers between −700 and 700."""
    power = spare + place_(128)
    for l_ in range(count):
        at = rows[x + l_]
        k = whole_(at * 1.4426950408889634 + 0.5)
        high = at - k * 0.6931471803691238
        low = k * 1.9082149292705877e-10
        r = high - low
        t = r * r
        c = r - t * (
            0.16666666666666602
            + t
            * (
                -0.0027777777777015593
                + t
                * (
                    6.613756321437934e-05
                    + t * (-1.6533902205465252e-06 + t * 4.1381367970572385e-08)
                )
            )
        )
        rows[spare + l_] = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
        # The last bits are then k, and those of 2 to the power of k are its exponent.
        rows[power + l_] = k + 6755399441055744.0
    for l_ in range(count):
        bits[power + l_] = ((bits[power + l_] + 1023) << 52) & 0xFFFFFFFFFFFFFFFF
    for l_ in range(count):
        rows[y + l_] = rows[spare + l_] * rows[power + l_]


def normal_lanes_(rows, bits, u, w, spare):
    """`normal_` of each lane: the middle of all lanes, then the tails of those that are in one."""
    for l_ in range(place_(128)):
        q = rows[u + l_] - 0.5
        r = 0.180625 - q * q
        a = r * 2509.0809287301227 + 33430.57558358813
        a = (a * r + 67265.7709270087) * r + 45921.95393154987
        a = (a * r + 13731.69376550946) * r + 1971.5909503065513
        a = (a * r + 133.14166789178438) * r + 3.3871328727963665
        b = r * 5226.495278852854 + 28729.085735721943
        b = (b * r + 39307.89580009271) * r + 21213.794301586597
        b = (b * r + 5394.196021424751) * r + 687.1870074920579
        b = (b * r + 42.31333070160091) * r + 1.0
        rows[w + l_] = q * a / b
    lane = spare + place_(128)
    count = place_(0)
    for l_ in range(place_(128)):
        bits[lane + count] = l_
        count += place_(abs(rows[u + l_] - 0.5) > 0.425)
    tail = spare + place_(256)
    for l_ in range(count):
        at = rows[u + bits[lane + l_]]
        rows[spare + l_] = at if at < 0.5 else 1.0 - at
    log_lanes_(rows, bits, spare, tail, spare + place_(384), count)
    for l_ in range(count):
        r = root_(-rows[tail + l_]) - 1.6
        a = r * 0.0007745450142783414 + 0.022723844989269184
        a = (a * r + 0.2417807251774506) * r + 1.2704582524523684
        a = (a * r + 3.6478483247632045) * r + 5.769497221460691
        a = (a * r + 4.630337846156546) * r + 1.4234371107496835
        b = r * 1.0507500716444169e-09 + 0.0005475938084995345
        b = (b * r + 0.015198666563616457) * r + 0.14810397642748008
        b = (b * r + 0.6897673349851) * r + 1.6763848301838038
        b = (b * r + 2.053191626637759) * r + 1.0
        rows[tail + l_] = a / b
    for l_ in range(count):
        own = bits[lane + l_]
        value = rows[tail + l_]
        # Beyond that lies the far tail, where another fraction is used.
        if rows[spare + l_] < 2e-11:
            rows[w + own] = normal_(rows[u + own])
        else:
            rows[w + own] = -value if rows[u + own] < 0.5 else value


def count_terms_(spread, rows, w, terms):
    """What the points of counts have in common, whatever the mean: seven rows from `terms` on.

    They are coefficients of the powers of 1/σ, from −1 to 4, and of the error.
    """
    over = spread * (spread - 1.0)
    slope = 2.0 * spread - 1.0
    square = slope * slope
    fourth = 6.0 * over + 1.0
    fifth = slope * (12.0 * over + 1.0)
    a0 = slope / 6.0
    a1 = fourth / 24.0
    b1 = square / 36.0
    a2 = fifth / 120.0
    b2 = slope * fourth / 24.0
    c2 = slope * square / 216.0
    a3 = (fourth / 12.0 + 1.0 / 120.0) / 24.0
    b4 = slope * (fourth / 6.0 + 1.0 / 120.0) / 24.0
    d2, b3, a4, c4 = a0 / 12.0, b1 / 6.0, a2 / 12.0, c2 / 4.0
    fading = 1.0 / (spread * spread * spread * spread)
    least = 1.3 * square * square * (0.003 + 0.03 * fading)
    rising = 1.3 * square * square * (0.00003 + 0.001 * fading)
    t0 = terms + place_(128)
    t1 = terms + place_(256)
    t2 = terms + place_(384)
    t3 = terms + place_(512)
    t4 = terms + place_(640)
    error = terms + place_(768)
    for l_ in range(place_(128)):
        d = rows[w + l_]
        s = d * d
        third = (s - 6.0) * s + 3.0
        middle = (s - 5.0) * s + 2.0
        cubic = (8.0 * s - 35.333333333333336) * s + 11.333333333333334
        ends = 2.0 * s - 5.0
        rows[terms + l_] = d
        rows[t0 + l_] = 0.5 + a0 * (s - 1.0)
        rows[t1 + l_] = d * (a1 * (s - 3.0) - b1 * ends)
        rows[t2 + l_] = d2 * (s - 1.0) + a2 * third - b2 * middle + c2 * cubic
        rows[t3 + l_] = d * (a3 * (s - 3.0) - b3 * ends)
        rows[t4 + l_] = a4 * third - b4 * middle + c4 * cubic
        rows[error + l_] = least + rising * s * s * s


def count_lanes_(spread, rows, mean, terms, counts):
    """Counts that are beyond doubt, and −1 for the others; gives how many others there are."""
    slope = 2.0 * spread - 1.0
    least = slope * slope * 2.777777778
    t0 = terms + place_(128)
    t1 = terms + place_(256)
    t2 = terms + place_(384)
    t3 = terms + place_(512)
    t4 = terms + place_(640)
    error = terms + place_(768)
    doubtful = 0
    for l_ in range(place_(128)):
        m = rows[mean + l_]
        variance = m * spread
        deviation = root_(variance - 0.08333333333333333)
        i = 1.0 / deviation
        y = rows[t4 + l_] * i + rows[t3 + l_]
        y = y * i + rows[t2 + l_]
        y = y * i + rows[t1 + l_]
        y = y * i + rows[t0 + l_]
        x = m + (y + deviation * rows[terms + l_])
        count = whole_(x)
        above = x - count
        margin = rows[error + l_] * i * i * i + m * 8e-15
        sure = (above >= margin) & (1.0 - above >= margin) & (variance >= least)
        rows[counts + l_] = count if sure else -1.0
        doubtful += 0 if sure else 1
    return doubtful


def negative_binomial_lanes_(spread, rows, mean, u, terms, counts):
    """`negative_binomial_` of each lane, with the rows of `count_terms_` for this spread."""
    ordinary = (spread > 0.0) & (spread <= 1000.0)
    if ordinary and count_lanes_(larger_one_(spread), rows, mean, terms, counts) == 0:
        return
    for l_ in range(place_(128)):
        if not (ordinary and rows[counts + l_] >= 0.0):
            rows[counts + l_] = negative_binomial_(rows[mean + l_], spread, rows[u + l_])


def larger_one_(spread):
    """The overdispersion that is meant by one up to 1: that of a Poisson law."""
    return spread if spread > 1.0 else 1.0


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


def gamma_level_lanes_(variation, rows, bits, u, w, levels, spare):
    """`gamma_level_` of each lane, whose normal deviates are in `w`."""
    square = variation * variation
    shape = gamma_shape_(variation)
    if variation < 0.02:
        third, fifth = 6.0 * square, 24.0 * variation * square
        for l_ in range(place_(128)):
            expanded = variation * expansion_(rows[w + l_], 2.0 * variation, third, fifth)
            rows[levels + l_] = 1.0 + expanded
        return
    own, y, of, step = spare, spare + place_(128), spare + place_(256), spare + place_(384)
    work = spare + place_(512)
    for l_ in range(place_(128)):
        bits[own + l_] = l_
        rows[of + l_] = rows[u + l_]
        rows[levels + l_] = NONE_
    count = place_(128)
    if variation > 1e7:
        count = place_(0)
    else:
        rest = stirling_(shape)
        gamma_start_lanes_(variation, rest, rows, bits, u, w, y, work)
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
    for l_ in range(place_(128)):
        # Those whose search left the ordinary, or came to no end.
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


_PASTED = (
    key_of_draws_,
    uniform_lanes_,
    log_lanes_,
    exp_lanes_,
    normal_lanes_,
    count_terms_,
    count_lanes_,
    larger_one_,
    negative_binomial_lanes_,
    series_lanes_,
    fraction_lanes_,
    tail_lanes_,
    slope_lanes_,
    gamma_start_lanes_,
    gamma_step_lanes_,
    gamma_level_lanes_,
    gamma_lanes_,
)


@functools.cache
def lane_text() -> str:
    """The text of the functions for a kernel: those for one draw, and those for a block of them.

    Returns
    -------
    str
    """
    imports = "".join(f"from numpy import {a} as {b}\n" for a, b in _NUMPY)
    functions = (f"@compiled\n{inspect.getsource(function)}" for function in _PASTED)
    return "\n\n".join([kernel_text(), f"{imports}\nNONE_ = float('nan')\n", *functions])


_NUMPY = (("floor", "whole_"), ("sqrt", "root_"), ("uint64", "place_"))
