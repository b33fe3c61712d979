# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/): pages are
opened at a given size, asked with JavaScript and photographed; what goes wrong in them is kept."""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading

import websocket

DEADLINE = 60


class Browser:
    def __init__(self, program="chromium"):
        self.folder = tempfile.mkdtemp(prefix="dockreeve-browser-")
        arguments = [program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
                     "--disable-background-networking", "--remote-debugging-port=0", "--remote-allow-origins=*",
                     "--user-data-dir=" + self.folder, "about:blank"]
        environment = dict(os.environ, HOME=self.folder)
        self.process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        for line in self.process.stderr:
            found = re.search(r"DevTools listening on (ws://\S+)", line)
            if found:
                self.socket = websocket.create_connection(found.group(1), timeout=DEADLINE)
                break
        else:
            raise AssertionError("chromium ended with %s before it listened" % self.process.wait())
        self.drain = threading.Thread(target=self.process.stderr.read, daemon=True)  # a full pipe would hold it up
        self.drain.start()
        self.number = 0
        self.events = []

    def close(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.drain.join(DEADLINE)
        self.process.stderr.close()
        shutil.rmtree(self.folder, True)

    def _receive(self):
        message = json.loads(self.socket.recv())
        if "method" in message:
            self.events.append(message)
        return message

    def call(self, method, session=None, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if session:
            request["sessionId"] = session
        self.socket.send(json.dumps(request))
        while True:
            message = self._receive()
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError("%s: %s" % (method, message["error"]))
                return message["result"]

    def open(self, address, width, height, dark=False, script=True):
        return Page(self, address, width, height, dark, script)


class Page:
    def __init__(self, browser, address, width, height, dark, script):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log", "Audits"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=address)
        while not self.said("Page.loadEventFired"):
            self.browser._receive()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def said(self, *methods):
        """What the browser told about this page under those names."""
        return [event["params"] for event in self.browser.events if event.get("sessionId") == self.session and event["method"] in methods]

    def ask(self, expression):
        """The value of a JavaScript expression, as Python has it. Works where the page's own scripts do not, too."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError("%s: %s" % (expression, result["exceptionDetails"]))
        return result["result"].get("value")

    def requested(self):
        """The addresses of everything that the page asked for, itself included."""
        return [event["request"]["url"] for event in self.said("Network.requestWillBeSent")]

    def complaints(self):
        """Exceptions, console errors and violations of the content security policy."""
        found = [event["exceptionDetails"]["text"] for event in self.said("Runtime.exceptionThrown")]
        found += [event["entry"]["text"] for event in self.said("Log.entryAdded") if event["entry"]["level"] in ("warning", "error")]
        found += [event["issue"]["code"] for event in self.said("Audits.issueAdded")]
        return found

    def photograph(self, path, whole=False):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]))

    def press(self, key, code=None, text=None):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, text=text if kind == "keyDown" and text else "")
