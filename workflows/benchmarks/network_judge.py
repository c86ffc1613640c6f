"""Can a small network tell samples from rock that was never seen? Half right is a guess.

    python workflows/benchmarks/network_judge.py berea-3d --coarsen 2 --layers 136 200 -n 240

Samples have the compositions of the real windows, one each. The judge is `microdsd.NetworkJudge`,
cross-validated by place. With --null it judges real windows against others of the same block,
which says what it makes of chance. Needs the scan (MICRODSD_DATA).
"""

from __future__ import annotations

import argparse

import numpy as np
import xarray as xr
from record import add_record_option, record

from microdsd import MicrostructureModel, NetworkJudge, coarsen, cut_windows, load_dataset
from microdsd.microstructure import as_microstructure, crop, voxel_size_of


def block_of(dataset: str, factor: int, region: dict[str, tuple[int, int]]) -> xr.DataArray:
    """Load a block of a scan."""
    scan = load_dataset(dataset)
    return crop(coarsen(scan, factor) if factor > 1 else scan, **region)


def add_block_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `unseen_block`."""
    parser.add_argument("--scan", default="berea_sandstone")
    parser.add_argument("--coarsen", type=int, default=1)
    parser.add_argument("--layers", type=int, nargs=2, required=True, help="of the unseen block")


def unseen_block(options: argparse.Namespace) -> xr.DataArray:
    """Load the layers of a scan that training never saw."""
    return block_of(options.scan, options.coarsen, {"z": tuple(options.layers)})


def samples_like(
    model: MicrostructureModel,
    real: xr.DataArray,
    box: int | None,
    evaluations: int | None,
    seed: int,
    class_name: str | None = None,
) -> xr.DataArray:
    """Samples of the compositions of real windows, or the middles of larger boxes of them."""
    edge, ndim = real.shape[-1], real.ndim - 1
    length = box or edge
    fractions = {
        name: (real.values == label).reshape(len(real), -1).mean(1).tolist()
        for label, name in model.card.phases.items()
    }
    made = model.sample(
        len(real),
        phase_fraction=fractions,
        shape=(length,) * ndim,
        evaluations=evaluations,
        class_name=class_name,
        rng=seed,
    )
    start = (length - edge) // 2
    middle = made.values[(slice(None), *[slice(start, start + edge)] * ndim)]
    return as_microstructure(
        middle, phases=model.card.phases, voxel_size=voxel_size_of(real), ensemble=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    add_block_options(parser)
    parser.add_argument("-n", type=int, default=240, help="real windows, and samples")
    parser.add_argument("--window", type=int, help="voxels per axis; default: the model's")
    parser.add_argument("--box", type=int, help="make boxes of this length, judge their middles")
    parser.add_argument("--evaluations", type=int)
    parser.add_argument("--epochs", type=int, default=NetworkJudge.epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--null", action="store_true", help="judge real windows against real ones")
    add_record_option(parser)
    options = parser.parse_args()

    model = MicrostructureModel.load(options.model)
    ndim = len(model.card.window)
    shape = (options.window or model.card.window[-1],) * ndim
    unseen = unseen_block(options)
    number = 2 * options.n if options.null else options.n
    real = cut_windows(unseen, shape, n=number, rng=options.seed, disjoint=False)
    if options.null:
        order = np.random.default_rng(options.seed).permutation(number)
        made, real = (real.isel(sample=np.sort(half)) for half in np.split(order, 2))
    else:
        made = samples_like(model, real, options.box, options.evaluations, options.seed)
    found = NetworkJudge(epochs=options.epochs)(made, real)
    row = {
        "right": found.accuracy,
        "windows judged": found.number,
        "p": found.p_value,
        "window": shape[0],
        "evaluations": options.evaluations or model.card.evaluations,
    }
    label = "real against real" if options.null else options.model
    print(label, row)
    record("network-judge", options.record, {label: row})


if __name__ == "__main__":
    main()
