"""Exact quantiles of what is drawn: normal, negative binomial, Poisson, gamma.

Each is one variate of one uniform, and never falls when the uniform or the mean rises. These
functions are pasted into kernels as they stand (`samplers.kernel_text`); they are also the naive
twin of `engine.lane_draws.quantiles`, which gives the same bits for many draws at once.

Method and accuracy
-------------------
Normal
    Algorithm AS 241 (PPND16) of Wichura, Applied Statistics 37 (1988): relative error near 1e-15.
Negative binomial and Poisson
    The exact quantile. Where the skewness is above 0.6 (a Poisson mean below 2.8; below 5.5 with an
    overdispersion of 1.3) the distribution function is summed from zero. Elsewhere a Cornish–Fisher
    expansion to third order, with Sheppard's corrections for the lattice, gives a point between two
    counts. Its error was measured to be at most 0.71 of σ × skewness⁴ × (0.003 + 0.00003 w⁶ +
    (0.03 + 0.001 w⁶) / overdispersion⁴) at a normal deviate of w. Only where the point lies closer
    to a count than that, once in some thousand draws, is the tail summed, starting from the
    probability of one count in Loader's saddle-point form (2000). A count is then one off only if
    the uniform lies within about 1e-12 of a step. Beyond a standard deviation of 20,000 the
    expansion is taken as it is, and beyond an overdispersion of 1,000 a gamma stands in, with an
    error of about one part in the overdispersion.
Gamma
    From a coefficient of variation of 0.02 up to 0.3, for normal deviates up to its inverse, the
    series of `gamma_terms`: relative error below 5e-14, and 5e-15 up to a variation of 0.2.
    Otherwise Newton's iteration on the logarithm of the smaller tail, which is concave in log x and
    so converges from everywhere; the tails by series and continued fraction. Relative error about
    1e-13, and 1e-11 at coefficients of variation of 10. Below a coefficient of variation of 0.02
    the Cornish–Fisher expansion alone: below 1e-8 for deviates up to 4.5.
"""

from __future__ import annotations

from math import floor as floor_
from math import frexp as frexp_
from math import ldexp as ldexp_
from math import sqrt as sqrt_

from capitation.engine.gamma_terms import gamma_terms_


def log_(x: float) -> float:
    """Natural logarithm, within 1 ulp; minus infinity at and below zero."""
    if x <= 0.0:
        return -1e999
    m, k = frexp_(x)
    if m < 0.7071067811865476:
        m = m * 2.0
        k = k - 1
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
    return k * 0.6931471803691238 - (
        (half - (s * (half + even + odd) + k * 1.9082149292705877e-10)) - f
    )


def exp_(x: float) -> float:
    """Exponential, within 1 ulp down to the smallest normal number; 0 below −745."""
    if x < -745.2:
        return 0.0
    if x > 709.7:
        return 1e999
    k = floor_(x * 1.4426950408889634 + 0.5)
    high = x - k * 0.6931471803691238
    low = k * 1.9082149292705877e-10
    r = high - low
    t = r * r
    c = r - t * (
        0.16666666666666602
        + t
        * (
            -0.0027777777777015593
            + t
            * (6.613756321437934e-05 + t * (-1.6533902205465252e-06 + t * 4.1381367970572385e-08))
        )
    )
    return ldexp_(1.0 - ((low - (r * c) / (2.0 - c)) - high), k)


def normal_(u: float) -> float:
    """Standard normal quantile: algorithm AS 241, PPND16."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        a = r * 2509.0809287301227 + 33430.57558358813
        a = (a * r + 67265.7709270087) * r + 45921.95393154987
        a = (a * r + 13731.69376550946) * r + 1971.5909503065513
        a = (a * r + 133.14166789178438) * r + 3.3871328727963665
        b = r * 5226.495278852854 + 28729.085735721943
        b = (b * r + 39307.89580009271) * r + 21213.794301586597
        b = (b * r + 5394.196021424751) * r + 687.1870074920579
        b = (b * r + 42.31333070160091) * r + 1.0
        return q * a / b
    r = sqrt_(-log_(u if q < 0.0 else 1.0 - u))
    if r <= 5.0:
        r = r - 1.6
        a = r * 0.0007745450142783414 + 0.022723844989269184
        a = (a * r + 0.2417807251774506) * r + 1.2704582524523684
        a = (a * r + 3.6478483247632045) * r + 5.769497221460691
        a = (a * r + 4.630337846156546) * r + 1.4234371107496835
        b = r * 1.0507500716444169e-09 + 0.0005475938084995345
        b = (b * r + 0.015198666563616457) * r + 0.14810397642748008
        b = (b * r + 0.6897673349851) * r + 1.6763848301838038
        b = (b * r + 2.053191626637759) * r + 1.0
    else:
        r = r - 5.0
        a = r * 2.0103343992922881e-07 + 2.7115555687434876e-05
        a = (a * r + 0.0012426609473880784) * r + 0.026532189526576124
        a = (a * r + 0.29656057182850487) * r + 1.7848265399172913
        a = (a * r + 5.463784911164114) * r + 6.657904643501103
        b = r * 2.0442631033899397e-15 + 1.421511758316446e-07
        b = (b * r + 1.8463183175100548e-05) * r + 0.0007868691311456133
        b = (b * r + 0.014875361290850615) * r + 0.1369298809227358
        b = (b * r + 0.599832206555888) * r + 1.0
    return -a / b if q < 0.0 else a / b


def expansion_(w: float, a: float, b: float, c: float) -> float:
    """Cornish–Fisher: the deviate of a law whose third to fifth cumulants are `a`, `b`, `c`."""
    s = w * w
    a = a * 0.16666666666666666
    b = b * 0.041666666666666664
    c = c * 0.008333333333333333
    second = b * (s - 3.0) - a * a * (2.0 * s - 5.0)
    third = (
        c * ((s - 6.0) * s + 3.0)
        - 6.0 * a * b * ((s - 5.0) * s + 2.0)
        + a * a * a * ((8.0 * s - 35.333333333333336) * s + 11.333333333333334)
    )
    return w + a * (s - 1.0) + w * second + third


def stirling_(n: float) -> float:
    """What Stirling's formula leaves of log n!: log n! − (n + ½) log n + n − ½ log 2π, n > 0."""
    rest = 0.0
    while n < 16.0:
        rest = rest + (n + 0.5) * log_((n + 1.0) / n) - 1.0
        n = n + 1.0
    i = 1.0 / n
    s = i * i
    series = 0.08333333333333333 - s * (
        0.002777777777777778
        - s * (0.0007936507936507937 - s * (0.0005952380952380953 - s * 0.0008417508417508417))
    )
    return rest + i * series


def deviance_(x: float, m: float, excess: float) -> float:
    """Half the Poisson deviance, x log(x/m) − (x − m), given also x − m without its rounding."""
    if abs(excess) >= 0.1 * (x + m):
        return x * log_(x / m) - excess
    v = excess / (x + m)
    s = v * v
    series = 1.0 / 13.0 + s * (1.0 / 15.0 + s * (1.0 / 17.0))
    series = 1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s * series))
    series = 1.0 / 3.0 + s * (1.0 / 5.0 + s * series)
    return excess * v + 2.0 * x * v * s * series


def probability_of_count_(count: float, mean: float, overdispersion: float) -> float:
    """Probability of one count, Poisson if `overdispersion` is 1 and negative binomial above."""
    size = 0.0
    if overdispersion > 1.0:
        size = mean / (overdispersion - 1.0)
    if count <= 0.0:
        return exp_(-size * log_(overdispersion)) if size > 0.0 else exp_(-mean)
    away = (count - mean) / overdispersion
    expected = (mean + count * (overdispersion - 1.0)) / overdispersion
    exponent = stirling_(count) + deviance_(count, expected, away)
    share = 1.0
    if size > 0.0:
        both = size + count
        exponent = exponent + stirling_(size) - stirling_(both)
        exponent = exponent + deviance_(size, both / overdispersion, -away)
        share = size / both
    return exp_(-exponent) * sqrt_(share / (6.283185307179586 * count))


def count_near_(count: float, mean: float, overdispersion: float, u: float) -> float:
    """The exact quantile, from a guess: the smaller tail is summed, and followed up or down."""
    flat = (overdispersion - 1.0) / overdispersion
    steep = (mean - overdispersion + 1.0) / overdispersion
    p = probability_of_count_(count, mean, overdispersion)
    at = p
    k = count
    if u <= 0.5:
        tail = 0.0
        while p > 1e-18 * tail + 1e-300:
            tail = tail + p
            p = p / (flat + steep / k) if k > 0.0 else 0.0
            k = k - 1.0
        if tail < u:
            while tail < u and at > 1e-300:
                count = count + 1.0
                at = at * (flat + steep / count)
                tail = tail + at
            return count
        while count > 0.0 and tail - at >= u:
            tail = tail - at
            at = at / (flat + steep / count)
            count = count - 1.0
        return count
    tail = 0.0
    above = 1.0 - u
    k = k + 1.0
    p = p * (flat + steep / k)
    while p > 1e-18 * tail + 1e-300:
        tail = tail + p
        k = k + 1.0
        p = p * (flat + steep / k)
    if tail > above:
        while tail > above and at > 1e-300:
            count = count + 1.0
            at = at * (flat + steep / count)
            tail = tail - at
        return count
    while count > 0.0 and tail + at <= above:
        tail = tail + at
        at = at / (flat + steep / count)
        count = count - 1.0
    return count


def negative_binomial_(mean: float, overdispersion: float, u: float) -> float:
    """The count at `u` of the law with this mean and a variance of `overdispersion` times it.

    Not above zero, `overdispersion` makes the mean certain; up to 1 the law is Poisson. A mean not
    above zero gives 0; one from 10¹⁵ on gives itself. What is no number gives no number.
    """
    if not overdispersion > 0.0:
        return mean if overdispersion <= 0.0 else overdispersion
    if mean <= 0.0:
        return 0.0
    if not mean < 1e15:
        return mean
    spread = overdispersion if overdispersion > 1.0 else 1.0
    if spread > 1000.0:
        size = mean / (spread - 1.0)
        return float(floor_(gamma_(size * spread, 1.0 / sqrt_(size), u)))
    variance = mean * spread
    slope = 2.0 * spread - 1.0
    if slope * slope > 0.36 * variance:
        p = probability_of_count_(0.0, mean, spread)
        flat = (spread - 1.0) / spread
        steep = (mean - spread + 1.0) / spread
        count = 0.0
        below = p
        while below < u and (p > 1e-19 or count < mean):
            count = count + 1.0
            p = p * (flat + steep / count)
            below = below + p
        return count
    w = normal_(u)
    deviation = sqrt_(variance - 0.08333333333333333)
    i = 1.0 / deviation
    s = i * i
    a = variance * slope * i * s
    b = (variance * (6.0 * spread * (spread - 1.0) + 1.0) + 0.008333333333333333) * s * s
    c = variance * slope * (12.0 * spread * (spread - 1.0) + 1.0) * i * s * s
    x = mean + 0.5 + deviation * expansion_(w, a, b, c)
    count = float(floor_(x)) if x > 0.0 else 0.0
    r = w * w * w
    r = r * r
    s = spread * spread
    error = 0.003 + 0.00003 * r + (0.03 + 0.001 * r) / (s * s)
    error = error * deviation * a * a * a * a
    if (x - count < error or count + 1.0 - x < error) and variance < 4e8:
        return count_near_(count, mean, spread, u)
    return count


def gamma_shape_(variation: float) -> float:
    """What the level of `gamma_level_` is a multiple of."""
    if variation < 0.02 or variation > 1e7:
        return 1.0
    return 1.0 / (variation * variation)


def gamma_level_(variation: float, u: float) -> float:
    """The quantile at `u` of a gamma law with a mean of `gamma_shape_`; −1 where it vanishes."""
    w = normal_(u)
    square = variation * variation
    t = variation * w
    if 0.02 <= variation <= 0.3 and abs(t) <= 1.0:
        level = 0.0
        for term in gamma_terms_(square):
            level = level * t + term
        return gamma_shape_(variation) * level
    expanded = variation * expansion_(w, 2.0 * variation, 6.0 * square, 24.0 * variation * square)
    if variation < 0.02:
        return 1.0 + expanded
    if variation > 1e7:
        return -1.0
    shape = gamma_shape_(variation)
    rest = stirling_(shape)
    y = 1.0 - square / 9.0 + w * variation / 3.0
    if variation < 0.4 and expanded > -0.8:
        y = log_(shape * (1.0 + expanded))
    elif y > 0.25:
        y = log_(shape * y * y * y)
    else:
        y = log_(u) + 0.9189385332046728 + rest - shape + (shape + 0.5) * log_(shape)
        y = y / shape
    above = 1.0 - u
    for _ in range(80):
        if y < -690.0:
            return -1.0
        x = exp_(y)
        slope = exp_(-rest - deviance_(shape, x, shape - x)) * sqrt_(shape / 6.283185307179586)
        if slope < 1e-290:
            step = 1.0 if x < shape else -1.0
            y = y + step
            continue
        if x < shape + 1.0:
            n = shape
            term = 1.0 / shape
            total = term
            while term > 1e-17 * total:
                n = n + 1.0
                term = term * x / n
                total = total + term
            lower = slope * total
            upper = 1.0 - lower
        else:
            n = x + 1.0 - shape
            c = 1e300
            d = 1.0 / n
            total = d
            factor = 2.0
            k = 0.0
            while abs(factor - 1.0) > 1e-16 and k < 10000.0:
                k = k + 1.0
                n = n + 2.0
                term = k * (shape - k)
                d = 1.0 / (term * d + n)
                c = n + term / c
                factor = c * d
                total = total * factor
            upper = slope * total
            lower = 1.0 - upper
        gap = lower * log_(u / lower) if u <= 0.5 else upper * log_(upper / above)
        step = gap / slope
        y = y + (step if step < 1.0 else 1.0)
        if abs(step) < 1e-7:
            break
    return exp_(y)


def gamma_(mean: float, variation: float, u: float) -> float:
    """The quantile at `u` of the gamma law with this mean and this coefficient of variation.

    Not above zero, `variation` makes the mean certain. A mean not above zero gives 0. What is no
    number gives no number.
    """
    if not variation > 0.0:
        return mean if variation <= 0.0 else variation
    if mean <= 0.0:
        return 0.0
    level = gamma_level_(variation, u)
    return 0.0 if level < 0.0 else mean * level / gamma_shape_(variation)
