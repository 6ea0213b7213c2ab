from __future__ import annotations

import os
from uuid import UUID

from llm_repl_core.model.ids import new_id


def test_an_id_is_a_random_uuid_in_its_usual_form():
    ids = [new_id() for _ in range(1_000)]
    assert len(set(ids)) == len(ids)
    assert all(str(UUID(one)) == one and UUID(one).version == 4 for one in ids)
    assert {UUID(one).variant for one in ids} == {"specified in RFC 4122"}


def test_a_process_that_was_forked_makes_ids_of_its_own():
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, new_id().encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    childs = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)
    assert UUID(childs).version == 4
    assert childs != new_id()
