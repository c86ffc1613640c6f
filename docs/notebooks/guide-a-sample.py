# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Guide a sample
#
# A guide prefers some structures over others while a sample is made. It multiplies the network's prediction by a positive field,
# and it cannot change a count: samples with and without it have the same porosity to the voxel. This notebook makes sandstone
# with less and with more surface, at one porosity.

# %%
import matplotlib.pyplot as plt

import microdsd
from microdsd.sampling.guidance import descend

model = microdsd.MicrostructureModel.load("berea-2d")


# %% [markdown]
# The guide descends a function of the expected phases: here the number of neighbours that are expected to differ, as if voxels
# were independent of one another.


# %%
def interface(expected):
    p = expected[:, 0]  # probability of pore in every voxel
    pairs = [(p[:, 1:], p[:, :-1]), (p[:, :, 1:], p[:, :, :-1])]
    return sum((a + b - 2 * a * b).flatten(1).sum(1) for a, b in pairs)


strengths = {"smoother": 0.26, "as learned": None, "rougher": -0.12}
samples = {
    name: model.sample(
        4,
        phase_fraction={"pore": 0.2},
        shape=(64, 64),
        evaluations=12,
        guide=None if strength is None else descend(interface, strength, below=3.0),
        rng=0,
    )
    for name, strength in strengths.items()
}

# %%
figure, axes = plt.subplots(1, 3, figsize=(10, 3.8), layout="constrained")
for ax, (name, made) in zip(axes, samples.items(), strict=True):
    microdsd.plot.slices(made, columns=2, ax=ax)
    ax.set_title(name, loc="right")

# %% [markdown]
# Every sample has the same 819 pore voxels. What differs is the surface:

# %%
for name, made in samples.items():
    described = made.microdsd.describe(periodic=False, descriptors=["surface"])
    surface = float(described.specific_surface_area.mean())
    print(
        f"{name:12} pore voxels {set((made == 0).sum(('y', 'x')).values.tolist())}, surface {surface:.4f} per voxel"
    )

# %% [markdown]
# Strengths have to be found by trial, and a strong guide leads away from what the model learned
# ([Guide a sample](../how-to/guide-a-sample.md)).
