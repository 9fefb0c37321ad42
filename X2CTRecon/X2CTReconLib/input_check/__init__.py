"""Whether films look like what a volume method was trained on."""
