"""Hold the bundled model: the pictures it knows, the network, and the script that trains it."""
