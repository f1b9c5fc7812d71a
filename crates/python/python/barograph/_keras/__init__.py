"""How a training of Keras is watched, for each of its backends."""
