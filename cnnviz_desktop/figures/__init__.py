"""Draw results with numpy and matplotlib; knows neither torch nor Qt."""
