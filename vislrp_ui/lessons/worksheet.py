"""A lesson as a sheet of paper: what to do, blanks for what the screen says, room for the reason, two questions, the link.

The sentences are those of the lesson; numbers, which the strip takes from the running network, are blanks to be filled in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from vislrp_ui import rooms
from vislrp_ui.lessons.files import LessonFile
from vislrp_ui.lessons.model import Lesson
from vislrp_ui.lessons.questions.catalogue import QUESTIONS
from vislrp_ui.shared import codes

ASKED: dict[str, tuple[str, ...]] = {
    "rules": ("negative", "epsilon"),
    "configurations": ("classes", "gamma"),
    "flipping": ("sign", "score"),
    "ablation": ("score", "layers"),
}
"""The questions below a case, by its key."""
BLANK = '<span class="blank"><span>blank</span></span>'
_EMPHASIS = ((re.compile(r"\*\*(.+?)\*\*"), r"<b>\1</b>"), (re.compile(r"\*(.+?)\*"), r"<i>\1</i>"))

CSS = """
@page{size:A4;margin:12mm 14mm}
*{box-sizing:border-box}
body{font:10.5pt/1.36 system-ui,"Segoe UI",Helvetica,Arial,sans-serif;color:#1b2430;margin:0;background:#fff}
main{max-width:182mm;margin:8mm auto;display:flex;flex-direction:column;gap:2.6mm}
header{display:flex;gap:6mm;justify-content:space-between;border-bottom:.4mm solid #0b6e7f;padding-bottom:2mm}
h1{font-size:17pt;line-height:1.15;margin:0 0 1mm}h2{font-size:11pt;margin:0}p{margin:.6mm 0 0}
.name{display:flex;gap:5mm;margin-top:3.5mm}.name span{flex:1;border-bottom:.2mm solid #6b7684;font-size:8.5pt;color:#55606d}
.code{flex:none;width:25mm;text-align:center;font-size:7.5pt;color:#55606d}.code svg{width:25mm;height:25mm;display:block}
.link{font-size:7.5pt;color:#55606d;overflow-wrap:anywhere}
section{flex:1 1 auto;display:flex;flex-direction:column;break-inside:avoid}
.blank{display:inline-block;min-width:19mm;border-bottom:.2mm solid #1b2430;height:1.05em}
.blank span,.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.answer{flex:1 1 auto;min-height:@ANSWER@mm;margin-top:.8mm;font-size:8.5pt;color:#55606d;
 background:repeating-linear-gradient(#fff 0 6.2mm,#9aa4af 6.2mm 6.5mm);
 print-color-adjust:exact;-webkit-print-color-adjust:exact}
.answer span{background:#fff;padding-right:1.5mm}
.questions{display:grid;grid-template-columns:1fr 1fr;gap:2mm 6mm}.questions ul{list-style:none;margin:.6mm 0 0;padding:0}
.questions li::before{content:"";display:inline-block;width:3mm;height:3mm;border:.25mm solid #1b2430;margin-right:2mm}
footer{font-size:7.5pt;color:#55606d;border-top:.2mm solid #b9c1ca;padding-top:1mm}
@media print{main{margin:0;max-width:none;min-height:@PAGE@}}
"""


def of_case(lesson: Lesson, link: str) -> str:
    """A guided case on one page.

    Parameters
    ----------
    link : str
        The address that opens it.

    Returns
    -------
    str
        An HTML page that needs nothing else.
    """
    steps = [(step.title, [_marked(step.do), _marked(step.look)], "What does it mean?") for step in lesson.steps]
    return _page(lesson.title, _marked(lesson.text), steps, ASKED.get(lesson.key, ()), link)


def of_file(file: LessonFile, link: str) -> str:
    """A lecturer's lesson: its sentences with room for answers; more than six steps take more than one page."""
    steps = [(rooms.find(step.page).title, [escape(step.text)], "What do you see?") for step in file.steps]
    return _page(file.title, "", steps, (), link)


def _marked(text: str) -> str:
    """Our own text as HTML: emphasis, and a blank for each number."""
    made = escape(text, quote=False)
    for pattern, tag in _EMPHASIS:
        made = pattern.sub(tag, made)
    return re.sub(r"{\w+}", BLANK, made)


def _page(title: str, text: str, steps: Sequence[tuple[str, list[str], str]], asked: Sequence[str], link: str) -> str:
    drawing = codes.svg(link)
    code = f'<div class="code">{drawing.decode()}<span>Open it here</span></div>' if drawing else ""
    shown = f'<p class="link">{escape(link)}</p>' if len(link) <= 300 else ""
    parts = "".join(
        f"<section><h2>{number}. {escape(name)}</h2>{''.join(f'<p>{one}</p>' for one in lines)}"
        f'<div class="answer"><span>{ask}</span></div></section>'
        for number, (name, lines, ask) in enumerate(steps, start=1)
    )
    questions = "".join(
        f"<div><h2>{escape(QUESTIONS[key].title)}</h2><ul>"
        f"{''.join(f'<li>{escape(choice)}</li>' for choice in QUESTIONS[key].choices)}</ul></div>"
        for key in asked
    )
    css = CSS.replace("@ANSWER@", "9.5" if len(steps) <= 5 else "6.7").replace("@PAGE@", "272mm" if len(steps) <= 6 else "0")
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} · worksheet</title><style>{css}</style></head><body><main>"
        f"<header><div style='flex:1'><h1>{escape(title)}</h1><p>{text}</p>"
        f'<div class="name"><span>Name</span><span>Date</span></div>{shown}</div>{code}</header>{parts}'
        + (f'<div class="questions">{questions}</div>' if questions else "")
        + "<footer>VisLRP Designer. Numbers are read from the screen: they belong to the network that runs.</footer>"
        "</main></body></html>\n"
    )
