"""What the app's pages share: state of the visit, the door to the engine, theme, widgets and components."""

import os

# Threads that wait for each other sleep instead of spinning: where the browser shares the cores, a class click takes half
# the time, and alone no more. Read when torch is loaded, so it stands before all imports.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
