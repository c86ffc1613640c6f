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
# # Sweep a fraction
#
# How does a descriptor change with the porosity, if the material stays the same otherwise? This notebook generates
# sandstone at four porosities with the model `berea-2d`, which ships with the package.

# %%
import matplotlib.pyplot as plt

import microdsd

model = microdsd.MicrostructureModel.load("berea-2d")
model

# %% [markdown]
# Four samples at each of four porosities. With `paired=True`, sample i of every porosity starts from the same random numbers.

# %%
samples = microdsd.sample_sweep(
    model,
    {"pore": [0.12, 0.18, 0.24, 0.30]},
    n=4,
    shape=(64, 64),
    evaluations=12,
    paired=True,
    rng=0,
)
ax = microdsd.plot.slices(samples, count=16, columns=4)

# %% [markdown]
# ## Descriptors against the porosity
#
# Circles are samples, the line is their mean. The shaded range is that of the training windows.

# %%
sweep = microdsd.evaluate_sweep(samples)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
microdsd.plot.sweep(sweep, "specific_surface_area", ax=axes[0])
ax = microdsd.plot.sweep(sweep, "component_count", "pore", ax=axes[1])
# %% [markdown]
# The whole sweep as a page:

# %%
microdsd.write_sweep_report("sweep.html", sweep)

# %% [markdown]
# On the command line: `microdsd sweep berea-2d --fraction pore=0.12:0.30:4 -n 4 --paired -o sweep.h5`. With `--reference` and your scan, windows
# of the scan are drawn beside the samples ([Sweep a fraction](../how-to/sweep-a-fraction.md)).
