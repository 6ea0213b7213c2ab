"""The messages between an application, its zygote and its workers: msgpack, never pickle."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from msgspec import Struct, field

from llm_repl_core.kernels.base import Failed, Value
from llm_repl_core.kernels.worker.frames import frame
from llm_repl_core.model.output_changes import OutputChange

__all__ = [
    "MESSAGE_LIMIT_BYTES",
    "PROTOCOL_VERSION",
    "Assign",
    "Assigned",
    "Broken",
    "Done",
    "Ended",
    "Evaluate",
    "Evaluated",
    "Execute",
    "Fork",
    "ForkFailed",
    "ForkTaken",
    "Forked",
    "Hello",
    "Late",
    "ListNames",
    "Named",
    "Outputs",
    "Ready",
    "Refused",
    "ResolvePending",
    "SetPending",
    "Shutdown",
    "SnapshotPart",
    "TakeFork",
    "TakeSnapshot",
    "WorkerOptions",
    "WorkerReply",
    "WorkerRequest",
    "ZygoteReply",
    "encode",
    "encode_plain",
]

PROTOCOL_VERSION = 5
MESSAGE_LIMIT_BYTES = 512 * 2**20
"""Of one message to a worker or a zygote, which trust who sends."""


class WorkerOptions(Struct, frozen=True, kw_only=True):
    """What a new worker is told; for most see `llm_repl_core.kernels.base.KernelOptions`.

    Attributes:
        path: Of the socket that the worker listens on.
        linger_s: How long it stays when nobody is connected.
    """

    path: str
    cwd: str
    env: dict[str, str]
    output_limit_bytes: int
    memory_limit_bytes: int
    value_limit_bytes: int
    value_timeout_s: float
    linger_s: float


# To a zygote, and back -------------------------------------------------------------------------


class Fork(Struct, frozen=True, tag="fork"):
    """Make a worker."""

    id: int
    options: WorkerOptions


class Ready(Struct, frozen=True, tag="ready"):
    """The zygote has imported what it could; ``problems`` are sentences on what it could not."""

    problems: list[str]


class Forked(Struct, frozen=True, tag="forked"):
    """The worker exists, and its socket listens."""

    id: int
    pid: int


class ForkFailed(Struct, frozen=True, tag="fork_failed"):
    """There is no worker."""

    id: int
    reason: str


class Ended(Struct, frozen=True, tag="ended"):
    """A worker ended.

    Attributes:
        pid: The process.
        status: Its exit code, or the negative number of the signal that killed it.
        last_output: Streams and texts: what it had printed and not sent.
    """

    pid: int
    status: int
    last_output: list[tuple[str, str]] = field(default_factory=list)


ZygoteReply = Ready | Forked | ForkFailed | Ended

# To a worker -----------------------------------------------------------------------------------


class Execute(Struct, frozen=True, tag="execute"):
    """Run a cell's code; answered by `Outputs` and one `Done`.

    Attributes:
        id: Of the request.
        code: The source.
        count: As for `llm_repl_core.kernels.base.Kernel.number_next`; None: it was not called.
        tells_late: Whether what it gives after its end is told by `Late`, and not with what is
            executed then, or next.
    """

    id: int
    code: str
    count: int | None = None
    tells_late: bool = False


class Evaluate(Struct, frozen=True, tag="evaluate"):
    """Evaluate expressions; answered by `Evaluated`.

    Attributes:
        id: Of the request.
        expressions: As for `llm_repl_core.kernels.state.KernelState.evaluate`, like what follows.
        restricted: Whether only safe builtins are in reach.
        extra: Names that are visible to these expressions only.
        collects: Whether the answer has the outputs; else they are the next cell's.
    """

    id: int
    expressions: list[Any]
    restricted: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    collects: bool = False


class Assign(Struct, frozen=True, tag="assign"):
    """Set variables; answered by `Assigned`."""

    id: int
    values: dict[str, Any]


class SetPending(Struct, frozen=True, tag="set_pending"):
    """Take variables out of the namespace until they are resolved; not answered.

    Where that can't be done, the `ResolvePending` of its token is answered by `Broken`.
    """

    id: int
    names: list[str]
    token: str
    why: str


class ResolvePending(Struct, frozen=True, tag="resolve_pending"):
    """Give pending variables their values, by token; answered by `Assigned`."""

    id: int
    resolved: dict[str, dict[str, Any] | None]


class ListNames(Struct, frozen=True, tag="names"):
    """Answered by `Named`."""

    id: int


class TakeSnapshot(Struct, frozen=True, tag="snapshot"):
    """Answered by as many `SnapshotPart` as it takes.

    Attributes:
        names: Which variables; the user's where None.
    """

    id: int
    names: list[str] | None = None


class TakeFork(Struct, frozen=True, tag="take_fork"):
    """Make a copy of the process that is only looked at; answered by `ForkTaken`.

    Along with the message comes a connected socket, on which the copy answers `Evaluate`, `Assign`
    and `ListNames`.
    """

    id: int


class Shutdown(Struct, frozen=True, tag="shutdown"):
    """End; answered by the end of the connection."""

    id: int


WorkerRequest = (
    Execute
    | Evaluate
    | Assign
    | SetPending
    | ResolvePending
    | ListNames
    | TakeSnapshot
    | TakeFork
    | Shutdown
)

# From a worker ---------------------------------------------------------------------------------


class Hello(Struct, frozen=True, tag="hello"):
    """The first message of a connection: the worker is ready."""

    version: int
    pid: int


class Refused(Struct, frozen=True, tag="refused"):
    """The first and only message of a worker that could not be set up."""

    reason: str


class Outputs(Struct, frozen=True, tag="outputs"):
    """Outputs of a cell that goes on running."""

    id: int
    outputs: list[OutputChange]


class Done(Struct, frozen=True, tag="done"):
    """A cell's end, with its last outputs."""

    id: int
    outputs: list[OutputChange]


class Late(Struct, frozen=True, tag="late"):
    """What threads, tasks and programs of a cell gave after its end; comes at any time.

    Attributes:
        id: Of the request that ran the cell.
        outputs: Outputs, and changes of those that the cell had.
    """

    id: int
    outputs: list[OutputChange]


class Evaluated(Struct, frozen=True, tag="evaluated"):
    """One entry an expression, and what they have printed and displayed."""

    id: int
    values: list[Value | Failed]
    outputs: list[OutputChange] = field(default_factory=list)


class Assigned(Struct, frozen=True, tag="assigned"):
    """The variables are set."""

    id: int


class Named(Struct, frozen=True, tag="named"):
    """The names of the user's variables, sorted."""

    id: int
    names: list[str]


class SnapshotPart(Struct, frozen=True, tag="snapshot_part"):
    """Some of the user's variables."""

    id: int
    values: dict[str, Value]
    last: bool


class ForkTaken(Struct, frozen=True, tag="fork_taken"):
    """The copy exists."""

    id: int
    pid: int


class Broken(Struct, frozen=True, tag="broken"):
    """The worker could not do what was asked, and goes on."""

    id: int
    reason: str


WorkerReply = (
    Hello
    | Refused
    | Outputs
    | Done
    | Late
    | Evaluated
    | Assigned
    | Named
    | SnapshotPart
    | ForkTaken
    | Broken
)

_encoder = msgspec.msgpack.Encoder()


@functools.cache
def request_decoder() -> msgspec.msgpack.Decoder[WorkerRequest]:
    """Reads what a worker is asked. Making it takes 1 ms, so a zygote does it for all workers."""
    return msgspec.msgpack.Decoder(WorkerRequest)


@functools.cache
def reply_decoder() -> msgspec.msgpack.Decoder[WorkerReply]:
    """Reads what a worker answers; one for all connections."""
    return msgspec.msgpack.Decoder(WorkerReply)


def encode(message: Struct) -> bytes:
    """The message as a frame."""
    return frame(_encoder.encode(message))


def encode_plain(message: dict[str, Any]) -> bytes:
    """A message that is a dictionary of the same shape already, as a frame."""
    return frame(_encoder.encode(message))
