"""Why cells are stale, as answers and events say it, and after a restart."""

from __future__ import annotations


def _reasons(api, cell):
    return [
        {name: value for name, value in reason.items() if value is not None}
        for reason in api.get(cell).json["stale_reasons"]
    ]


def test_a_prompt_says_what_changed_from_what_to_what(make_api):
    api = make_api()
    path = api.new_notebook("city = 'Oslo'")
    city = api.cells(path)[0]["id"]
    prompt = api.new_cell(path, "prompt", "What to see in {city}?")
    api.post(f"{path}/execute_all")
    assert _reasons(api, prompt) == []
    api.put(f"{path}/cells/{city}", {"content": "city = 'Bergen'"})
    edited = {"kind": "edited", "cell_id": city, "variable": "city"}
    assert _reasons(api, prompt) == [edited]
    (told,) = api.events("cells_stale")
    (listed,) = told.payload["reasons"].values()
    assert listed == api.get(prompt).json["stale_reasons"]
    api.post(f"{path}/cells/{city}/execute")
    changed = {**edited, "kind": "variable", "was": "Oslo", "now": "Bergen"}
    assert _reasons(api, prompt) == [changed]
    (told,) = api.events("stale_reasons_changed")
    assert told.payload["reasons"][prompt.rpartition("/")[2]][0]["now"] == "Bergen"
    later = make_api()
    assert _reasons(later, prompt) == [changed], "it is kept"
    later.put(f"{path}/cells/{city}", {"content": "city = 'Rome'"})
    later.post(f"{path}/cells/{city}/execute")
    assert _reasons(later, prompt) == [{**changed, "now": "Rome"}], "what it saw is kept, too"
    later.post(f"{prompt}/execute")
    assert _reasons(later, prompt) == []


def test_edits_moves_and_deletions_are_named(api):
    path = api.new_notebook("x = 1", "y = 1", "print(x, y)")
    first, second, third = (cell["id"] for cell in api.cells(path))
    prompt = api.new_cell(path, "prompt", "a", response_var="said")
    api.post(f"{path}/execute_all")
    api.put(prompt, {"model": "mock/other"})
    assert _reasons(api, prompt) == [{"kind": "own_edit", "field": "model", "now": "mock/other"}]
    api.delete(f"{path}/cells/{first}")
    assert _reasons(api, f"{path}/cells/{third}") == [
        {"kind": "deleted", "cell_id": first, "cell_number": 1, "variable": "x"}
    ]
    api.post(f"{path}/cells/{third}/move", {"position": 0})  # above `y`
    kinds = [reason["kind"] for reason in _reasons(api, f"{path}/cells/{third}")]
    assert kinds == ["deleted", "moved"]
    assert second in [cell["id"] for cell in api.cells(path)]


def test_what_the_notebook_chooses_makes_its_prompts_stale(api):
    path = api.new_notebook()
    prompt = api.new_cell(path, "prompt", "a")
    api.post(f"{path}/execute_all")
    api.put(path, {"metadata": {"llm_repl": {"system": "Be brief"}}})
    assert api.get(prompt).json["stale"]
    assert _reasons(api, prompt) == [{"kind": "notebook", "field": "system", "now": "Be brief"}]
    assert api.events("cells_stale")
