"""Measure CNNviz against floors and peers: ratios from interleaved runs, never times alone."""
