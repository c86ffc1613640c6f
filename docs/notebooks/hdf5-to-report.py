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
# # From an HDF5 file to a report
#
# This notebook takes a segmented scan in an HDF5 file, trains a model on it, generates new samples with exactly the
# porosity asked for, and compares them with the part of the scan that training did not see. It uses the small synthetic
# set that ships with the package, so that it runs anywhere; use the name of your own file instead.
#
# Training is cut down to seconds here, so the samples are *not* good. The report must find that out.

# %%
import microdsd

rock = microdsd.load_dataset("synthetic_blobs")
microdsd.save_microstructures("rock.h5", rock)

# %% [markdown]
# ## Look at the scan
#
# A scan is an `xarray.DataArray` of labels, with the names of the phases and the voxel size as attributes. Every such array
# has the accessor `microdsd`.

# %%
rock = microdsd.load_microstructures("rock.h5")
rock.microdsd.phase_fractions()

# %%
ax = rock.microdsd.plot()

# %%
ax = rock.microdsd.plot("phases")

# %% [markdown]
# ## Train
#
# `window` names the size of the pieces to learn from. With two numbers for a scan of three axes, the model learns slices. A
# real training takes `minutes=30` and the default network; here it is 120 steps of a small one.
# `with microdsd.show_progress():` around it shows how far it is.

# %%
model = microdsd.fit(
    "rock.h5",
    microdsd.TrainingConfig(steps=120, warmup=20),
    window=(24, 24),
    symmetry="isotropic",
    network_size={"widths": (8, 16), "blocks": (1, 1)},
    evaluations=8,
)
model.save("rock.model")
model

# %% [markdown]
# ## Generate
#
# Every sample has exactly the number of pore voxels that is asked for: 0.3 of 576 voxels, to the nearest voxel.

# %%
new = model.sample(24, phase_fraction={"pore": 0.3}, shape=(24, 24), rng=1)
print((new == 0).sum(("y", "x")).values)
ax = microdsd.plot.slices(new, count=6)

# %% [markdown]
# ## Evaluate
#
# The reference is the file that the model was trained on. Of this file, only the layers that were held back are used.

# %%
evaluation = microdsd.evaluate(new, "rock.h5")
evaluation

# %% [markdown]
# The same as a page for a colleague, one file that needs no network, with all numbers beside it as JSON:

# %%
microdsd.write_report("report.html", evaluation)

# %% [markdown]
# [Read the report](../how-to/read-the-report.md) explains every part of it, [Train on your own scan](../how-to/train-on-your-scan.md) how to
# choose the settings.
