"""Moving from StackStorm: what a copy of its folders holds, what of that runs here, and taking it over."""
