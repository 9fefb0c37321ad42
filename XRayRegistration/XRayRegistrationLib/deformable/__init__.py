"""Deformable registration of a CT to its X-rays: bones that move as wholes, organs that breathe, and nothing freer."""
