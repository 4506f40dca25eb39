"""What the app's pages share: state of the visit, the door to the engine, theme, widgets and components."""

import os

# Read when torch is loaded, so they come before all imports.
# Threads that wait for each other sleep instead of spinning: where the browser shares the cores, a class click takes half
# the time, and alone no more.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Large tensors in huge pages, where the system offers them: propagation takes a sixth less time.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# While there are few threads: those that are there keep their heaps.
from vislrp_ui.allocator import bound_heaps

bound_heaps()

# As a whole, before any of its modules alone: of two threads, one that imports a package and one that imports a module which
# the package imports, Python gives one a half. After a restart of the server all open tabs come back at the same moment.
import vislrp_core as vislrp_core  # noqa: E402
