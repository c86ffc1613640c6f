"""Published sets of images (MNIST, CIFAR-10, CelebA): what the method is compared on elsewhere.

They are no material, and nothing but the command line imports this room.
"""

from microdsd.image_sets.sets import ImageSetInfo, image_set_info, list_image_sets, load_image_set

__all__ = ["ImageSetInfo", "image_set_info", "list_image_sets", "load_image_set"]
