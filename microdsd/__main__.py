"""``python -m microdsd``, and so ``torchrun -m microdsd``: the command `microdsd`."""

from microdsd.cli.app import main

if __name__ == "__main__":
    main()
