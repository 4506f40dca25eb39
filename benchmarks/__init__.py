"""Times and memory, as anyone can measure them again."""

import os

# As the app itself sets it (see `vislrp_ui`), for all that is compared; read when torch is loaded.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
