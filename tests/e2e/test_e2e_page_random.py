"""Whatever is done in two windows, in whatever order: no word is lost, and all end as the server has it.

One seed counts for the gate. `LLM_REPL_RANDOM_SEEDS=2-30 LLM_REPL_RANDOM_ACTIONS=200` looks for more.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import time
import urllib.request
from collections import Counter
from random import Random

import pytest

from conftest import BROWSER_LIMIT_MS, CUT_OFF, EXPECTED_BROWSER_LOG, wait_until

PlaywrightTimeout = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed"
).TimeoutError

ACTIONS = int(os.environ.get("LLM_REPL_RANDOM_ACTIONS", "40"))
_FIRST, _, _LAST = os.environ.get("LLM_REPL_RANDOM_SEEDS", "1").partition("-")
SEEDS = range(int(_FIRST), int(_LAST or _FIRST) + 1)
SETTLED_WITHIN_S = 60.0
KILLS = 3
ANSWER = " ".join(f"answer{number}" for number in range(80))

# What a person does is more frequent than what happens to them.
CHOICES = (
    *["type"] * 12,
    *["add", "keys", "type_in_both"] * 3,
    *["move", "delete", "delete_and_undo", "change_type", "ask", "undo", "redo"] * 2,
    *["duplicate", "copy_and_paste", "rename", "merge", "split"],
    *["other_edits", "other_adds", "other_moves", "other_deletes"],
    *["offline", "online", "online", "reload", "kill", "start", "start"],
)
# A text that was changed here and elsewhere, or in a cell that is gone, is not thrown away.
WAYS_OUT = ("Save together", "Put it back")


class Window:
    """A window of a person, and what it logs that it should not."""

    def __init__(self, browser):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900})
        self.context.set_default_timeout(BROWSER_LIMIT_MS)
        self.page = self.context.new_page()
        self.problems = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)
        self.is_online = True

    def _note(self, message):
        # Servers are killed while it asks them something.
        is_expected = EXPECTED_BROWSER_LOG.search(message.text) or CUT_OFF.search(message.text)
        if message.type == "error" and not is_expected:
            self.problems.append(message.text)

    def set_online(self, is_online):
        self.context.set_offline(not is_online)
        self.is_online = is_online

    def shown(self):
        """The ids of the cells."""
        return self.page.evaluate(
            "[...document.querySelectorAll('article.cell[id^=cell-]')].map((one) => one.id.slice(5))"
        )

    def focus(self, number):
        """Give a cell the focus; its id."""
        return self.page.evaluate(
            """(number) => {
              document.activeElement?.blur();
              const all = [...document.querySelectorAll('article.cell[id^=cell-]')];
              const one = all[number % (all.length || 1)];
              one?.focus();
              return one?.id.slice(5) ?? null;
            }""",
            number,
        )

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def delete(self, cell_id):
        """Delete the cell that has the focus."""

        def is_gone():
            self.press("d", "d")
            with contextlib.suppress(PlaywrightTimeout):  # on a slow machine two keys are no pair
                gone = f"#cell-{cell_id}"
                self.page.wait_for_selector(gone, state="detached", timeout=2000)
                return True
            return False

        wait_until(is_gone, "the cell is deleted")

    def has_word(self, cell_id, word):
        """Whether a word stands where one types; None: the cell is gone, or in conflict."""
        return self.page.evaluate(
            """([id, word]) => {
              const there = document.activeElement;
              if (`${there?.value ?? ''}${there?.textContent ?? ''}`.includes(word)) return true;
              const cell = document.getElementById(`cell-${id}`);
              return !cell || cell.querySelector('.merge') ? null : false;
            }""",
            [cell_id, word],
        )

    def is_settled(self):
        """Whether all is sent; what is to be decided is decided."""
        for name in WAYS_OUT:
            for button in self.page.get_by_role("button", name=name, exact=True).all():
                with contextlib.suppress(Exception):  # another click may have taken it away
                    button.click(timeout=1000)
        return (
            self.page.locator(".bar >> text=Saved").count() == 1
            and self.page.get_by_text("Put it back").count() == 0
            and self.page.locator(".merge").count() == 0
        )


class World:
    """Two windows, the server, another client; and which words were typed."""

    def __init__(self, stage, windows, random):
        self.stage, self.windows, self.random = stage, windows, random
        self.server = stage.serve()
        self.notebook, _ = self.server.new_notebook("# a", "# b", "# c")
        self.server.new_cell(
            self.notebook,
            "prompt",
            ANSWER,
            model="mock/echo",
            parameters={"delay_per_token_s": 0.01},
        )
        self.words = []
        #: No word comes twice, also where one is taken off the list.
        self.numbers = itertools.count()
        #: Those that may be there more often, since a cell that had them was copied or put back.
        self.copied = set()
        self.is_up, self.kills = True, 0
        for window in windows:
            window.page.goto(f"{self.server.base}/#/notebooks/{self.notebook.rpartition('/')[2]}")
            window.page.wait_for_selector(".cell")

    def new_word(self):
        self.words.append(f"w{next(self.numbers)}x")
        return self.words[-1]

    def note_copied(self, text):
        self.copied.update(re.findall(r"\bw\d+x\b", text))

    def note_all_copied(self, window):
        self.note_copied(window.page.evaluate("document.body.innerText"))

    # The windows -----------------------------------------------------------------------------

    def type(self, window):
        cell_id = window.focus(self.random.randrange(1000))
        is_free = "(id) => !document.querySelector(`#cell-${id} .merge`)"
        if cell_id is None or not window.page.evaluate(is_free, cell_id):
            return
        word = self.new_word()
        window.press("Enter")
        window.page.keyboard.type(f" {word}")
        try:
            found = wait_until(
                lambda: {True: "typed", None: "elsewhere"}.get(window.has_word(cell_id, word)),
                f"{word} is typed",
            )
        finally:
            window.press("Escape")
        if found == "elsewhere":
            self.words.remove(word)  # it may be in the conflict, or not
            self.copied.add(word)

    def type_in_both(self, _):
        """Into the cell of the same number."""
        state = self.random.getstate()
        for window in self.windows:
            self.random.setstate(state)
            self.type(window)

    def add(self, window):
        if window.focus(self.random.randrange(1000)) is None:
            return
        word = self.new_word()
        window.press(self.random.choice("ab"))
        window.page.keyboard.type(f"# {word}")
        wait_until(
            lambda: window.page.evaluate(
                "(word) => document.activeElement.textContent.includes(word)", word
            ),
            f"{word} is typed into a new cell",
        )
        window.press("Escape")

    def keys(self, window):
        """Keys as fast as they come."""
        window.focus(self.random.randrange(1000))
        keys = ["ArrowDown", "ArrowUp", "j", "k", "m", "y", "p", "P", "S", "f", "o", "Alt+ArrowUp"]
        window.press(*self.random.choices(keys, k=4))

    def move(self, window):
        window.focus(self.random.randrange(1000))
        window.press(self.random.choice(["Alt+ArrowDown", "Alt+ArrowUp"]))

    def delete(self, window):
        if len(window.shown()) > 3:
            cell_id = window.focus(self.random.randrange(1000))
            self.note_all_copied(window)  # it may be put back, and restored
            window.delete(cell_id)

    def delete_and_undo(self, window):
        cell_id = window.focus(self.random.randrange(1000))
        if cell_id is not None:
            self.note_all_copied(window)
            window.delete(cell_id)
            window.press("z")
            window.page.wait_for_selector(f"#cell-{cell_id}")

    def change_type(self, window):
        window.focus(self.random.randrange(1000))
        window.press(self.random.choice("myp"))

    def undo(self, window):
        self.note_all_copied(window)
        window.focus(0)
        window.press("z")

    def redo(self, window):
        self.note_all_copied(window)
        window.focus(0)
        window.press("Z")

    def merge(self, window):
        if len(window.shown()) > 3:
            self.note_all_copied(window)
            window.focus(self.random.randrange(1000))
            window.press("M")

    def split(self, window):
        cell_id = window.focus(self.random.randrange(1000))
        is_free = "(id) => !document.querySelector(`#cell-${id} .merge`)"
        if cell_id is not None and window.page.evaluate(is_free, cell_id):
            self.note_all_copied(window)
            window.press("Enter")
            with contextlib.suppress(Exception):
                window.page.wait_for_selector(".cm-content:focus", timeout=5000)
                window.press("Home", "Control+Shift+Minus")
            window.press("Escape")

    def copy_and_paste(self, window):
        self.note_all_copied(window)
        window.focus(self.random.randrange(1000))
        window.press("c", "v")

    def duplicate(self, window):
        cell_id = window.focus(self.random.randrange(1000))
        if cell_id is not None and self.is_up:
            # Of the server's cell, which may have words of the other window.
            _, copy = self.server.ask("POST", f"{self.notebook}/cells/{cell_id}/duplicate")
            self.note_copied(copy.get("content", ""))

    def ask(self, window):
        window.page.evaluate("document.querySelector('article.is-prompt')?.focus()")
        window.press("Control+Enter")

    def rename(self, window):
        window.page.evaluate("document.activeElement?.blur()")
        window.page.locator(".bar .name").click()
        name = window.page.get_by_label("Name of the notebook")
        if name.count():
            name.fill(f"Name {self.random.randrange(1000)}")
            name.press("Enter")

    # Another client ----------------------------------------------------------------------------

    def any_cell(self):
        cells = self.server.ask("GET", f"{self.notebook}/cells")[1]["cells"] if self.is_up else []
        return self.random.choice(cells) if cells else None

    def other_edits(self, _):
        if (cell := self.any_cell()) is not None:
            word = self.new_word()
            path = f"{self.notebook}/cells/{cell['id']}"
            body = {"content": f"# {word} {cell['content']}"}
            match = {"If-Match": f'"{cell["version"]}"'}
            if self.server.ask("PUT", path, body, **match)[0] != 200:
                self.words.remove(word)
                self.copied.add(word)

    def other_adds(self, _):
        if self.is_up:
            self.server.new_cell(self.notebook, "code", f"# {self.new_word()}")

    def other_moves(self, _):
        if (cell := self.any_cell()) is not None:
            path = f"{self.notebook}/cells/{cell['id']}/move"
            assert self.server.ask("POST", path, {"position": 0})[0] == 200

    def other_deletes(self, _):
        if (cell := self.any_cell()) is not None:
            for window in self.windows:
                self.note_all_copied(window)
            self.note_copied(cell["content"])
            assert self.server.ask("DELETE", f"{self.notebook}/cells/{cell['id']}")[0] == 200

    # What happens to all -----------------------------------------------------------------------

    def offline(self, window):
        window.set_online(False)

    def online(self, window):
        window.set_online(True)

    def reload(self, window):
        if self.is_up and window.is_online:
            window.page.reload()
            window.page.wait_for_selector("article.cell, .add-first")

    def kill(self, _):
        if self.is_up and self.kills < KILLS:
            self.kills += 1
            self.server.kill()
            self.is_up = False

    def start(self, _):
        if not self.is_up:
            port = self.server.port
            self.server = self.stage.start("llm-repl", "serve", "--port", str(port), port=port)
            self.is_up = True

    # The end -----------------------------------------------------------------------------------

    def server_cells(self):
        return self.server.ask("GET", f"{self.notebook}/cells")[1]["cells"]

    def settle(self):
        self.start(None)
        for window in self.windows:
            window.set_online(True)

        def is_settled():
            are_settled = [window.is_settled() for window in self.windows]
            return all(are_settled) and not self.server.ask("GET", self.notebook)[1]["runs"]

        wait_until(is_settled, "everything is sent and has ended", SETTLED_WITHIN_S)

    def check_windows(self):
        def agree():
            cells = self.server_cells()
            ids = [cell["id"] for cell in cells]
            return all(window.shown() == ids for window in self.windows) and cells

        for cell in wait_until(agree, "the windows have the server's cells"):
            for window in self.windows:
                wait_until(
                    lambda window=window, cell=cell: self.is_shown(window, cell),
                    f"{cell['content']!r} is shown as {cell['type']}",
                    10,
                )

    @staticmethod
    def is_shown(window, cell):
        """Whether a window shows a cell as the server has it, and its answer without a gap."""
        answers = [one for one in cell["outputs"] if one["type"] == "llm_response"]
        for answer in answers:
            assert answer["content"].endswith(answer["prompt"])
        kinds = {"MarkdownCell": "md", "ComputationCell": "code", "PromptCell": "prompt"}
        return window.page.evaluate(
            """([id, kind, words, answer]) => {
              const cell = document.getElementById(`cell-${id}`);
              cell?.scrollIntoView();  // out of sight, it is not drawn
              const folded = cell?.querySelector('.folded:not(.outputs)');
              const source = cell?.querySelector('.source')?.innerText ?? '';
              const shown = source.match(/\\bw\\d+x\\b/g) ?? [];
              const hasAnswer = !answer || (cell.querySelector('.answer')?.innerText ?? answer).includes(answer);
              return cell?.classList.contains(`is-${kind}`) && (folded || `${shown}` === `${words}`) && hasAnswer;
            }""",
            [
                cell["id"],
                kinds[cell["type"]],
                re.findall(r"\bw\d+x\b", cell["content"]),
                ANSWER if any(ANSWER in one["content"] for one in answers) else "",
            ],
        )

    def check_file(self):
        address = f"{self.server.base}{self.notebook}/download?format=llmn"
        with urllib.request.urlopen(address, timeout=30) as answer:
            file = json.load(answer)
        assert [(one["cell_id"], one["content"]) for one in file["cells"]] == [
            (one["id"], one["content"]) for one in self.server_cells()
        ]

    def check_words(self):
        """No word is lost; what was deleted is in the bin."""
        for binned in self.server.ask("GET", f"{self.notebook}/bin")[1]["cells"]:
            path = f"{self.notebook}/bin/{binned['id']}/restore"
            assert self.server.ask("POST", path)[0] == 200
        found = Counter(
            word
            for cell in self.server_cells()
            for word in re.findall(r"\bw\d+x\b", cell["content"])
        )
        lost = [word for word in self.words if not found[word]]
        doubled = [word for word in self.words if found[word] > 1 and word not in self.copied]
        assert (lost, doubled) == ([], [])


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_whatever_is_done(stage, browser, seed):
    random = Random(seed)
    windows = [Window(browser) for _ in range(2)]
    world = World(stage, windows, random)
    done = []
    started = time.monotonic()
    try:
        for _ in range(ACTIONS):
            action, number = random.choice(CHOICES), random.randrange(2)
            done.append(f"{time.monotonic() - started:.1f} {action} in {'AB'[number]}")
            getattr(world, action)(windows[number])
        world.settle()
        world.check_windows()
        world.check_file()
        world.check_words()
        for window in windows:
            assert window.problems == []
    except BaseException:
        print(f"seed {seed}:", *done, sep="\n")
        for window in windows:
            with contextlib.suppress(Exception):
                print(window.page.inner_text("body"), window.problems, sep="\n")
                print(window.page.evaluate("document.activeElement?.outerHTML.slice(0, 300)"))
        raise
    finally:
        for window in windows:
            window.context.close()
