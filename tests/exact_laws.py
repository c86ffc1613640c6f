"""Laws of walkers on small boxes by brute force, written without the code under test."""

import numpy as np
from scipy.linalg import expm
from scipy.stats import chi2

FALSE_ALARM = 1e-5
"""Probability that one chi-square test fails a correct code, were its seed drawn afresh."""


def rate_matrix(shape, boundary):
    """Generator of the walk over all sites in C order: rate 1 to every neighbour."""
    sites = np.arange(np.prod(shape)).reshape(shape)
    rates = np.zeros((sites.size, sites.size))
    for site in np.ndindex(*shape):
        for axis, kind in enumerate(boundary):
            for hop in (-1, 1):
                there = list(site)
                there[axis] += hop
                if kind == "periodic":
                    there[axis] %= shape[axis]
                elif not 0 <= there[axis] < shape[axis]:
                    continue
                rates[sites[site], sites[tuple(there)]] += 1
                rates[sites[site], sites[site]] -= 1
    return rates


def kernel_matrix(shape, boundary, t):
    """K_t over all sites: the matrix exponential of the rates."""
    return expm(t * rate_matrix(shape, boundary))


def step_law(shape, boundary, h, t, s):
    """P(z | x) of a step from t back to s under the potential h (sites,): rows x, columns z."""
    weight = kernel_matrix(shape, boundary, t - s) * (kernel_matrix(shape, boundary, s) @ h)
    return weight / weight.sum(1, keepdims=True)


def assert_drawn_from(observed, law):
    """Chi-square test of counts (rows, cells) against one law (rows, cells) per row.

    Fails a correct sampler with probability `FALSE_ALARM` over its seeds. Cells expected less
    than five times are pooled.
    """
    observed = np.atleast_2d(observed)
    expected = np.atleast_2d(law) * observed.sum(1, keepdims=True)
    statistic, freedom = 0.0, 0
    for seen, due in zip(observed, expected, strict=True):
        large = due >= 5
        pooled_seen = np.append(seen[large], seen[~large].sum())
        pooled_due = np.append(due[large], due[~large].sum())
        if pooled_due[-1] < 1e-9:
            assert pooled_seen[-1] == 0, "drawn where the law allows nothing"
            pooled_seen, pooled_due = pooled_seen[:-1], pooled_due[:-1]
        statistic += ((pooled_seen - pooled_due) ** 2 / pooled_due).sum()
        freedom += len(pooled_due) - 1
    assert freedom > 0, "nothing to test"
    p = chi2.sf(statistic, freedom)
    assert p > FALSE_ALARM, f"chi-square {statistic:.1f} on {freedom} degrees, p = {p:.1e}"
