"""``python -m vislrp_ui.glossary``: write docs/glossary.md."""

import sys

from vislrp_ui.glossary import document

sys.stdout.write(document())
