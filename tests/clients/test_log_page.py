# SPDX-License-Identifier: Apache-2.0
"""The log's page in a browser: on a desk and on a phone, in light and in dark, with and without script, by mouse and by keyboard.
With DOCKREEVE_SCREENSHOTS=FOLDER the pictures are kept there."""

import json
import os
import random
import shutil
import tempfile
import unittest
from datetime import datetime, timedelta

from browser import Browser
from client_case import need
from harness.gate import run

SIZES = (("desk", 1280, 900), ("laptop", 1000, 700), ("tablet", 760, 1000), ("small tablet", 600, 900), ("phone", 360, 800))
LONG = "a-very-long-name-that-nobody-would-type-by-hand." * 4 + "example.net"
# client, kind, via, host and port or operation, decision, rule, source, reason, how often
TRAFFIC = (
    ("agents", "network", "forward", ("api.anthropic.com", 443), "allow", "what the agents are for", "policy.yaml:12", "rule", 310),
    ("agents", "network", "dns", ("api.anthropic.com", 0), "allow", "what the agents are for", "policy.yaml:12", "rule", 120),
    ("agents", "network", "forward", ("github.com", 443), "allow", "github.com", "policy.yaml:14", "rule", 160),
    ("agents", "network", "forward", ("www.example.org", 443), "allow", "documentation", "policy.yaml:15", "rule", 90),
    ("agents", "network", "forward", ("telemetry.example.com", 443), "deny", "no telemetry", "policy.yaml:21", "rule", 75),
    ("agents", "network", "forward", ("pastebin.example.org", 443), "deny", "default", "default", "default", 12),
    ("agents", "network", "forward", ("169.254.169.254", 80), "deny", "default", "default", "address-class.metadata", 4),
    ("agents", "network", "forward", (LONG, 8443), "deny", "default", "default", "default", 2),
    ("traefik", "docker", "docker", ("ContainerList", "/containers/json"), "allow", "preset/traefik", "preset/traefik:6", "rule", 400),
    ("traefik", "docker", "docker", ("SystemEvents", "/events"), "allow", "preset/traefik", "preset/traefik:6", "rule", 9),
    ("ci", "docker", "docker", ("ContainerCreate", "/containers/create"), "allow", "start our agents", "policy.yaml:30", "rule", 44),
    ("ci", "docker", "docker", ("ContainerCreate", "/containers/create"), "deny", "no privileged containers", "policy.d/20-guard.yaml:3",
     "guard.privileged", 3),
    ("ci", "docker", "docker", ("ContainerExec", "/containers/agent-7/exec"), "report", "default", "default", "default", 17),
    ("traefik", "docker", "docker", ("ContainerDelete", "/containers/web"), "deny", "default", "default", "default", 1),
)

# Elements that hold text of their own and whose contrast with what is behind them is below 4.5 (WCAG 2, success criterion 1.4.3).
FAINT = """(() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const channels = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255]; };
    const found = [];
    for (const e of document.body.querySelectorAll("*")) {
        if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim() !== ""))
            continue;
        const a = light(channels(getComputedStyle(e).color)), b = light(behind(e));
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5)
            found.push([e.outerHTML.slice(0, 80), contrast]);
    }
    return found;
})()"""
VISIBLE = "[...document.querySelectorAll('.rows > tbody')].filter((b) => b.checkVisibility()).map((b) => b.rows[0].cells[2].textContent)"


def write_traffic(path):
    chance = random.Random(7)
    start = datetime(2026, 11, 20, 7, 42, 11)
    moments = [(start + timedelta(seconds=abs(chance.gauss(18000, 8000))), row) for row in TRAFFIC for _ in range(row[8])]
    with open(path, "w", encoding="ascii") as log:
        for number, (time, row) in enumerate(sorted(moments, key=lambda moment: moment[0])):
            client, kind, via, what, decision, rule, source, reason, _ = row
            found = {"ts": time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "id": "1f2e3d4c-%012x" % number, "seq": number, "event": "request", "kind": kind,
                     "client": client, "via": via}
            if kind == "docker":
                found.update(peer="uid=1000 pid=%d" % chance.randrange(100, 30000), method="GET" if client == "traefik" else "POST",
                             operation=what[0], path=what[1])
            else:
                found.update(peer="172.18.0.%d:%d" % (chance.randrange(2, 6), chance.randrange(30000, 60000)), host=what[0])
                found.update({"question": "A"} if via == "dns" else {"method": "CONNECT", "port": what[1]})
            found.update(decision="deny" if decision == "deny" else "allow", rule=rule, source=source, reason="rule" if decision == "report" else reason)
            if decision == "report":
                found["would_deny"] = reason
            found.update(status=403 if decision == "deny" else 200, bytes_in=chance.randrange(100, 9000), bytes_out=chance.randrange(200, 90000),
                         duration_us=chance.randrange(300, 9000000))
            log.write(json.dumps(found) + "\n")


class LogPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("chromium")
        cls.folder = tempfile.mkdtemp(prefix="dockreeve-page-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        write_traffic(os.path.join(cls.folder, "access.jsonl"))

    def make(self, log="access.jsonl"):
        page = os.path.join(self.folder, log + ".html")
        done = run("policy", "log", "--log", os.path.join(self.folder, log), "--html", page)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return "file://" + page

    def open(self, width=1280, height=900, state="", log="access.jsonl", **options):
        return self.browser.open(self.make(log) + state, width, height, **options)

    def check(self, page):
        """Nothing is wider than the window, nothing went wrong and nothing but the page was asked for."""
        self.assertEqual(page.ask("document.documentElement.scrollWidth - innerWidth"), 0, "the page is wider than the window")
        self.assertEqual(page.complaints(), [])
        self.assertEqual([address for address in page.requested() if not address.startswith("file://" + self.folder)], [])
        self.assertEqual(len(page.requested()), 1)

    def picture(self, page, name):
        folder = os.environ.get("DOCKREEVE_SCREENSHOTS", self.folder)
        path = os.path.join(folder, "log-page-%s.png" % name.replace(" ", "-"))
        page.photograph(path)
        self.assertGreater(os.path.getsize(path), 10000, "an empty picture")

    def test_every_size_in_light_and_dark(self):
        for name, width, height in SIZES:
            for dark in (False, True):
                with self.subTest(name, dark=dark):
                    page = self.open(width, height, dark=dark)
                    self.picture(page, name + ("-dark" if dark else ""))
                    self.check(page)
                    page.ask("document.querySelectorAll('.rows .toggle').forEach((button) => button.click())")
                    page.ask("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
                    self.check(page)
                    self.assertEqual(page.ask(FAINT), [])

    def test_hostile_records(self):
        texts = ("<script>document.title='taken'</script>", "\"><img src=https://example.com/x onerror=alert(1)>", "</script>", "\u202e\u2066", "x" * 3000,
                 "javascript:alert(1)", "' autofocus onfocus='alert(1)")
        with open(os.path.join(self.folder, "hostile.jsonl"), "w", encoding="ascii") as log:
            for number, text in enumerate(texts):
                log.write(json.dumps({"ts": "2026-11-20T10:00:%02dZ" % number, "id": text, "event": "request", "kind": text, "client": text,
                                      "peer": text, "via": text, "method": text, "host": text, "path": text, "decision": "deny", "rule": text,
                                      "source": text, "reason": text, "status": text}) + "\n")
        for name, width, height in SIZES:
            with self.subTest(name):
                page = self.open(width, height, log="hostile.jsonl")
                page.ask("document.querySelectorAll('.rows .toggle').forEach((button) => button.click())")
                self.check(page)
                self.assertEqual(page.ask("[document.title.startsWith('Dockreeve'), document.images.length, document.scripts.length]"), [True, 0, 1])
                # What is offered to choose from is text, too, and chooses.
                page.ask("(() => { const client = document.forms[0].client; client.selectedIndex = 1; client.form.dispatchEvent(new Event('input')); })()")
                self.assertEqual(len(page.ask(VISIBLE)), 1)

    def test_filter(self):
        rows = len(TRAFFIC)
        for name, state, count, says in (
                ("nothing", "", rows, ""), ("a host", "#q=GITHUB", 1, "1 of %d rows, 160 requests" % rows),
                ("two words", "#q=agents+default", 3, "3 of %d rows, 18 requests" % rows),
                ("something of the records", "#q=%2Fcontainers%2Fagent-7", 1, "1 of %d rows, 17 requests" % rows),
                ("a decision", "#decision=denied", 6, "6 of %d rows, 97 requests" % rows),
                ("report mode", "#decision=would-deny", 1, "1 of %d rows, 17 requests" % rows),
                ("client and type", "#client=traefik&kind=docker&decision=allowed", 2, "2 of %d rows, 409 requests" % rows),
                ("no row", "#q=nothing-has-this", 0, "No row matches."), ("no such client", "#client=nobody", rows, "")):
            with self.subTest(name):
                page = self.open(state=state)
                self.assertEqual((len(page.ask(VISIBLE)), page.ask("document.getElementById('shown').textContent")), (count, says))
                self.assertEqual(page.complaints(), [])

    def test_typing_into_the_filter(self):
        page = self.open()
        page.ask("document.forms[0].q.focus()")
        page.call("Input.insertText", text="telemetry")
        self.assertEqual(page.ask(VISIBLE), ["telemetry.example.com:443"])
        self.assertEqual(page.ask("location.hash"), "#q=telemetry")
        page.ask("document.querySelector('button[type=reset]').click()")
        self.assertEqual(page.ask("new Promise((done) => setTimeout(() => done(location.hash + document.forms[0].q.value)))"), "")
        self.assertEqual(len(page.ask(VISIBLE)), len(TRAFFIC))
        self.check(page)

    def test_sorting(self):
        page = self.open()
        heads = "document.querySelectorAll('.rows')[2].tHead.rows[0].cells"
        counts = "[...document.querySelectorAll('.rows')[2].tBodies].map((b) => b.rows[0].cells[8].textContent)"
        names = "[...document.querySelectorAll('.rows')[2].tBodies].map((b) => b.rows[0].cells[2].textContent)"
        page.ask(heads + "[2].firstChild.click()")
        self.assertEqual(page.ask(names), sorted(page.ask(names)))
        self.assertEqual(page.ask(heads + "[2].getAttribute('aria-sort')"), "ascending")
        page.ask(heads + "[2].firstChild.click()")
        self.assertEqual(page.ask(names), sorted(page.ask(names), reverse=True))
        page.ask(heads + "[8].firstChild.click()")
        self.assertEqual(page.ask(counts), ["400", "310", "160", "120", "90", "44", "9"])
        self.assertEqual(page.ask("[...%s].map((h) => h.getAttribute('aria-sort'))" % heads), ["none"] * 8 + ["descending"])

    def test_records_are_unfolded_by_keyboard(self):
        page = self.open()
        shown = "document.querySelector('.records').checkVisibility()"
        self.assertFalse(page.ask(shown))
        page.ask("document.querySelector('.toggle').focus()")
        self.assertNotEqual(page.ask("getComputedStyle(document.activeElement).outlineStyle"), "none")
        page.press("Enter", text="\r")
        self.assertTrue(page.ask(shown))
        self.assertEqual(page.ask("document.activeElement.getAttribute('aria-expanded')"), "true")
        self.assertEqual(page.ask("document.querySelectorAll('.records')[0].querySelectorAll('table > tbody > tr').length"), 20)
        page.press("Enter", text="\r")
        self.assertFalse(page.ask(shown))

    def test_everything_has_a_name(self):
        page = self.open()
        nodes = page.call("Accessibility.getFullAXTree")["nodes"]
        roles = {}
        for node in nodes:
            role = node.get("role", {}).get("value")
            if role in ("button", "searchbox", "combobox", "table", "image", "region", "search", "heading") and not node.get("ignored"):
                roles.setdefault(role, []).append(node.get("name", {}).get("value", ""))
        self.assertEqual([role for role, names in roles.items() if not all(names)], [])
        self.assertLessEqual({"button", "searchbox", "combobox", "table", "image", "region", "search", "heading"}, set(roles))
        self.assertEqual(page.ask("document.documentElement.lang"), "en")

    def test_without_script_everything_is_shown(self):
        for name, width, height in SIZES:
            with self.subTest(name):
                page = self.open(width, height, script=False)
                self.assertEqual(len(page.ask(VISIBLE)), len(TRAFFIC))
                self.assertEqual(page.ask("[...document.querySelectorAll('.records summary')].filter((s) => s.checkVisibility()).length"), len(TRAFFIC))
                self.assertFalse(page.ask("document.forms[0].checkVisibility()"))
                self.assertEqual(page.ask("document.querySelectorAll('button, .toggle').length"), 1, "no button that does nothing is seen")
                page.ask("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
                self.assertEqual(page.ask("document.documentElement.scrollWidth - innerWidth"), 0)

    def test_on_paper(self):
        page = self.open(dark=True)
        page.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        self.assertEqual(page.ask("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)")
        self.assertFalse(page.ask("document.forms[0].checkVisibility()"))
        self.assertEqual(len(page.ask(VISIBLE)), len(TRAFFIC))
        self.assertEqual(page.ask(FAINT), [])
