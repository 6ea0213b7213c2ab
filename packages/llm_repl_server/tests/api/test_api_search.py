"""Search over all notebooks and calls, and what the list of notebooks tells of each."""

from __future__ import annotations

import pytest


def search(api, q, **query):
    answer = api.get("/api/search", query_string={"q": q, **query})
    assert answer.status_code == 200, answer.json
    return answer.json


def marked(snippet):
    return [snippet["text"][start:end] for start, end in snippet["marks"]]


def names(found):
    return [one["name"]["text"] for one in found["notebooks"]]


def test_words_are_found_in_names_sources_outputs_and_calls(api):
    sales = api.new_notebook(
        ("markdown", "# Ice cream\n\nDoes *warm* weather sell it?"), name="Sales"
    )
    code = api.new_cell(sales, "code", "print('Äpfel', 6 * 7)")
    api.run(code)
    prompt = api.new_cell(sales, "prompt", "Say Weather", model="list:sunshine")
    api.run(prompt)
    api.new_notebook(name="Über das Wetter, 100 %_")
    [found] = search(api, "WARM weather")["notebooks"]
    assert found["name"] == {"text": "Sales", "marks": []}
    [cell] = found["cells"]
    assert (cell["number"], cell["type"], cell["place"]) == (1, "markdown", "source")
    assert marked(cell["snippet"]) == ["warm", "weather"]
    [found] = search(api, "äpfel 42")["notebooks"]
    assert [(one["number"], one["place"]) for one in found["cells"]] == [(2, "source")]
    assert names(search(api, "über")) == ["Über das Wetter, 100 %_"]
    assert names(search(api, "%_")) == ["Über das Wetter, 100 %_"]
    assert names(search(api, "100 wetter")) == ["Über das Wetter, 100 %_"]
    answered = search(api, "sunshine")
    assert [one["cells"][0]["place"] for one in answered["notebooks"]] == ["output"]
    [call] = answered["calls"]
    assert (call["place"], marked(call["snippet"])) == ("answer", ["sunshine"])
    assert search(api, "nowhere")["notebooks"] == []


def test_names_of_json_are_no_words_of_outputs(api):
    cell = api.new_cell(api.new_notebook(), "code", "print('a \"quoted\" word')")
    api.run(cell)
    assert search(api, "stdout kind")["notebooks"] == []
    assert len(search(api, '"quoted"')["notebooks"]) == 1


def test_pages_go_through_all_of_them(api):
    made = [api.new_notebook(("markdown", "needle"), name=f"N{number}") for number in range(7)]
    seen, cursor = [], None
    for _ in range(10):
        page = search(api, "needle", limit=3, **({"cursor": cursor} if cursor else {}))
        assert len(page["notebooks"]) <= 3
        seen += [f"/api/notebooks/{one['notebook_id']}" for one in page["notebooks"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_notebook_shows_three_cells_and_says_that_there_are_more(api):
    api.new_notebook(*[("markdown", "needle " * 500)] * 5)
    [found] = search(api, "needle")["notebooks"]
    assert ([one["number"] for one in found["cells"]], found["more"]) == ([1, 2, 3], True)
    assert all(len(one["snippet"]["text"]) <= 162 for one in found["cells"])


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": " "}, {"q": "a", "limit": 0}])
def test_what_cannot_be_looked_for_is_said(api, query):
    assert api.get("/api/search", query_string=query).status_code == 400


def test_too_many_words_get_a_sentence(api):
    answer = api.get("/api/search", query_string={"q": "a " * 99})
    assert (answer.status_code, "words at most" in answer.json["error"]) == (400, True)


@pytest.mark.parametrize("q", ["'", '"', "\\", "%", "_", "OR", "a*", "\x1a", "🙂", "(", "NEAR("])
def test_no_character_has_a_meaning(api, q):
    api.new_notebook(("markdown", f"before{q}behind"), name="N")
    assert [one["cells"][0]["number"] for one in search(api, q)["notebooks"]] == [1]


def test_the_overview_says_how_each_notebook_is(api):
    empty = api.new_notebook()
    new = api.new_notebook(("markdown", "# Title\n\n> **Nine** [customers](http://a) wrote."), "1")
    failed = api.new_notebook("1", "1/0")
    api.post(f"{failed}/execute_all")
    done = api.new_notebook()
    api.run(api.new_cell(done, "prompt", "Hi", model="mock/mock"))
    stale = api.new_notebook("a = 1", "b = a")
    api.post(f"{stale}/execute_all")
    first = api.cells(stale)[0]["id"]
    api.put(f"{stale}/cells/{first}", {"content": "a = 2"})
    ids = [path.rpartition("/")[2] for path in (empty, new, failed, done, stale)]
    asked = ",".join([*ids, "gone", ids[0]])
    found = api.get("/api/overview", query_string={"ids": asked}).json["notebooks"]
    assert [one["notebook_id"] for one in found] == ids
    assert [one["state"] for one in found] == ["empty", "not_run", "failed", "done", "stale"]
    assert found[1]["lead"] == "Nine customers wrote."
    assert (found[2]["failed"], found[2]["ended"], found[2]["cells"]) == (2, 2, 2)
    assert found[4]["stale"] == 2
    assert [one["stale_variable"] for one in found] == [None, None, None, None, "a"]
    assert all(one["spent_usd"] == 0 for one in found)
    assert [one["recorded"] for one in found] == [0, 0, 0, 1, 0]


def test_of_each_item_one_answer_is_counted_as_recorded(api):
    path = api.new_notebook()
    one = api.new_cell(path, "prompt", "{item}", model="mock/echo", for_each="[1, 2, 3]")
    gone = api.new_cell(path, "prompt", "gone", model="mock/echo")
    for cell in (one, one, gone):
        api.post(f"{cell}/execute", {"mode": "live"})
    api.delete(gone)
    ids = path.rpartition("/")[2]
    [found] = api.get("/api/overview", query_string={"ids": ids}).json["notebooks"]
    assert (found["state"], found["recorded"], found["asked"]) == ("done", 3, 3)
    api.put(one, {"model": "mock/fail:content_refused"})
    api.post(f"{one}/execute", {"mode": "live"})
    other = api.new_cell(path, "prompt", "Hi", model="mock/fail:content_refused")
    api.post(f"{other}/execute", {"mode": "live"})
    [found] = api.get("/api/overview", query_string={"ids": ids}).json["notebooks"]
    assert (found["state"], found["recorded"], found["asked"]) == ("failed", 3, 4)


def test_what_is_in_the_bin_is_not_found(api):
    path = api.new_notebook(("markdown", "needle"))
    api.delete(path)
    assert search(api, "needle")["notebooks"] == []
    assert api.get("/api/overview", query_string={"ids": path[15:]}).json == {"notebooks": []}
