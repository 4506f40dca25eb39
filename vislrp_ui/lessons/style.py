"""The look of the strip: one line, and a few lines of text below it; on a phone the present step alone."""

from vislrp_ui.stacked import MIDDLE, NARROW

CSS = f"""<style>
.st-key-lesson-place{{border:1px solid var(--st-border-color);border-radius:8px;
 border-left:3px solid var(--st-primary-color);padding:2px 8px 4px 12px;gap:0!important;
 background:var(--st-secondary-background-color)}}
.st-key-lesson-line{{flex-wrap:nowrap}}.st-key-lesson-line button{{min-height:28px;padding-block:0}}
:is(.st-key-lesson-fold,.st-key-lesson-close) button p{{position:absolute;width:1px;height:1px;overflow:hidden;
 clip-path:inset(50%);margin:0;white-space:nowrap}}
.v-lesson{{display:flex;align-items:center;gap:14px;min-width:0}}.v-lesson h2{{white-space:nowrap}}
.v-lesson ol{{display:flex;gap:12px;margin:0;padding:0;font-size:12.5px;min-width:0;overflow:hidden}}
.v-lesson li{{display:flex;align-items:center;gap:5px;margin:0;padding:0;white-space:nowrap;
 color:color-mix(in srgb,var(--st-text-color) 72%,var(--st-background-color))}}
.v-lesson li.here{{color:var(--st-text-color);font-weight:650}}
.v-lesson li i{{font-style:normal;font-size:11px;min-width:17px;height:17px;line-height:16px;border-radius:9px;
 text-align:center;border:1px solid currentColor;box-sizing:border-box}}
.v-lesson-count{{display:none;font-size:12px;white-space:nowrap}}
.st-key-lesson-place [data-testid=stMarkdownContainer]{{margin-bottom:0!important}}
.st-key-lesson-place [data-testid=stMarkdown] p{{font-size:13px;line-height:1.45;margin:0;max-width:165ch}}
@media(max-width:{MIDDLE}px){{.v-lesson li:not(.here){{display:none}}.v-lesson-count{{display:inline}}}}
@media(max-width:{NARROW}px){{.st-key-lesson-line{{flex-wrap:wrap}}.v-lesson{{flex-wrap:wrap;gap:2px 12px}}}}
</style>"""
