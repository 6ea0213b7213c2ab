"""Variables over REST: the list, one value by path and page, completion and signatures."""

from __future__ import annotations

import sys

import pytest

STATE = """
import threading
shop = "a tea shop"
orders = {"first": [{"city": "Oslo/N"}, 2], 5: "five"}
go_on = threading.Event()
"""
needs_forks = pytest.mark.skipif(sys.platform != "linux", reason="Forks are for Linux.")


def by_name(answer):
    return {variable["name"]: variable for variable in answer.json["variables"]}


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_variables_have_type_size_text_and_the_cells_that_make_and_use_them(make_api, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook()
    maker = api.new_cell(path, "code", STATE)
    user = api.new_cell(path, "prompt", "Write to {shop}.")
    memory = api.new_cell(path, "memory", "visits = 3")
    assert by_name(api.get(f"{path}/variables")) == {}
    api.post(f"{maker}/execute", {})
    api.post(f"{memory}/execute", {})
    found = by_name(api.get(f"{path}/variables"))
    shop = {
        "name": "shop",
        "type_name": "str",
        "shape": None,
        "length": 10,
        "text": "'a tea shop'",
        "has_parts": False,
        "made_by": maker.rpartition("/")[2],
        "used_by": [user.rpartition("/")[2]],
        "kept": False,
    }
    assert found["shop"] == shop
    assert found["visits"]["kept"]
    assert found["visits"]["made_by"] == memory.rpartition("/")[2]


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_a_value_is_opened_by_path_and_page(make_api, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook()
    cell = api.new_cell(path, "code", STATE + "numbers = list(range(1000))\nlong = 'ab' * 10_000")
    api.post(f"{cell}/execute", {})
    page = api.get(f"{path}/variables/numbers?page=3&per_page=100").json
    assert (page["kind"], page["total"], page["busy"]) == ("entries", 1000, False)
    assert [entry["label"] for entry in page["entries"]] == [*map(str, range(300, 400))]
    inner = api.get(f"{path}/variables/orders?path=/first/0/city").json
    assert (inner["kind"], inner["piece"]) == ("text", "Oslo/N")
    steps = [entry["step"] for entry in api.get(f"{path}/variables/orders").json["entries"]]
    assert steps == ["first", "@1"]
    assert api.get(f"{path}/variables/orders?path=/@1").json["piece"] == "five"
    text = api.get(f"{path}/variables/long?page=1").json
    assert (len(text["piece"]), text["total"], text["per_page"]) == (10_000, 20_000, 10_000)
    for wrong in ("nothing", "orders?path=/second", "orders?path=/first/7", "shop?path=/x"):
        refused = api.get(f"{path}/variables/{wrong}")
        assert (refused.status_code, refused.json["code"]) == (404, "not_found")
    assert api.get(f"{path}/variables/shop?path=x").status_code == 400
    assert api.get(f"{path}/variables/shop?per_page=201").status_code == 400


def test_without_a_kernel_the_memory_is_what_there_is(make_api):
    api = make_api()
    path = api.new_notebook()
    api.post(f"{api.new_cell(path, 'memory', 'visits = [3, 4]')}/execute", {})
    api = make_api()
    assert by_name(api.get(f"{path}/variables"))["visits"]["text"] == "[3, 4]"
    assert api.get(f"{path}/variables/visits?path=/1").json["piece"] == "4"


@needs_forks
def test_a_busy_kernel_is_not_asked_and_its_state_of_before_is_shown(make_api, in_thread, until):
    api = make_api(kernel="worker")
    path = api.new_notebook()
    before = api.new_cell(path, "code", STATE)
    busy = api.new_cell(path, "code", "shop = 'another'\nimport time\nwhile True: time.sleep(0.01)")
    api.post(f"{before}/execute", {})
    api.get(f"{path}/variables")
    running = in_thread(api.post, f"{busy}/execute", {})
    until(lambda: api.get(busy).json["status"] == "running", "it runs")
    shown = api.get(f"{path}/variables")
    assert shown.json["busy"]
    assert by_name(shown)["shop"]["text"] == "'a tea shop'"
    value = api.get(f"{path}/variables/orders?path=/first/1").json
    assert (value["piece"], value["busy"]) == ("2", True)
    completed = api.post(f"{path}/complete", {"code": "orders.se", "cursor": 9}).json
    assert [match["text"] for match in completed["matches"]] == ["setdefault"]
    api.post(f"{busy}/interrupt", {})
    running.result()
    shown = api.get(f"{path}/variables")
    assert not shown.json["busy"]
    assert by_name(shown)["shop"]["text"] == "'another'"


def test_a_busy_kernel_that_cannot_be_forked_is_answered_for_by_what_is_known(
    make_api, in_thread, until
):
    api = make_api()
    path = api.new_notebook()
    busy = api.new_cell(path, "code", STATE + "go_on.wait()")
    running = in_thread(api.post, f"{busy}/execute", {})
    until(lambda: api.get(busy).json["status"] == "running", "it runs")
    assert api.get(f"{path}/variables").json == {
        "variables": [],
        "left_out": 0,
        "busy": True,
        "taken_at": None,
    }
    assert api.get(f"{path}/variables/shop").status_code == 409
    code = "def f(amount):\n    return am"
    completed = api.post(f"{path}/complete", {"code": code, "cursor": len(code)}).json
    assert completed["from_text"]
    assert {"text": "amount", "type": "variable"} in completed["matches"]
    assert api.post(f"{path}/inspect", {"code": "f(", "cursor": 2}).json["name"] == ""
    api.post(f"{busy}/interrupt", {})
    running.result()


@pytest.mark.parametrize("kernel", ["in_process", "worker"])
def test_completion_and_signatures_know_the_state_and_the_unsaved_text(make_api, kernel):
    api = make_api(kernel=kernel)
    path = api.new_notebook()
    code = 'def send(letter, *, copies=1):\n    "Send it."\nprices = {"tea": 4, "mug": 9}'
    api.post(f"{api.new_cell(path, 'code', code)}/execute", {})

    def matches(text, cursor=None):
        place = {"code": text, "cursor": len(text) if cursor is None else cursor}
        answer = api.post(f"{path}/complete", place).json
        return answer["start"], {match["text"]: match["type"] for match in answer["matches"]}

    assert matches("x = prices.fro") == (11, {"fromkeys": "attribute"})
    assert matches('prices["') == (8, {"tea": "key", "mug": "key"})
    assert matches("send(cop")[1]["copies="] == "parameter"
    assert matches("pri")[1] == {"prices": "variable", "print": "function"}
    assert matches("subtotal = 1\nsub")[1]["subtotal"] == "variable"
    assert "🍵" not in matches("tea = '🍵'\nprices.fro\n", 19)[1]
    assert matches("tea = '🍵'\nprices.fro\n", 20)[1] == {"fromkeys": "attribute"}
    told = api.post(f"{path}/inspect", {"code": "send(1, ", "cursor": 8}).json
    assert told["signature"] == "(letter, *, copies=1)"
    assert (told["name"], told["documentation"], told["parameter"]) == ("send", "Send it.", 1)
    assert api.post(f"{path}/inspect", {"code": "nothing(", "cursor": 8}).json["name"] == ""
