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
that `negative_binomial_` allows itself is below 1.14 times that; 1.3 times covers both.

All but the mean itself is worked out in numbers of four bytes, twice as many at once: a rounding
error of 6e-8 of a part that is small beside the mean. It is given 4e-7 σ |w| + 1e-6 slope (1 + 0.7
w² + 0.07 w⁴), where the bracket bounds the sum of the other terms, each as large as it may be, and
the numbers before it are some seven and twelve roundings.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

from numpy import float32 as single_
from numpy import floor as whole_
from numpy import sqrt as root_
from numpy import uint64 as place_

from capitation.engine.quantiles import negative_binomial_, normal_

NORMAL_ROWS, COUNT_ROWS = 6, 6
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


def count_terms_(spread, rows, singles, w, terms):
    """What the points of counts have in common, whatever the mean, as numbers of four bytes.

    Rows of `singles`: the deviate; coefficients of the powers of 1/σ from 0 to 4; of σ⁻³ in what
    the expansion may err; of σ, and of 1, in what rounding may.
    """
    over = spread * (spread - 1.0)
    slope = 2.0 * spread - 1.0
    square = slope * slope
    fourth = 6.0 * over + 1.0
    fifth = slope * (12.0 * over + 1.0)
    a1 = fourth / 24.0
    b1 = square / 36.0
    a2 = fifth / 120.0
    b2 = slope * fourth / 24.0
    c2 = slope * square / 216.0
    d2 = slope / 72.0
    a3 = (fourth / 12.0 + 1.0 / 120.0) / 24.0
    b3 = b1 / 6.0
    a4 = a2 / 12.0
    b4 = slope * (fourth / 6.0 + 1.0 / 120.0) / 24.0
    c4 = c2 / 4.0
    fading = 1.0 / (spread * spread * spread * spread)
    # Coefficients of polynomials in the square of the deviate, or in that times the deviate.
    t00, t01 = single_(0.5 - slope / 6.0), single_(slope / 6.0)
    t10, t11 = single_(5.0 * b1 - 3.0 * a1), single_(a1 - 2.0 * b1)
    t20 = single_(3.0 * a2 - 2.0 * b2 + 11.333333333333334 * c2 - d2)
    t21 = single_(5.0 * b2 - 6.0 * a2 - 35.333333333333336 * c2 + d2)
    t22 = single_(a2 - b2 + 8.0 * c2)
    t30, t31 = single_(5.0 * b3 - 3.0 * a3), single_(a3 - 2.0 * b3)
    t40 = single_(3.0 * a4 - 2.0 * b4 + 11.333333333333334 * c4)
    t41 = single_(5.0 * b4 - 6.0 * a4 - 35.333333333333336 * c4)
    t42 = single_(a4 - b4 + 8.0 * c4)
    err0 = single_(1.3 * square * square * (0.003 + 0.03 * fading))
    err6 = single_(1.3 * square * square * (0.00003 + 0.001 * fading))
    wide0, wide1 = single_(4e-9), single_(4e-7)
    flat0, flat2, flat4 = single_(1e-6 * slope), single_(7e-7 * slope), single_(7e-8 * slope)
    dev = terms + terms
    t0 = dev + place_(128)
    t1 = dev + place_(256)
    t2 = dev + place_(384)
    t3 = dev + place_(512)
    t4 = dev + place_(640)
    err = dev + place_(768)
    wide = dev + place_(896)
    flat = dev + place_(1024)
    for l_ in range(place_(128)):
        singles[dev + l_] = rows[w + l_]
    for l_ in range(place_(128)):
        d = singles[dev + l_]
        s = d * d
        singles[t0 + l_] = t01 * s + t00
        singles[t1 + l_] = d * (t11 * s + t10)
        singles[t2 + l_] = (t22 * s + t21) * s + t20
        singles[t3 + l_] = d * (t31 * s + t30)
        singles[t4 + l_] = (t42 * s + t41) * s + t40
        singles[err + l_] = err6 * s * s * s + err0
        singles[wide + l_] = wide1 * abs(d) + wide0
        singles[flat + l_] = (flat4 * s + flat2) * s + flat0


def count_lanes_(spread, rows, singles, mean, terms, counts):
    """Counts of `negative_binomial_` that are beyond doubt, and −1 for the others.

    Gives how many others there are: `counts_in_doubt_` is for them. In a kernel's own loop the two
    calls cost a tenth less than in a function around them.
    """
    over = larger_one_(spread)
    slope = 2.0 * over - 1.0
    # No variance is enough for a spread that is none of this law's.
    ordinary = 0.0 < spread <= 1000.0
    least = single_(slope * slope * 2.777777778 if ordinary else 1e999)
    most = single_(4e8)
    own = single_(over)
    lattice, one, half, none = single_(1.0 / 12.0), single_(1.0), single_(0.5), single_(-1.0)
    dev = terms + terms
    t0 = dev + place_(128)
    t1 = dev + place_(256)
    t2 = dev + place_(384)
    t3 = dev + place_(512)
    t4 = dev + place_(640)
    err = dev + place_(768)
    wide = dev + place_(896)
    flat = dev + place_(1024)
    part = dev + place_(1152)
    near = dev + place_(1280)
    for l_ in range(place_(128)):
        singles[part + l_] = rows[mean + l_]
    for l_ in range(place_(128)):
        variance = singles[part + l_] * own
        v = variance - lattice
        # The root and the division wait for nothing but v, so that they are worked out at once.
        i2 = one / v
        deviation = root_(v)
        i = i2 * deviation
        fine = singles[t4 + l_] * i2 + (singles[t3 + l_] * i + singles[t2 + l_])
        y = fine * i2 + (singles[t1 + l_] * i + singles[t0 + l_])
        singles[part + l_] = y + deviation * singles[dev + l_]
        doubt = singles[err + l_] * i2 * i + (singles[wide + l_] * deviation + singles[flat + l_])
        expanded = (variance >= least) & (variance <= most)
        singles[near + l_] = half - doubt if expanded else none
    doubtful = 0
    for l_ in range(place_(128)):
        x = rows[mean + l_] + singles[part + l_]
        count = whole_(x)
        sure = abs(x - count - 0.5) <= singles[near + l_]
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
