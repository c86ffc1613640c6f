"""Digits by class with exact total intensity: the recipe of the shipped model, and its judge.

python workflows/12_digits.py            # judge the model that ships
python workflows/12_digits.py train      # train it anew (13 minutes on a busy core)
"""

import sys

from sklearn.svm import SVC

from microdsd import MicrostructureModel, TrainingConfig, fit
from microdsd.image_sets import load_image_set

digits = load_image_set("digits")
if sys.argv[1:] == ["train"]:
    config = TrainingConfig(steps=4000, batch=64, sigma_min=0.1)
    model = fit(digits, config, window=8, network_size={"widths": (32, 64), "blocks": (1, 1)})
    model.save("digits.model")
else:
    model = MicrostructureModel.load("digits")

judge = SVC(gamma=0.001, C=10).fit(digits.values.reshape(len(digits), -1), digits["class"])
for guidance in (1.0, 2.0, 3.0):
    asked = [name for name in model.card.classes for _ in range(20)]
    made = model.sample(len(asked), class_name=asked, guidance=guidance, rng=1)
    share = judge.score(made.values.reshape(len(asked), -1), asked)
    print(f"guidance {guidance:g}: {share:.1%} recognised as the class asked for")
