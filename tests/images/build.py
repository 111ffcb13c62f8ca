"""Builds the images as users do. Needs nothing that has to be compiled or installed for it before,
so that it can go on beside other checks."""

import bases
import images


def main():
    bases.of_ours()
    images.build_all()


if __name__ == "__main__":
    main()
