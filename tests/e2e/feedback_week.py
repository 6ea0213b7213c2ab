"""The notebook that the page's design shows: a tea shop reads what customers wrote in a week.

Its files, its cells, and a server in OpenAI's protocol that answers its prompts as the design has it.
"""

from __future__ import annotations

import json
import random
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from llm_repl_core.testing.openai_server import OpenAIServer, ReceivedRequest, Reply

__all__ = ["CHECK", "LETTER", "FeedbackServer", "add_feedback_notebook", "write_tables"]

MESSAGES = [
    ("2026-11-16", "mail", 2, "The tin arrived dented, and tea was all over the box.", "packing", True, "dented tin, tea spilt"),
    ("2026-11-16", "shop", 5, "Lovely smell. The Assam is my new breakfast.", "taste", False, "likes the Assam"),
    ("2026-11-17", "mail", 1, "Where is my order? It was due on Monday!", "delivery", True, "order is late"),
    ("2026-11-18", "web", 4, "Good tea, a little too dear.", "price", False, "a little too dear"),
    ("2026-11-19", "web", 2, "Dented tin again. Please pack it better.", "packing", True, "dented tin, again"),
    ("2026-11-20", "shop", 3, "The green one tastes of hay.", "taste", False, "green tea like hay"),
    ("2026-11-20", "mail", 1, "Third dented tin this autumn. I want my money back.", "packing", True, "wants money back"),
    ("2026-11-21", "web", 5, "Quick delivery, and the label says how long to steep.", "delivery", False, "quick, good label"),
    ("2026-11-22", "web", 4, "Could you sell smaller bags? 250 g is too much for me.", "price", False, "wants smaller bags"),
]  # fmt: skip

CHECK = """\
All three complaints name **tins**, none a bag, and all three orders left after the change of courier. \
I would look for orders that

- hold at least one tin (the SKU starts with `TIN-`),
- left the house on or after 2 November, and
- went out with the new courier.

```python
risky = orders[
    orders["sku"].str.startswith("TIN-")
    & (orders["shipped"] >= "2026-11-02")
    & (orders["courier"] == "Swift")
]
```

Before you write to anybody, compare the share of returns among `risky` with that of the rest. \
Three messages are a hint, not a cause.
"""

CHECK_OF_ANOTHER = """\
Tins only, and only since the courier changed. But do not filter by courier yet: first see whether it \
makes a difference.

```python
since = pd.Timestamp("2026-11-02")
tins = orders["sku"].str.startswith("TIN-")
risky = orders[
    tins & orders["shipped"].ge(since)
]
risky.groupby("courier").size()
```

If Swift stands out, write to its customers. If not, look at the batch of tins: three dented ones can come \
from one pallet. The column `batch` would tell.
"""

DECISION = {
    "action": "Pack every tin in a padded sleeve, until the courier has answered",
    "owner": "warehouse",
    "due": "2026-11-24",
    "cost": 85.0,
    "sure": "medium",
    "why": "Three of nine messages, all since the change of courier",
}

LETTER = """\
Dear team,

three of nine customers wrote about dented tins this week, and all three orders left with the new courier.

From Tuesday the warehouse packs every tin in a padded sleeve, until the courier has answered. That costs us \
about 85 euros a week. Anna lists the tins that went out with Swift since 2 November, so that we write to \
those customers before they write to us.

One customer praised how quick we are. Thank you.
"""

CHECK_OF_THE_SMALL_ONE = """\
Look for orders with tins that were shipped in November:

```python
risky = orders[
    orders["sku"].str.contains("TIN") & orders["shipped"].ge("2026-11-01")
]
```
"""

NOTE_SCHEMA = {
    "type": "object",
    "properties": {
        "topic": {"type": "string", "enum": ["packing", "taste", "delivery", "price"]},
        "urgent": {"type": "boolean"},
        "summary": {"type": "string"},
    },
    "required": ["topic", "urgent", "summary"],
    "additionalProperties": False,
}

DECISION_SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"type": "string"},
        "owner": {"type": "string", "enum": ["shop", "warehouse", "office"]},
        "due": {"type": "string", "format": "date"},
        "cost": {"type": "number", "description": "euros a week"},
        "sure": {"type": "string", "enum": ["low", "medium", "high"]},
        "why": {"type": "string"},
    },
    "required": ["action", "owner", "due", "cost", "sure", "why"],
    "additionalProperties": False,
}

CELLS: list[dict[str, Any]] = [
    {
        "type": "markdown",
        "content": "# Feedback, week 47\n\nNine customers wrote between 16 and 22 November. One prompt reads every "
        "message, code counts, and two prompts that do not need each other are asked together. The last one writes "
        "to the team.",
    },
    {
        "type": "code",
        "content": 'import pandas as pd\n\nshop = "a tea shop"\n'
        'orders = pd.read_csv("orders-2026-11.csv", parse_dates=["shipped"])\n'
        'messages = pd.read_csv("feedback-2026-w47.csv", parse_dates=["day"])\nmessages.head(4)',
    },
    {
        "type": "prompt",
        "content": "Sort this message of a customer: {item.text}",
        "for_each": "messages.itertuples()",
        "schema": NOTE_SCHEMA,
        "response_var": "notes",
        "temperature": 0,
        "parameters": {"max_tokens": 300},
    },
    {
        "type": "memory",
        "content": "# How many messages about packing each week brought. Kept from run to run.\n"
        'weeks = memory.get("weeks", {"40": 0, "41": 1, "42": 0, "43": 1, "44": 1, "45": 2, "46": 2}) | {\n'
        '    "47": len([note for note in notes if note["topic"] == "packing"]),\n}',
    },
    {
        "type": "code",
        "content": 'counts = pd.Series([note["topic"] for note in notes]).value_counts()\nmost = counts.idxmax()\n'
        "lines = \"\\n\".join(f\"- {note['topic']}: {note['summary']}\" for note in notes)\n\n"
        'pd.Series(weeks).plot.bar(title=f"Messages about {most}, by week");',
    },
    {
        "type": "prompt",
        "content": "Customers of {shop} write, most of them about {most}:\n\n{lines}\n\nWhich orders may have left in "
        "dented tins? Say in short how to find them in the table `orders`, with the pandas code.",
        "context": "chosen",
        "response_var": "check",
        "temperature": 0.2,
        "parameters": {"max_tokens": 400},
    },
    {
        "type": "prompt",
        "content": "Customers of {shop} write:\n\n{lines}\n\nDecide the one thing that we do first about {most}.",
        "schema": DECISION_SCHEMA,
        "response_var": "decision",
        "temperature": 0,
        "parameters": {"max_tokens": 300},
    },
    {
        "type": "prompt",
        "content": "Write to the team in at most 90 words. First what we do: {decision}\n\n"
        "Then, in one sentence, how we find the orders: {check}",
        "model": "openai/gpt-5.4",
        "response_var": "letter",
        "temperature": 0.7,
        "parameters": {"max_tokens": 1500},
    },
]

CHOICES = {
    "provider": "openai",
    "model": "gpt-5.4-mini",
    "system": "You work for {shop}. Be brief.",
    "budget": {"usd": 5},
    "mode": "reuse",
}

PRICES = {
    "openai/gpt-5.4-mini": {"input": 0.75, "output": 4.5},
    "openai/gpt-5.4": {"input": 2.5, "output": 15},
    "openai/gpt-5.4-nano": {"input": 0.2, "output": 1.25},
}


class FeedbackServer(OpenAIServer):
    """Answers the notebook's prompts.

    Attributes:
        delay_per_piece_s: How long each word of an answer takes.
        at_once: Of an answer that has this text, what stands up to its end comes in one piece.
        slow: Answers take so long only where a prompt has one of these texts; None: all do.
        thinks: Whether it takes the time of a model before it answers.
        misses: Whether two of the messages get topics that there are not: one of them once.
    """

    def __init__(self) -> None:
        super().__init__(
            reply=self._reply_to, models=("gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "llama3.2")
        )
        self.settle()

    def settle(self) -> None:
        """Answer at once, and as it should."""
        self.delay_per_piece_s = 0.0
        self.at_once = ""
        self.slow: tuple[str, ...] | None = None
        self.thinks = False
        self.misses = False

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a server that asks this one."""
        return {
            "OPENAI_API_KEY": "sk-of-the-tests",
            "OPENAI_BASE_URL": self.base_url,
            "LLM_REPL_PRICES": json.dumps(PRICES),
            "LLM_REPL_PROVIDER_CONCURRENCY": "2",
        }

    def _reply_to(self, request: ReceivedRequest) -> Reply:
        asked = json.dumps(request.body, ensure_ascii=False)
        text = _text_for(_first_asked(request), request.body.get("model", ""))
        is_second = "Your answer does not fit" in asked
        if self.misses and "tastes of hay" in asked:
            return Reply(text=_with_topic(text, "flavour"))
        if self.misses and "Dented tin again" in asked and not is_second:
            # So that it is asked again behind the other one, whose second answer is soon there.
            return Reply(text=_with_topic(text, "tins"), delay_s=0.4)
        is_slow = self.slow is None or any(part in asked for part in self.slow)
        is_slow = is_slow or (self.misses and is_second)
        head, found, rest = text.partition(self.at_once or text)
        return Reply(
            pieces=(head + found, *re.findall(r"\S+\s*", rest))
            if is_slow and found != text
            else None,
            text=text,
            delay_s=_thinking_s(asked) if self.thinks else 0.0,
            delay_per_piece_s=self.delay_per_piece_s if is_slow else 0.0,
        )


def _with_topic(text: str, topic: str) -> str:
    return json.dumps(json.loads(text) | {"topic": topic})


_THINKING_S = {"Decide the one": 0.5, "Write to the team": 0.9, "Which orders": 0.6}


def _thinking_s(asked: str) -> float:
    return next((time_s for text, time_s in _THINKING_S.items() if text in asked), 0.1)


def _first_asked(request: ReceivedRequest) -> str:
    """The prompt of a conversation: a second question about a message is about the same."""
    for *_, text, _topic, _urgent, _summary in MESSAGES:
        if text in json.dumps(request.body, ensure_ascii=False) and "Sort this" in str(
            request.body
        ):
            return f"Sort this message of a customer: {text}"
    return request.prompt


def _text_for(prompt: str, model: str) -> str:
    for *_, text, topic, urgent, summary in MESSAGES:
        if prompt.startswith("Sort this") and text in prompt:
            return json.dumps({"topic": topic, "urgent": urgent, "summary": summary})
    if "Decide the one thing" in prompt:
        return json.dumps(DECISION)
    if "Write to the team" in prompt:
        return LETTER
    if "refund mail" in prompt:
        return LETTER * 9
    if "Which orders" in prompt:
        others = {"gpt-5.4": CHECK_OF_ANOTHER, "llama3.2": CHECK_OF_THE_SMALL_ONE}
        return others.get(model, CHECK)
    return f"You asked: {prompt[-200:]}"


def write_tables(folder: Path) -> None:
    """Write the two tables that the notebook reads."""
    lines = ["day,by,stars,text"]
    lines += [f'{day},{by},{stars},"{text}"' for day, by, stars, text, *_ in MESSAGES]
    (folder / "feedback-2026-w47.csv").write_text("\n".join(lines) + "\n", "utf-8")
    draw = random.Random(47)
    lines = ["order,sku,shipped,courier,weight_g,price,returned"]
    for number in range(1204):
        shipped = date(2026, 10, 1) + timedelta(days=draw.randrange(52))
        courier = "Swift" if shipped >= date(2026, 11, 2) else "Postal"
        sku = draw.choice(["TIN-ASSAM", "TIN-GREEN", "BAG-ASSAM", "BAG-GREEN", "BAG-MINT"])
        price = draw.randrange(490, 2490, 50) / 100
        lines.append(
            f"{7000 + number},{sku},{shipped},{courier},{draw.choice([100, 250, 500])},{price},"
            f"{int(draw.random() < 0.03)}"
        )
    (folder / "orders-2026-11.csv").write_text("\n".join(lines) + "\n", "utf-8")


def add_feedback_notebook(server: Any, *, name: str = "Feedback, week 47") -> tuple[str, list[str]]:
    """Make the notebook over the API.

    Args:
        server: A `RealServer` that runs in the folder of the tables.
        name: The notebook's name.

    Returns:
        The notebook's path, and those of its cells.
    """
    status, notebook = server.ask(
        "POST", "/api/notebooks", {"name": name, "metadata": {"llm_repl": CHOICES}}
    )
    assert status == 201, notebook
    path = f"/api/notebooks/{notebook['id']}"
    cells: list[str] = []
    for fields in CELLS:
        body = dict(fields)
        if body.get("context") == "chosen":
            body["context"] = [cells[index].rpartition("/")[2] for index in (0, 1, 4)]
        status, cell = server.ask("POST", f"{path}/cells", body)
        assert status == 201, cell
        cells.append(f"{path}/cells/{cell['id']}")
    return path, cells
