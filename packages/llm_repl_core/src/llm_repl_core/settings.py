"""Settings: flags before environment before YAML file before defaults.

A setting is a field of a `Settings` class: its annotation says the type, the bounds, what it is
for and its unit, and the reference in ``docs/`` is written from that. A package adds settings of
its own by a subclass with a ``section``: they stand under that key in the file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct, field

from llm_repl_core.config_text import read_json, read_yaml
from llm_repl_core.errors import FileMissing, InvalidSetting, LLMReplError
from llm_repl_core.files import read_given
from llm_repl_core.reasoning_effort import ReasoningEffort

__all__ = [
    "CustomProvider",
    "ModelPrice",
    "SettingInfo",
    "Settings",
    "check_address",
    "config_folder",
    "describe_settings",
    "load_settings",
]

ENVIRONMENT_PREFIX = "LLM_REPL_"
APPLICATION_NAME = "llm-repl"

_LIMIT_BYTES = 10_000_000
"""Of the settings file."""


_Price = Annotated[float, Meta(ge=0)]


class ModelPrice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model costs, in US dollars per million tokens.

    Attributes:
        input: Of messages.
        output: Of answers.
        cached_input: Of messages that the provider has in its cache; the same as ``input`` where
            None.
        cache_write: Of messages that the provider writes to its cache; the same where None.
        reasoning: Of what the model thinks; the same as ``output`` where None.
        input_by_modality: Of sound, pictures and so on in messages, by ``audio``, ``image``,
            ``video``; the same as ``input`` where it is not there.
        output_by_modality: Of what the model makes, the same.
        service_tiers: By how much all of it is multiplied where the provider served the call by
            other terms: ``{flex: 0.5}``. A call by terms that are not here has no known price.
    """

    input: _Price
    output: _Price
    cached_input: _Price | None = None
    cache_write: _Price | None = None
    reasoning: _Price | None = None
    input_by_modality: dict[str, _Price] = field(default_factory=dict)
    output_by_modality: dict[str, _Price] = field(default_factory=dict)
    service_tiers: dict[str, _Price] = field(default_factory=dict)


class CustomProvider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server under a name of one's own, asked as an installed provider asks its own.

    Attributes:
        base_url: Where it is.
        model: Its default model; None: the installed provider's.
        type: The installed provider that knows how it is asked.
        key_variable: The environment variable that holds its key; None: the keys file has it, or
            it needs none. Only the settings may say it: whoever else names the address must not
            choose what of the environment is sent there.
    """

    base_url: str
    model: str | None = None
    type: str = "openai"
    key_variable: str | None = None


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of the core. Each field's annotation says what it is for."""

    section: ClassVar[str | None] = None

    kernel: Annotated[
        str,
        Meta(description="Where code runs: `worker`, `in_process`, `jupyter`, or a plugin's."),
    ] = "worker"
    kernelspec: Annotated[
        str | None, Meta(description="Which Jupyter kernelspec the kernel `jupyter` starts.")
    ] = None
    kernel_preload: Annotated[
        tuple[str, ...],
        Meta(description="Modules that are imported once, before worker kernels start."),
    ] = ()
    kernel_memory_limit_bytes: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(
            description="The memory of a worker kernel; 0: no limit; not set: four fifths of the "
            "machine's.",
            extra_json_schema={"unit": "bytes"},
        ),
    ] = None
    cell_timeout_s: Annotated[
        float,
        Meta(
            ge=0,
            description="The timeout of a cell, without its kernel's start; 0: none.",
            extra_json_schema={"unit": "seconds"},
        ),
    ] = 0.0
    cell_output_limit_bytes: Annotated[
        int,
        Meta(
            ge=1,
            description="How much output a cell may produce; the rest is dropped, with a notice.",
            extra_json_schema={"unit": "bytes"},
        ),
    ] = 10_000_000
    insert_limit_chars: Annotated[
        int,
        Meta(
            ge=100,
            description="How much of a value, a cell or a tool's result is sent to a model.",
            extra_json_schema={"unit": "characters"},
        ),
    ] = 100_000
    provider: Annotated[
        str, Meta(description="The provider of prompts for which nothing else names one.")
    ] = "mock"
    model: Annotated[
        str | None, Meta(description="That provider's model; not set: its default.")
    ] = None
    base_url: Annotated[
        str | None, Meta(description="That provider's address; not set: its default.")
    ] = None
    reasoning_effort: Annotated[
        ReasoningEffort | None,
        Meta(
            description="How much models think where neither cell nor notebook says it: `none`, "
            "`minimal`, `low`, `medium` or `high`; not set: the provider's own."
        ),
    ] = None
    custom_providers: Annotated[
        dict[str, CustomProvider],
        Meta(
            description="Servers under names of your own: `{lab: {base_url: http://lab:8000/v1}}`; "
            "also `model`, `key_variable`, and `type`, the provider that is spoken (`openai`)."
        ),
    ] = field(default_factory=dict)
    provider_options: Annotated[
        dict[str, dict[str, Any]],
        Meta(
            description="Options of providers, by the provider's name, that a cell's `parameters` "
            "override: `{openai: {api: chat, stream: false}}`."
        ),
    ] = field(default_factory=dict)
    provider_timeout_s: Annotated[
        float,
        Meta(
            gt=0,
            description="How long to wait for the next piece of an answer.",
            extra_json_schema={"unit": "seconds"},
        ),
    ] = 120.0
    provider_concurrency: Annotated[
        int,
        Meta(ge=1, description="How many calls to a provider may run at once, for all notebooks."),
    ] = 32
    run_concurrency: Annotated[
        int,
        Meta(ge=1, description="How many calls of a run may run at once, unless the run says."),
    ] = 32
    speculate: Annotated[
        bool,
        Meta(
            description="Whether prompts are sent ahead of cells that are not expected to change "
            "them; a wrong guess costs money."
        ),
    ] = True
    call_attempts: Annotated[
        int,
        Meta(ge=1, description="How often a call is tried in all, if its error may pass."),
    ] = 4
    prices: Annotated[
        dict[str, ModelPrice],
        Meta(
            description="Your own prices, by `provider/model`, model, or `provider/*`: `input`, "
            "`output` and optionally `cached_input`, `cache_write`, `reasoning`, "
            "`input_by_modality`, `output_by_modality`, `service_tiers`; they override the list's.",
            extra_json_schema={"unit": "US dollars per million tokens"},
        ),
    ] = field(default_factory=dict)


SettingsT = TypeVar("SettingsT", bound=Settings)


class SettingInfo(Struct, frozen=True):
    """What there is to know about a setting.

    Attributes:
        name: The field's name, and the key in the file.
        section: The key in the file under which it stands; None: at the top.
        variable: The environment variable.
        type: As JSON Schema names it.
        default: The value where nothing sets it.
        description: What it is for.
        unit: Of the value, where it has one.
    """

    name: str
    section: str | None
    variable: str
    type: str
    default: Any
    description: str
    unit: str | None


def check_address(address: str, what: str) -> str:
    """The address of a server, where it is one and holds no key.

    Args:
        address: The address.
        what: What it is, for messages, which do not repeat it: it may be a key.

    Raises:
        InvalidSetting: It is none, or has a user, a password, a query or a fragment.
    """
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or not address.isprintable() or " " in address:
        raise InvalidSetting(
            f"{what} must be a URL with http or https, such as http://localhost:11434/v1."
        )
    if "@" in parts.netloc or "?" in address or "#" in address:
        raise InvalidSetting(
            f"{what} must hold no user, password, ? or #: a key belongs in the key's setting "
            "(`llm-repl keys set`)."
        )
    return address


def config_folder() -> Path:
    """The folder of the settings and the keys: ``LLM_REPL_CONFIG_DIR``, else the platform's."""
    import platformdirs  # not needed where the variable is set, nor by scripts that load nothing

    chosen = os.environ.get("LLM_REPL_CONFIG_DIR")
    return Path(chosen) if chosen else platformdirs.user_config_path(APPLICATION_NAME)


def describe_settings(settings_class: type[Settings]) -> list[SettingInfo]:
    """Every setting of a class, its parents' first."""
    sections = _sections(settings_class)
    properties = msgspec.json.schema_components([settings_class])[1]
    schema = properties[settings_class.__name__]["properties"]
    defaults = settings_class()
    return [
        SettingInfo(
            name=name,
            section=sections[name],
            variable=ENVIRONMENT_PREFIX + name.upper(),
            type=_type_word(schema[name]),
            default=getattr(defaults, name),
            description=schema[name].get("description", ""),
            unit=schema[name].get("unit"),
        )
        for name in settings_class.__struct_fields__
    ]


def load_settings(
    settings_class: type[SettingsT],
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> SettingsT:
    """Collect the settings from everywhere.

    Args:
        settings_class: Which settings.
        flags: What the command line says; None values count as not said.
        environ: The environment; the process's own by default.
        file: The YAML file; ``settings.yaml`` in `config_folder` by default, which need not exist.
        defaults: What a program has in place of the class's defaults.

    Raises:
        InvalidSetting: An unknown name or an unusable value; the message says where it stands.
    """
    values: dict[str, Any] = dict(defaults or {})
    path = file or config_folder() / "settings.yaml"
    values |= _from_file(settings_class, path, must_exist=file is not None)
    values |= _from_environment(settings_class, os.environ if environ is None else environ)
    for name, value in (flags or {}).items():
        if value is not None:
            values[name] = _convert(settings_class, name, value, f"--{name.replace('_', '-')}")
    return settings_class(**values)


def _from_environment(settings_class: type[Settings], environ: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for name in settings_class.__struct_fields__:
        variable = ENVIRONMENT_PREFIX + name.upper()
        if environ.get(variable):  # an empty one is as good as none
            found[name] = _convert(settings_class, name, environ[variable], variable)
    return found


def _from_file(settings_class: type[Settings], path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        document = read_yaml(read_given(path, _LIMIT_BYTES))
    except FileMissing as error:
        if must_exist or isinstance(error.__cause__, NotADirectoryError):
            raise InvalidSetting(f"There is no settings file {path}.") from None
        return {}
    except LLMReplError as error:
        raise InvalidSetting(f"The settings file cannot be used: {error}") from None
    except ValueError as error:
        raise InvalidSetting(f"The settings file {path} cannot be used: it {error}.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidSetting(f"The settings file {path} must hold `name: value` lines.")
    sections = _sections(settings_class)
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key in sections and sections[key] is None:
            found[key] = _convert(settings_class, key, value, f"`{key}` in {path}")
        elif value is None and not difflib.get_close_matches(str(key), sections, n=1):
            continue  # a section whose lines are all commented out
        elif isinstance(value, dict) and key not in sections:
            if key not in sections.values():
                continue  # another package's section
            for name, inner in value.items():
                if sections.get(name) != key:
                    raise InvalidSetting(_unknown(f"{key}.{name}", str(name), sections, path))
                found[name] = _convert(settings_class, name, inner, f"`{key}.{name}` in {path}")
        else:
            raise InvalidSetting(_unknown(str(key), str(key), sections, path))
    return found


def _unknown(shown: str, name: str, sections: Mapping[str, str | None], path: Path) -> str:
    close = difflib.get_close_matches(name, sections, n=1)
    hint = "; see `llm-repl settings` for what there is."
    if close:
        section = sections[close[0]]
        hint = f"; did you mean `{section + '.' if section else ''}{close[0]}`?"
    return f"There is no setting `{shown}` ({path}){hint}"


def _convert(settings_class: type[Settings], name: str, value: Any, where: str) -> Any:
    if name == "base_url" and isinstance(value, str) and value:
        check_address(value, where)
    fields = {field.name: field.type for field in msgspec.structs.fields(settings_class)}
    if name not in fields:
        raise InvalidSetting(f"There is no setting `{name}` ({where}).")
    annotation = fields[name]
    wants = _type_word(msgspec.json.schema(annotation))
    if wants == "array" and isinstance(value, str):
        value = [item.strip() for item in value.split(",") if item.strip()]
    elif wants == "object" and isinstance(value, str):
        try:
            value = read_json(value)
        except ValueError as error:
            raise InvalidSetting(f"{where} must be a JSON object: it {error}.") from None
    if name == "prices" and isinstance(value, Mapping):
        _check_priced(value, where)
    try:
        converted = msgspec.convert(value, annotation, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidSetting(f"{where} is not usable: {error}.") from None
    if name == "custom_providers":
        for custom, provider in converted.items():
            check_address(provider.base_url, f"The `base_url` of `{custom[:80]}` in {where}")
    return converted


def _check_priced(prices: Mapping[Any, Any], where: str) -> None:
    """Refuse prices that no call could have, and name the model of one that is none."""
    for key, price in prices.items():
        name = str(key)
        stem = name.removesuffix("/*")
        if not stem.strip() or stem != stem.strip() or "*" in stem or "/" in (stem[0], stem[-1]):
            raise InvalidSetting(
                f"{where} has a price for `{name[:80]}`, which is no model's: write "
                "`provider/model`, the model's name alone, or `provider/*` for all of a provider."
            )
        try:
            msgspec.convert(price, ModelPrice, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidSetting(
                f"{where} is not usable: the price of `{name[:80]}`: {error}."
            ) from None


def _sections(settings_class: type[Settings]) -> dict[str, str | None]:
    sections: dict[str, str | None] = {}
    for parent in reversed(settings_class.__mro__):
        if issubclass(parent, Settings):
            for name in parent.__struct_fields__:
                sections.setdefault(name, parent.section)
    return sections


def _type_word(schema: Mapping[str, Any]) -> str:
    variants = [schema, *schema.get("anyOf", ())]
    words = [
        str(variant["type"]) for variant in variants if variant.get("type") not in (None, "null")
    ]
    if not words and any("enum" in variant for variant in variants):
        return "string"  # one of some words
    return words[0] if words else "text"
