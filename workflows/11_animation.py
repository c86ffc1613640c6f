"""The pictures of the walk in README and docs: Berea sandstone condensing in 2D and in 3D.

python workflows/11_animation.py
"""

from __future__ import annotations

from pathlib import Path

import microdsd
from microdsd.generation.request import GenerationRequest
from microdsd.report.pictures.animation import animate_walk

OUT = Path("out/animation")


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for name, shape, evaluations in (("berea-2d", (128, 128), 24), ("berea-3d", (32, 32, 32), 20)):
        model = microdsd.MicrostructureModel.load(name)
        request = GenerationRequest.resolve(
            model.card,
            1,
            phase_fraction={"pore": 0.2},
            shape=shape,
            evaluations=evaluations,
            rng=1,
        )
        states, labels = model.trajectory(request)
        material = microdsd.as_microstructure(labels, phases=dict(model.card.phases))
        animate_walk(
            OUT / f"{name}.gif",
            states,
            material,
            background=model.card.contents.background,
            pixels=384,
            overwrite=True,
        )
        print(f"{OUT / name}.gif: {len(states)} levels, {(labels == 0).sum()} pore voxels")


if __name__ == "__main__":
    main()
