"""`comlad list`: the parts that experiments can be made of here."""

from comlad_deploy.listing._page import parameter_meanings, parts_page
from comlad_deploy.listing._parts import FAMILIES, describe_parts, print_parts

__all__ = ["FAMILIES", "describe_parts", "parameter_meanings", "parts_page", "print_parts"]
