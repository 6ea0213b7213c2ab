"""A prompt that was sent before the order of the document has come to it: its calls, its answers."""

from __future__ import annotations

from msgspec import Struct, field

from llm_repl_core.engine.answer_limits import is_refused
from llm_repl_core.engine.plan import Candidate
from llm_repl_core.engine.prompts.answer_form import AnswerForm, ModelForm
from llm_repl_core.engine.speculative_call import SpeculativeCall
from llm_repl_core.execution.model_calls import ModelReply
from llm_repl_core.kernels.base import Kernel
from llm_repl_core.model.json_value import JSONValue

__all__ = ["SpeculativePrompt"]


class SpeculativePrompt(Struct, eq=False, kw_only=True):
    """A prompt that was sent ahead.

    Attributes:
        candidate: The prompt.
        index: That of the copy that it was rendered on.
        form: What its answer must be; None: any text.
        is_list: Whether it is over items.
        expected: How many items there are, or one.
        calls: By item, what was sent and has not been taken over.
        replies: By item, what has come.
    """

    candidate: Candidate
    index: int
    form: AnswerForm | None
    is_list: bool
    expected: int
    calls: dict[int | None, SpeculativeCall] = field(default_factory=dict)
    replies: dict[int | None, ModelReply] = field(default_factory=dict)

    def note_reply(self, item: int | None, reply: ModelReply | None) -> bool:
        """Keep a reply; whether the prompt's answer is plain data and now known.

        Args:
            item: Of which item.
            reply: None: there is none.
        """
        if reply is None or isinstance(self.form, ModelForm):
            return False
        if reply.turn.tool_calls or is_refused(reply.turn):
            return False
        self.replies[item] = reply
        return len(self.replies) == self.expected

    async def answer(self, kernel: Kernel) -> JSONValue:
        """What the prompt's variable will hold.

        Args:
            kernel: The notebook's.

        Raises:
            LLMReplError: It does not fit, and will be asked for again.
        """
        values: list[JSONValue] = []
        for item in sorted(self.replies, key=lambda item: -1 if item is None else item):
            text = self.replies[item].turn.text
            values.append(text if self.form is None else await self.form.read(text, kernel))
        return values if self.is_list else values[0]

    def supersede(self, reason: str) -> None:
        """Close what was not taken over.

        Args:
            reason: Why, for the record; a sentence.
        """
        for call in self.calls.values():
            call.supersede(reason)
