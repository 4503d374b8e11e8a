"""A browser without a window, driven by its own protocol: pages as people meet them."""

import asyncio
import base64
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest


def chromium():
    """The browser; the test is skipped where there is none."""
    found = next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )
    if found is None:
        pytest.skip("no chromium is installed")
    return found


class Tab:
    """One page: what it logs, what its scripts say, where its pointer is."""

    def __init__(self, connection):
        self._connection, self._last, self.complaints = connection, 0, []

    async def call(self, method, **params):
        """Ask the browser, and note what the page complains of meanwhile."""
        self._last += 1
        await self._connection.write_message(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            told = json.loads(await asyncio.wait_for(self._connection.read_message(), 120))
            if told.get("id") == self._last:
                assert "error" not in told, told
                return told["result"]
            self._note(told)

    def _note(self, told):
        match told.get("method"):
            case "Runtime.exceptionThrown":
                self.complaints.append(told["params"]["exceptionDetails"]["text"])
            case "Runtime.consoleAPICalled" if told["params"]["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(told["params"]["args"]))
            case "Log.entryAdded" if told["params"]["entry"]["level"] in ("error", "warning"):
                self.complaints.append(told["params"]["entry"]["text"])

    async def say(self, script):
        """The value of an expression in the page."""
        told = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, script):
        """Wait until an expression is true."""
        limit = time.monotonic() + 120
        while not await self.say(script):
            assert time.monotonic() < limit, script
            await asyncio.sleep(0.05)

    async def point(self, x, y):
        """Move the pointer."""
        await self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def picture(self, path):
        """Write a picture of the page."""
        told = await self.call("Page.captureScreenshot", captureBeyondViewport=False)
        Path(path).write_bytes(base64.b64decode(told["data"]))


def browse(page, folder, story, width=1280, dark=False):
    """Open a file and run `story(tab)`; what the page complained of."""
    from tornado.websocket import websocket_connect

    async def run(address):
        connection = await websocket_connect(address, max_message_size=2**28)
        tab = Tab(connection)
        for room in ("Runtime", "Log", "Page"):
            await tab.call(f"{room}.enable")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        await tab.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await tab.call("Emulation.setEmulatedMedia", features=scheme)
        await tab.call("Network.enable")
        await tab.call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
        )
        await tab.call("Page.navigate", url=Path(page).resolve().as_uri())
        await tab.until("document.readyState === 'complete'")
        await story(tab)
        connection.close()
        return tab.complaints

    words = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    command = [chromium(), *words, "--remote-allow-origins=*", "about:blank"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            return asyncio.run(run(_address(folder)))
        finally:
            process.terminate()


def _address(folder):
    """Where the first tab of a browser that just began listens."""
    from urllib.request import urlopen

    told, limit = Path(folder) / "DevToolsActivePort", time.monotonic() + 120
    while not (told.exists() and told.read_text().strip()):
        assert time.monotonic() < limit
        time.sleep(0.05)
    port = told.read_text().split()[0]
    with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        return next(each["webSocketDebuggerUrl"] for each in json.load(answer) if each["type"] == "page")
