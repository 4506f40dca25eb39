"""The palette of the present theme as CSS variables that components set on their root."""

from __future__ import annotations

from vislrp_ui import theme

SUMS = {"light": ("#8DBEDD", "#EF9C81"), "dark": ("#33689F", "#A5483B")}
"""Bars of negative and of positive relevance, by theme."""


def variables(mode: str) -> dict[str, str]:
    """Colours of components as CSS variables.

    Group colours (`--contribution`, `--contribution-text`, ...), `--accent`, `--fall`, `--rise`, `--warn`, `--error`,
    `--negative`, `--positive`.

    Parameters
    ----------
    mode : str
        "light" or "dark".
    """
    fills, texts = theme.GROUP_FILL[mode], theme.GROUP_TEXT[mode]
    named = {f"--{group}": colour for group, colour in fills.items()}
    named |= {f"--{group}-text": colour for group, colour in texts.items()}
    return named | {
        "--accent": theme.ACCENT[mode],
        "--fall": texts["suppression"],
        "--error": texts["suppression"],
        "--rise": texts["activation"],
        "--warn": texts["weight"],
        **dict(zip(("--negative", "--positive"), SUMS[mode], strict=True)),
    }
