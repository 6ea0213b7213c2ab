"""Every error that LLM-REPL raises on purpose, in one tree.

::

    LLMReplError                     code            HTTP  exit
    ├ InvalidInput                   invalid          400     2
    │ ├ InvalidSetting               invalid_setting  400     2
    │ ├ InvalidNotebook              invalid_notebook 400     2
    │ ├ InvalidRecordings            invalid_recordings 400   2
    │ ├ InvalidTemplate              invalid_template 400     1
    │ └ InvalidMemory                invalid_memory   400     1
    ├ NotFound                       not_found        404     2
    │ ├ NotebookNotFound             no_such_notebook 404     2
    │ ├ CellNotFound                 no_such_cell     404     2
    │ ├ ProviderNotFound             no_such_provider 404     2
    │ ├ KernelNotFound               no_such_kernel   404     2
    │ └ FileMissing                  no_such_file     404     2
    ├ Unauthenticated                unauthenticated  401     2
    ├ Forbidden                      forbidden        403     2
    ├ Conflict                       conflict         409     1
    │ └ EngineClosed                 engine_closed    409     1
    ├ BudgetExceeded                 budget_exceeded  409     1
    ├ PriceUnknown                   price_unknown    409     2
    ├ CallNotSent                    not_sent         409     1
    ├ TooLarge                       too_large        413     2
    ├ NotJSON                        not_json         415     2
    ├ CellExecutionError                     cell_failed      409     1
    ├ KernelError                    kernel           409     1
    │ ├ KernelStartFailed            kernel_start     409     1
    │ ├ KernelDied                   kernel_died      409     1
    │ └ KernelUnsupported            kernel_cannot    409     1
    ├ ProviderError                  provider         409     1
    │ ├ KeyMissing                   key_missing      409     2
    │ ├ KeyRejected                  key_rejected     409     2
    │ ├ ModelNotFound                no_such_model    409     2
    │ ├ RateLimited                  rate_limited     409     1
    │ ├ ContextTooLong               context_too_long 409     1
    │ ├ ContentRefused               content_refused  409     1
    │ ├ RequestRejected              request_rejected 409     1
    │ ├ ProviderUnreachable          unreachable      409     1
    │ ├ ProviderTimeout              provider_timeout 409     1
    │ ├ ProviderServerError          provider_server  409     1
    │ ├ AnswerBroken                 answer_broken    409     1
    │ ├ AnswerUnreadable             answer_unreadable 409    1
    │ ├ AnswerEmpty                  answer_empty     409     1
    │ └ AnswerMisfit                 answer_misfit    409     1
    ├ ReplayMiss                     not_recorded     409     1
    ├ ToolLimitReached               tool_limit       409     1
    ├ PluginError                    plugin           409     1
    └ StorageError                   storage          409     1

``code`` is the machine word of an API answer, ``http_status`` its status and ``exit_code`` what a
command exits with. A message is one sentence for a person: what, where, what to do instead; it
never holds a key.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AnswerBroken",
    "AnswerEmpty",
    "AnswerMisfit",
    "AnswerUnreadable",
    "BudgetExceeded",
    "CallNotSent",
    "CellExecutionError",
    "CellNotFound",
    "Conflict",
    "ContentRefused",
    "ContextTooLong",
    "EngineClosed",
    "FileMissing",
    "Forbidden",
    "InvalidInput",
    "InvalidMemory",
    "InvalidNotebook",
    "InvalidRecordings",
    "InvalidSetting",
    "InvalidTemplate",
    "KernelDied",
    "KernelError",
    "KernelNotFound",
    "KernelStartFailed",
    "KernelUnsupported",
    "KeyMissing",
    "KeyRejected",
    "LLMReplError",
    "ModelNotFound",
    "NotFound",
    "NotJSON",
    "NotebookNotFound",
    "PluginError",
    "PriceUnknown",
    "ProviderError",
    "ProviderNotFound",
    "ProviderServerError",
    "ProviderTimeout",
    "ProviderUnreachable",
    "RateLimited",
    "ReplayMiss",
    "RequestRejected",
    "StorageError",
    "TooLarge",
    "ToolLimitReached",
    "Unauthenticated",
]


class LLMReplError(Exception):
    """The root: catches every error that LLM-REPL raises on purpose."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1


class InvalidInput(LLMReplError):
    """An input is invalid; the message names the field and says what it takes."""

    code = "invalid"
    http_status = 400
    exit_code = 2


class InvalidSetting(InvalidInput):
    """A setting has an unknown name or an invalid value."""

    code = "invalid_setting"


class InvalidNotebook(InvalidInput):
    """A file or document is not a notebook in the format that it claims to have."""

    code = "invalid_notebook"


class InvalidRecordings(InvalidInput):
    """A recordings file is invalid; the message names the line."""

    code = "invalid_recordings"


class InvalidTemplate(InvalidInput):
    """A prompt's template cannot be rendered."""

    code = "invalid_template"
    exit_code = 1


class InvalidMemory(InvalidInput):
    """A memory cell contains something other than comments, assignments and ``memory.update``."""

    code = "invalid_memory"
    exit_code = 1


class NotFound(LLMReplError):
    """Something that was named does not exist."""

    code = "not_found"
    http_status = 404
    exit_code = 2


class NotebookNotFound(NotFound):
    """There is no notebook with that id."""

    code = "no_such_notebook"


class CellNotFound(NotFound):
    """The notebook has no cell with that id."""

    code = "no_such_cell"


class ProviderNotFound(NotFound):
    """No plugin registers a provider with that name."""

    code = "no_such_provider"


class KernelNotFound(NotFound):
    """No plugin registers a kernel with that name."""

    code = "no_such_kernel"


class FileMissing(NotFound):
    """There is no file at that path."""

    code = "no_such_file"


class Unauthenticated(LLMReplError):
    """The token is missing or wrong."""

    code = "unauthenticated"
    http_status = 401
    exit_code = 2


class Forbidden(LLMReplError):
    """The client may not do this, whatever its token."""

    code = "forbidden"
    http_status = 403
    exit_code = 2


class Conflict(LLMReplError):
    """Somebody else made a change first, or the current state does not allow this."""

    code = "conflict"
    http_status = 409


class EngineClosed(Conflict):
    """The engine ends, or has ended; a server's is there again when the server is."""

    code = "engine_closed"


class BudgetExceeded(LLMReplError):
    """A call was not sent, since it might exceed what is left of a budget."""

    code = "budget_exceeded"
    http_status = 409


class PriceUnknown(LLMReplError):
    """A call was not sent, since its price is unknown and a budget limits money."""

    code = "price_unknown"
    http_status = 409
    exit_code = 2


class CallNotSent(LLMReplError):
    """A call was waiting for the budget when a cell above it ended the run."""

    code = "not_sent"
    http_status = 409


class TooLarge(LLMReplError):
    """A request is larger than the limit."""

    code = "too_large"
    http_status = 413
    exit_code = 2


class NotJSON(LLMReplError):
    """A request body has a content type other than JSON."""

    code = "not_json"
    http_status = 415
    exit_code = 2


class CellExecutionError(LLMReplError):
    """A run ended because a cell failed.

    Args:
        message: The failure, as the cell's error output says it.
        cell_id: The cell.
    """

    code = "cell_failed"
    http_status = 409

    def __init__(self, message: str, *, cell_id: str) -> None:
        super().__init__(message)
        self.cell_id = cell_id


class KernelError(LLMReplError):
    """A kernel could not do what it was asked to do."""

    code = "kernel"
    http_status = 409


class KernelStartFailed(KernelError):
    """A kernel did not start."""

    code = "kernel_start"


class KernelDied(KernelError):
    """The kernel's process ended while it was needed; the message says how."""

    code = "kernel_died"


class KernelUnsupported(KernelError):
    """This kind of kernel does not support the operation."""

    code = "kernel_cannot"


class ProviderError(LLMReplError):
    """A call to a model failed; ``retryable`` says whether the same call may succeed later."""

    code = "provider"
    http_status = 409
    retryable: ClassVar[bool] = False


class KeyMissing(ProviderError):
    """No key is set; the message names the environment variable and a keyless alternative."""

    code = "key_missing"
    exit_code = 2


class KeyRejected(ProviderError):
    """The provider does not accept the key."""

    code = "key_rejected"
    exit_code = 2


class ModelNotFound(ProviderError):
    """The provider has no model with that name."""

    code = "no_such_model"
    exit_code = 2


class RateLimited(ProviderError):
    """A rate limit of the provider was exceeded.

    Args:
        message: What the provider says.
        retry_after_s: How long it asks to wait, in seconds; None if it does not say.
    """

    code = "rate_limited"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ContextTooLong(ProviderError):
    """The messages do not fit into the model's context window."""

    code = "context_too_long"


class ContentRefused(ProviderError):
    """The provider's filter, or the model, refused the content."""

    code = "content_refused"


class RequestRejected(ProviderError):
    """The provider rejected the request as invalid: an unknown parameter, a bad value."""

    code = "request_rejected"


class ProviderUnreachable(ProviderError):
    """The provider's server cannot be reached."""

    code = "unreachable"
    retryable = True


class ProviderTimeout(ProviderError):
    """The provider did not answer in time."""

    code = "provider_timeout"
    retryable = True


class ProviderServerError(ProviderError):
    """The provider's server failed."""

    code = "provider_server"
    retryable = True


class AnswerBroken(ProviderError):
    """An answer was cut off."""

    code = "answer_broken"
    retryable = True


class AnswerUnreadable(ProviderError):
    """An answer has an unknown format; a retry would give the same, and cost again."""

    code = "answer_unreadable"


class AnswerEmpty(ProviderError):
    """An answer is complete but empty; the message says why, if that is known."""

    code = "answer_empty"


class ToolLimitReached(LLMReplError):
    """A model asked for tools more often than its prompt's limit allows."""

    code = "tool_limit"
    http_status = 409


class AnswerMisfit(ProviderError):
    """An answer does not fit its schema; the message says where and why."""

    code = "answer_misfit"


class ReplayMiss(LLMReplError):
    """A replay made a call for which there is no recorded answer.

    The message shows how the nearest recorded call differs, and has several lines.
    """

    code = "not_recorded"
    http_status = 409


class PluginError(LLMReplError):
    """A plugin failed; the message names it."""

    code = "plugin"
    http_status = 409


class StorageError(LLMReplError):
    """Data could not be written to or read from the database or a file."""

    code = "storage"
    http_status = 409
