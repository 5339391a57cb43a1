"""Pages in a real browser: nothing asked for, nothing complained of, nothing cut off, everything readable."""

from __future__ import annotations

import shutil

import pytest

from tests.report.conftest import KINDS

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDTHS = (320, 360, 768, 1280)
# Of each piece of text the contrast with what is behind it (WCAG 2.2, 1.4.3): those below 4.5, large ones below 3.
FAINT = """() => {
  const parse = colour => {
    const n = colour.match(/[\\d.]+/g).map(Number);
    const rgb = colour.startsWith('color(') ? n.slice(0, 3) : n.slice(0, 3).map(v => v / 255);
    return {rgb, alpha: n.length > 3 ? n[3] : 1};
  };
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const found = parse(getComputedStyle(e).backgroundColor);
      if (found.alpha === 1) return found.rgb;
    }
    return [1, 1, 1];
  };
  const faint = [];
  for (const e of document.body.querySelectorAll('*')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.tagName === 'STYLE' || !e.checkVisibility()) continue;
    const style = getComputedStyle(e);
    const [a, b] = [parse(e.tagName === 'text' ? style.fill : style.color).rgb, behind(e)].map(light);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) faint.push([e.tagName, e.textContent.trim().slice(0, 40), contrast]);
  }
  return faint;
}"""


@pytest.fixture(scope="module")
def browser():
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"there is no browser here ({', '.join(BROWSERS)})")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize("kind", [*KINDS, "comparison", "diagnosis"])
def test_a_page_opens_offline_fits_every_width_and_can_be_read(runs, compared, diagnosed, browser, kind):
    others = {"comparison": compared / "report.html", "diagnosis": diagnosed / "diagnosis.html"}
    check_page(others[kind] if kind in others else runs[kind] / "report.html", browser)


def check_page(path, browser):
    """Open a page without a network at every width, light and dark, and on paper."""
    file = path.as_uri()
    requests, complaints = [], []
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") == width, f"{scheme}, {width} px"
        assert page.evaluate(FAINT) == []
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background != "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="print", color_scheme="dark")
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    context.close()
    assert complaints == []
    # Icons that stand in the page itself are no requests of anything else.
    assert [url for url in requests if not url.startswith("data:")] == [file]


def test_sections_can_be_reached_by_the_keyboard(runs, browser):
    page = browser.new_page()
    page.goto((runs["classes"] / "report.html").as_uri())
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    assert page.url.endswith(first) and first == "#scores"
    page.close()


def test_on_a_telephone_every_cell_of_a_comparison_is_seen_without_a_move_sideways(compared, browser):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto((compared / "report.html").as_uri())
    cut = page.evaluate("""() => [...document.querySelectorAll('.stacked tbody :is(th, td)')].filter(e => {
      const box = e.getBoundingClientRect();
      return !box.width || box.left < 0 || box.right > innerWidth || e.scrollWidth > e.clientWidth + 1;
    }).map(e => e.textContent)""")
    assert cut == []
    heads = page.evaluate(
        "[...document.querySelectorAll('#scores tbody tr:first-child td[data-head]')]"
        ".map(e => getComputedStyle(e, '::before').content)"
    )
    assert len(heads) == 3 and all(len(head) > 4 for head in heads)
    page.close()
