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
# # A volume from a model of slices
#
# A model of 2D pictures makes volumes too: three numbers after `shape` are the request. Counts are exact in 3D. What is connected along the third axis is inferred
# from slices, never seen.

# %%
import microdsd

model = microdsd.MicrostructureModel.load("berea-2d")
model

# %%
volume = model.sample(shape=(24, 24, 24), phase_fraction={"pore": 0.2}, evaluations=8, rng=0)
volume.microdsd.phase_fractions()

# %%
microdsd.plot.phases(volume, "pore")

# %% [markdown]
# Slices normal to all three axes follow the same model.

# %%
middle = [volume.isel(sample=0, z=12), volume.isel(sample=0, y=12), volume.isel(sample=0, x=12)]
[float((cut == 0).mean()) for cut in middle]
