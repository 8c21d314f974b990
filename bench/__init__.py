"""Speed as ratios, measured side by side in one run. Not tests: numbers depend on the machine."""
