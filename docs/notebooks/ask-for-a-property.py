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
# # Ask for a property
#
# The porosity does not fix a material: samples of one porosity differ in their surface, and in how connected they are. Here we
# ask for both, a porosity and a surface. The model was not trained for it. Several walks are made at once, and
# those that lead to the surface that we want go on.

# %%
import matplotlib.pyplot as plt
import numpy as np

import microdsd
from microdsd.properties import measure

model = microdsd.MicrostructureModel.load("berea-2d")
common = {"phase_fraction": {"pore": 0.2}, "shape": (64, 64), "evaluations": 12}

# %% [markdown]
# What do samples of this porosity have, if nothing is asked for?

# %%
free = model.sample(12, rng=0, **common)
surface = measure(free, ["specific_surface_area"])[:, 0]
print(f"surface of free samples: {surface.mean():.4f} ± {surface.std():.4f} per voxel")

# %% [markdown]
# Now we ask for one and a half standard deviations less, and for as much more. Targets far beyond what free samples have are refused.

# %%
targets = surface.mean() + surface.std() * np.array([-1.5, 1.5])
samples = {
    f"{target:.3f} asked for": model.sample(
        2, targets={"specific_surface_area": target}, particles=6, rng=1, **common
    )
    for target in targets
}

# %%
figure, axes = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
for ax, (title, new) in zip(axes, samples.items(), strict=True):
    microdsd.plot.slices(new, columns=2, ax=ax)
    ax.set_title(title, loc="right")

# %%
for title, new in samples.items():
    values = measure(new, ["specific_surface_area"])[:, 0]
    print(title, "made", values.round(4), "pore voxels", (new == 0).sum(("y", "x")).values)

# %% [markdown]
# The pores are 819 voxels in all of them. [Ask for a property](../how-to/ask-for-a-property.md) has the other way, a model that is
# trained with properties, and [how a walk is steered](../explanation/steering.md) explains why the counts stay.
