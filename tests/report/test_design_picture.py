"""Pictures of designs."""

import numpy as np

from microdsd.report.pictures.design_picture import design_picture


def test_a_design_without_a_finite_objective_has_no_legend():
    """Nothing percolates: there is no candidate to draw, and nothing to warn of."""
    nothing = np.zeros(3, dtype=bool)
    figure = design_picture(
        {"tortuosity_factor:pore:x": np.full(3, np.nan)}, nothing, ~nothing, None
    )
    assert figure.axes[0].get_legend() is None
