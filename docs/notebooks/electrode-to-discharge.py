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
# # From an electrode to its discharge
#
# This notebook generates a piece of a lithium-ion cathode with the model `nmc-3d`, measures what a battery model needs, and
# discharges it. The piece is far too small to predict a capacity: it shows the steps.
# [Discharge an electrode](../how-to/discharge-an-electrode.md) has the figures of larger ones. PyBaMM is needed: `pip install "microdsd[battery]"`.

# %%
import matplotlib.pyplot as plt

import microdsd
from microdsd.transport import electrode_parameters, rate_capability

model = microdsd.MicrostructureModel.load("nmc-3d")
model

# %% [markdown]
# Two phases are named, the third takes the rest. Their counts are exact.

# %%
composition = {"pore": 0.40, "carbon-binder domain": 0.15}
cathode = model.sample(2, phase_fraction=composition, shape=(28, 28, 28), evaluations=8, rng=0)
cathode.microdsd.phase_fractions()

# %%
ax = microdsd.plot.slices(cathode)

# %%
ax = microdsd.plot.phases(cathode, "active material")

# %% [markdown]
# ## Measure
#
# Fractions are counted, the surface of the active material is measured, and effective transport through pores and solid is
# computed on the voxels.

# %%
measured = electrode_parameters(
    cathode, active="active material", pore="pore", binder="carbon-binder domain", axis="z"
)
measured[["porosity", "active_fraction", "particle_radius", "tortuosity_factor"]].to_dataframe()

# %% [markdown]
# ## Discharge
#
# The numbers go into a Doyle-Fuller-Newman half cell of PyBaMM. A C-rate of 1 is the current that would empty the electrode in
# one hour.

# %%
discharge = rate_capability(measured, rates=[0.5, 2], thickness=100e-6)
capacity = discharge.capacity / 10  # A h/m^2 to mA h/cm^2

figure, ax = plt.subplots(figsize=(4.4, 3.2), layout="constrained")
for sample in capacity:
    ax.plot(capacity.rate, sample, marker="o")
_ = ax.set(xlabel="C-rate", ylabel="capacity (mA h/cm²)", ylim=(0, None))
