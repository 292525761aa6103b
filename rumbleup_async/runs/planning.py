"""What a run is to send and how it reads its list: of what the caller asked for, a plan and a screen.

Lives here: the settings of a run, checked, and what of them the plan keeps. Pure.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

import msgspec

from rumbleup_async.engine.texters import Writer
from rumbleup_async.errors import ConfigurationError, LedgerMismatch
from rumbleup_async.lists import encodings
from rumbleup_async.lists.columns import phone_fields
from rumbleup_async.lists.consent import ConsentCheck, read_consent_field, read_rules
from rumbleup_async.lists.kept_columns import ALL, Keep, read_names
from rumbleup_async.messaging import Plan
from rumbleup_async.screening.areas import DEFAULT, read_countries
from rumbleup_async.screening.kinds import Given, pairs, read_kinds, require_opt_out
from rumbleup_async.screening.must_say import read_words, require_words
from rumbleup_async.screening.screen import Screen
from rumbleup_async.screening.template import Template, field_name


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a source is the list: the sheet of a workbook, what a database is asked."""

    sheet: str | None = None
    query: str | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run sends and how it reads its list."""

    provider: str
    action: str
    text: str
    phone_field: str | None = None
    zip_field: str | None = None
    state_field: str | None = None
    zone_field: str | None = None
    writer: Writer | None = None
    text_when: Given = ()
    max_segments: int = 10
    require_opt_out: bool = True
    countries: Iterable[str] = DEFAULT
    encoding: str | None = None
    part: Part = Part()
    literal: bool = False
    skip_if: Iterable[str] = ()
    consent_field: str | None = None
    must_say: Iterable[str] = ()
    keep: str | Iterable[str] = ()
    details: dict[str, Any] = {}


PREFIX = "phone_prefix"
"""The plan's detail that says what stands before the ten digits of a phone in the provider's form."""

LITERAL = "literal"
"""The plan's detail that says that signs of other programs are meant as they are; absent if they are not."""

MUST_SAY = "must_say"
"""The plan's detail with the words that each text must hold; absent if there are none."""

TEXT_WHEN = "text_when"
"""The plan's detail with the conditions and their texts; absent if there are none."""

CHOSEN = "chosen"
"""The plan's detail that says that a function has chosen the text of each contact of a list; absent if none has."""

CONCURRENT = "concurrent"
"""The value of a plan's detail `mode` where contacts are drawn from the provider."""

WRITTEN = "(chosen for each contact by a function)"
"""What a plan has for its text where there is no template."""


def checked(settings: Settings) -> Settings:
    """The settings in the form in which they are gone by. Raises ConfigurationError."""
    return msgspec.structs.replace(
        settings,
        countries=read_countries(settings.countries),
        encoding=None if settings.encoding is None else encodings.named(settings.encoding),
        skip_if=_words_of(settings.skip_if),
        consent_field=read_consent_field(settings.consent_field),
        must_say=read_words(settings.must_say),
        text_when=[(words, text) for words, text in pairs(settings.text_when)],
        keep=read_names(settings.keep),
    )


def screen_of(settings: Settings, never: Container[str]) -> Screen:
    """The screen of checked settings. Raises TemplateError for a text that cannot be sent to anybody."""
    kinds = read_kinds(settings.text_when, literal=settings.literal)
    if settings.writer is None:
        template = Template(settings.text, literal=settings.literal)
        if settings.require_opt_out:
            require_opt_out(template, kinds)
        require_words(template, settings.must_say)
        for kind in kinds:
            with kind.named():
                require_words(kind.template, settings.must_say)
    else:
        # Each text is looked at when it is chosen; the template only stands in for it.
        template = Template(WRITTEN, literal=settings.literal)
    return Screen(
        template,
        max_segments=settings.max_segments,
        suppress=never,
        prefix=settings.details.get(PREFIX, ""),
        countries=settings.countries,
        must_say=settings.must_say,
        kinds=kinds,
    )


def plan_of(settings: Settings, screen: Screen, run: str) -> Plan:
    """The plan of a run with this id."""
    is_same = settings.writer is None and not screen.template.fields
    return Plan(
        run=run,
        provider=settings.provider,
        action=settings.action,
        text=WRITTEN if settings.writer is not None else settings.text,
        same_text=screen.template.render({}) if is_same else None,
        details={
            **settings.details,
            "max_segments": settings.max_segments,
            "phone_field": settings.phone_field,
            **_chosen(settings),
        },
    )


def screen_again(plan: Plan, never: Container[str]) -> Screen:
    """The screen of a concurrent run that is gone on with: it draws new contacts, so it needs its text again."""
    if plan.text == WRITTEN:
        raise ConfigurationError(
            "the texts of this run are chosen by a function; go on with it by concurrent_mode(text=function, ledger=...)"
        )
    return Screen(
        Template(plan.text, literal=plan.details.get(LITERAL, False)),
        max_segments=plan.details.get("max_segments", 10),
        suppress=never,
        countries=plan.details.get("countries", DEFAULT),
        must_say=plan.details.get(MUST_SAY, ()),
    )


def require_same(plan: Plan, given: Mapping[str, Any]) -> None:
    """LedgerMismatch where an option of the list or of the text is given to a resume and is another than the run was begun
    with. What goes into the report beside the results (`keep`) is in the ledger already and is not compared."""
    if not given:
        return
    own = {name: value for name, value in given.items() if name not in ("sheet", "query")}
    part = Part(sheet=given.get("sheet"))  # a query is not kept
    settings = checked(Settings(provider=plan.provider, action=plan.action, text=plan.text, part=part, **own))
    now = {"max_segments": settings.max_segments, "phone_field": settings.phone_field, **_chosen(settings)}
    differing = [name for name in given if name not in ("keep", "query") and now.get(name) != plan.details.get(name)]
    if differing:
        raise LedgerMismatch(
            f"the run was begun with another {' and another '.join(differing)}, which holds for its whole list; "
            "leave it out, or begin a new run with a new ledger"
        )


def where_of(settings: Settings) -> dict[str, str | None]:
    """The options that name the columns that say where a contact is."""
    return {name: getattr(settings, name) for name in ("zip_field", "state_field", "zone_field")}


def has_consent(settings: Settings) -> bool:
    """Whether columns of the list leave people out."""
    return bool(settings.skip_if) or settings.consent_field is not None


def consent_check(settings: Settings) -> ConsentCheck:
    """What looks at the columns that say who must not be texted."""
    return ConsentCheck(read_rules(settings.skip_if), settings.details.get(PREFIX, ""), settings.consent_field)


def keep_of(settings: Settings) -> Keep | None:
    """Which columns go with the contacts; None for none."""
    names = read_names(settings.keep)
    if settings.consent_field is not None and ALL not in names and settings.consent_field not in map(field_name, names):
        names = (*names, settings.consent_field)  # how somebody agreed belongs into the report
    has_phones = settings.phone_field is not None and len(phone_fields(settings.phone_field)) > 1
    return Keep(names, has_phones=has_phones) if names or has_phones else None


def _words_of(rules: Iterable[str]) -> tuple[str, ...]:
    """The rules of skip-if as they were given, each once; ConfigurationError for one that cannot be meant."""
    return tuple(dict.fromkeys(rule.words for rule in read_rules(rules)))


def _chosen(settings: Settings) -> dict[str, Any]:
    """What of the rules for a list was chosen, as the plan keeps it. What is usual is left out: older ledgers do not name it."""
    countries = sorted(settings.countries)
    chosen: dict[str, Any] = {} if countries == sorted(DEFAULT) else {"countries": countries}
    if settings.encoding is not None:
        chosen["encoding"] = settings.encoding
    if settings.part.sheet is not None:
        chosen["sheet"] = settings.part.sheet
    if settings.literal:
        chosen[LITERAL] = True
    chosen |= {name: value for name, value in where_of(settings).items() if value is not None}
    if settings.skip_if:
        chosen["skip_if"] = sorted(settings.skip_if)
    if settings.consent_field is not None:
        chosen["consent_field"] = settings.consent_field
    if texts := pairs(settings.text_when):
        chosen[TEXT_WHEN] = texts
    if settings.writer is not None and settings.details.get("mode") != CONCURRENT:
        chosen[CHOSEN] = True
    if settings.must_say:
        chosen[MUST_SAY] = sorted(settings.must_say)
    return chosen
