"""Pure tensors: networks and losses that know nothing of recipes, records or runs."""
