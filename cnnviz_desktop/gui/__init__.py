"""Show the engine's results in a window; imports no torch of its own."""
