"""What a cell's ``display``, ``update_display`` and ``clear_output`` are, without IPython."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from llm_repl_core.kernels.in_process.formatting import bundle_of
from llm_repl_core.kernels.output_buffer import OutputBuffer

__all__ = ["DisplayHandle", "Displayer"]


class DisplayHandle:
    """What ``display(…, display_id=True)`` answers: shows something else in the same place.

    Attributes:
        display_id: By which the place is known.
    """

    def __init__(self, displayer: Displayer, display_id: str) -> None:
        self._displayer = displayer
        self.display_id = display_id

    def __repr__(self) -> str:
        return f"<DisplayHandle display_id={self.display_id}>"

    def display(self, value: Any, **options: Any) -> None:
        """Show a value in one more place of the same id."""
        self._displayer.display(value, display_id=self.display_id, **options)

    def update(self, value: Any, **options: Any) -> None:
        """Show a value in the place of what is there."""
        self._displayer.update_display(value, display_id=self.display_id, **options)


class Displayer:
    """Shows values as rich outputs.

    Args:
        find_buffer: Where they go.
        limit_bytes: Of a value's text.
        wake: Called when something was shown.
    """

    def __init__(
        self, find_buffer: Callable[[], OutputBuffer], limit_bytes: int, wake: Callable[[], None]
    ) -> None:
        self._find_buffer = find_buffer
        self._limit_bytes = limit_bytes
        self._wake = wake

    def display(
        self,
        *values: Any,
        display_id: str | bool | None = None,
        raw: bool = False,
        clear: bool = False,
        metadata: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> DisplayHandle | None:
        """Show values as rich output.

        Args:
            values: The values.
            display_id: By which the place can be updated; True: one that is made for it.
            raw: Whether the values are MIME bundles.
            clear: Whether to remove the outputs before.
            metadata: MIME type to what is to be known besides.
            update: Whether to show them in the place of what has the id.

        Returns:
            With ``display_id``, what updates it; else None.
        """
        if clear:
            self.clear_output(wait=True)
        if display_id is True:
            display_id = uuid.uuid4().hex
        name = None if not display_id else str(display_id)
        if update and name is None:
            raise TypeError("display_id required for update_display")  # as IPython's says it
        if name is not None and not values:
            values, raw = ({},), True
        for value in values:
            self._show(value, raw=raw, metadata=metadata, display_id=name, update=update)
        return None if name is None else DisplayHandle(self, name)

    def display_result(self, value: Any) -> None:
        """Show the value of a cell's last expression."""
        data, metadata = bundle_of(value, self._limit_bytes)
        if data:
            self._find_buffer().display(data, metadata, is_result=True)
            self._wake()

    def update_display(
        self,
        value: Any,
        *,
        display_id: str,
        raw: bool = False,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Show a value in the place of what has the id, in whatever cell."""
        self._show(value, raw=raw, metadata=metadata, display_id=str(display_id), update=True)

    def clear_output(self, wait: bool = False) -> None:
        """Remove the cell's outputs; with ``wait`` when the next one comes."""
        self._find_buffer().clear(wait=wait)
        self._wake()

    def publish_display_data(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *_: Any,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **__: Any,
    ) -> None:
        """Show a MIME bundle, as IPython's function of this name does."""
        display_id = (transient or {}).get("display_id")
        self.show_bundle(
            data,
            metadata or {},
            display_id=None if display_id is None else str(display_id),
            update=update,
        )

    def show_bundle(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any],
        *,
        display_id: str | None = None,
        update: bool = False,
    ) -> None:
        """Show a MIME bundle."""
        self._find_buffer().display(data, metadata, display_id=display_id, update=update)
        self._wake()

    def _show(
        self,
        value: Any,
        *,
        raw: bool,
        metadata: dict[str, Any] | None,
        display_id: str | None,
        update: bool = False,
    ) -> None:
        data, notes = (value, {}) if raw else bundle_of(value, self._limit_bytes)
        if not data and not raw:
            return  # it has shown itself
        self.show_bundle(data, {**notes, **(metadata or {})}, display_id=display_id, update=update)
