"""Look inside networks: torch in, numpy out; knows neither Qt nor matplotlib."""
