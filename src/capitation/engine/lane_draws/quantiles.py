"""Quantiles of a block of draws: the bits of `engine.quantiles`, 128 draws at once.

Two things make them many times as fast. What differs between draws stands in loops without a jump
or a call, which a compiler turns into vector instructions. And a count is a whole number: any
cheaper point is as good as the expansion's own, if it lies further from a whole number than the two
may differ and than the expansion may err. Draws that are too close, and all that is out of the
ordinary, are left to the function for one draw.

The point of a count
--------------------
With σ² = mean × spread − 1/12 the Cornish–Fisher expansion of `negative_binomial_` is a polynomial
in 1/σ, whose coefficients are known from the normal deviate and the spread alone: scenarios share
them. It ends here after the fourth power. Where the skewness is at most 0.6, what is left out is
below 0.15 times σ⁻³ × slope⁴ × (0.003 + 0.00003 w⁶ + (0.03 + 0.001 w⁶) / spread⁴), and the error
that `negative_binomial_` allows itself is below 1.14 times that; 1.3 times covers both. Rounding is
given 8e-15 of the mean.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from numpy import floor as whole_
from numpy import sqrt as root_
from numpy import uint64 as place_

from capitation.engine.quantiles import negative_binomial_, normal_

NORMAL_ROWS, COUNT_ROWS = 6, 7
"""Rows that `normal_lanes_` works in, and that `count_terms_` writes."""


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
    """Counts of `negative_binomial_` that are beyond doubt, and −1 for the others.

    Gives how many others there are: `counts_in_doubt_` is for them. In a kernel's own loop the two
    calls cost a tenth less than in a function around them.
    """
    over = larger_one_(spread)
    slope = 2.0 * over - 1.0
    # No variance is enough for a spread that is none of this law's.
    least = slope * slope * 2.777777778 if 0.0 < spread <= 1000.0 else 1e999
    t0 = terms + place_(128)
    t1 = terms + place_(256)
    t2 = terms + place_(384)
    t3 = terms + place_(512)
    t4 = terms + place_(640)
    error = terms + place_(768)
    doubtful = 0
    for l_ in range(place_(128)):
        m = rows[mean + l_]
        variance = m * over
        v = variance - 0.08333333333333333
        # The root and the division wait for nothing but v, so that they are worked out at once.
        i2 = 1.0 / v
        deviation = root_(v)
        i = i2 * deviation
        fine = rows[t4 + l_] * i2 + (rows[t3 + l_] * i + rows[t2 + l_])
        y = fine * i2 + (rows[t1 + l_] * i + rows[t0 + l_])
        x = m + (y + deviation * rows[terms + l_])
        count = whole_(x)
        off = abs(x - count - 0.5)
        margin = rows[error + l_] * i2 * i + m * 8e-15
        sure = (off <= 0.5 - margin) & (variance >= least)
        rows[counts + l_] = count if sure else -1.0
        doubtful += 0 if sure else 1
    return doubtful


def counts_in_doubt_(spread, rows, mean, u, counts):
    """`negative_binomial_` of the lanes that `count_lanes_` left."""
    for l_ in range(place_(128)):
        if rows[counts + l_] < 0.0:
            rows[counts + l_] = negative_binomial_(rows[mean + l_], spread, rows[u + l_])


def larger_one_(spread):
    """The overdispersion that is meant by one up to 1: that of a Poisson law."""
    return spread if spread > 1.0 else 1.0


PASTED = (
    log_lanes_,
    exp_lanes_,
    normal_lanes_,
    count_terms_,
    count_lanes_,
    counts_in_doubt_,
    larger_one_,
)
