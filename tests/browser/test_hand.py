"""By hand in a browser: a weight by keyboard and by dragging, steps, a formula on focus, an exercise."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import visit


def test_edit_step_read_and_solve(page: Page, app_url: str) -> None:
    visit(page, f"{app_url}/By_hand")
    x1, card = page.locator(".hand .node.k0").first, page.locator(".hand .card")
    expect(x1.locator(".value")).to_have_text("7")
    weight = page.get_by_role("textbox", name="weight x1 → h1")
    weight.focus()
    for _ in range(10):
        page.keyboard.press("ArrowUp")
    expect(weight).to_have_value("2")
    expect(x1.locator(".value")).to_have_text("9")
    page.wait_for_url(lambda url: "lower:2,0.5" in url.replace("%3A", ":").replace("%2C", ","))
    weight.fill("1")
    page.keyboard.press("Enter")
    expect(x1.locator(".value")).to_have_text("7")
    box = page.get_by_role("textbox", name="input x1").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 61, box["y"] + 10, steps=4)
    page.mouse.up()
    expect(page.get_by_role("textbox", name="input x1")).to_have_value("3")
    page.get_by_role("textbox", name="input x1").fill("2")
    page.keyboard.press("Enter")
    expect(x1.locator(".value")).to_have_text("7")

    page.get_by_role("button", name="First step").click()
    expect(x1.locator(".value")).to_have_text("·")
    said = page.locator(".hand .said")
    for title in ("Forward: sums", "Forward: ReLU", "Forward: outputs", "Start", "Backward: hidden neurons"):
        page.get_by_role("button", name="Next step").click()
        expect(said).to_contain_text(title)
    edge = page.get_by_role("button", name="h1 → y1")
    expect(edge).to_have_text("1.5")
    edge.focus()
    expect(card.get_by_role("heading")).to_have_text("The edge h1 → y1")
    expect(card.locator("math").nth(1).locator("mfrac")).to_have_count(1)
    expect(card).to_contain_text("The denominator of y1")
    page.get_by_role("button", name="Step back").click()
    expect(said).to_contain_text("Step 5 of 8")

    page.get_by_role("combobox", name="Exercise").click()
    page.get_by_role("option", name="R of the inputs").click()
    answers = page.get_by_role("textbox", name="your answer")
    expect(answers).to_have_count(3)
    for place, (text, sentence) in enumerate((("-7", "the sign is wrong"), ("-2.5", "right"), ("1/2", "right"))):
        answers.nth(place).fill(text)
        page.keyboard.press("Enter")
        expect(page.locator(".hand .verdicts li").nth(place)).to_contain_text(sentence)
    answers.nth(0).fill("7")
    page.keyboard.press("Enter")
    expect(page.locator(".hand .verdicts li").last).to_contain_text("All of it is right")
