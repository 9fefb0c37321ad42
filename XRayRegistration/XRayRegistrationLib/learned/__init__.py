"""From films to a first pose through networks that know one patient."""
