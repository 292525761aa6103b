"""What each quirk does to the JSON of a reply or an event: one small function for each quirk. Pure.

A function takes the decoded body and returns another one. `MUTATIONS` says for which endpoints it is applied: those
whose name begins with one of the prefixes. The name of an event is `webhook/TYPE`. `quirks.QUIRKS` says in words what
each quirk means.
"""

from collections.abc import Callable
from typing import Any

import msgspec

__all__ = ["MUTATIONS", "repeat_phone"]

Mutation = Callable[[Any], Any]
Row = dict[str, Any]

_IDS = frozenset({"action", "group", "gid", "num", "reaction"})
_PHONES = frozenset({"phone", "proxy", "test_phone", "rupid"})
_DEPRECATED = {
    "campaignId": "tcrcid",
    "live_time": "live",
    "update_time": "updated",
    "test_time": "tested",
    "sent_time": "lastmsg",
    "reply_time": "lastreply",
    "submit_time": "submitted",
    "sent_percent": "percent",
    "outsource_start_time": "outsource_start",
    "outsource_end_time": "outsource_end",
}


def _objects(change: Callable[[Row], Row]) -> Mutation:
    """Apply a change to every object of a reply: to each row of a page or list, or else to the reply itself."""

    def mutate(value: Any) -> Any:
        if isinstance(value, list):
            return [change(row) if isinstance(row, dict) else row for row in value]
        if isinstance(value, dict) and isinstance(value.get("data"), list):
            return {**value, "data": mutate(value["data"])}
        return change(value) if isinstance(value, dict) else value

    return mutate


def _everywhere(change: Callable[[str, Any], Any]) -> Mutation:
    """Apply a change to every single value. The change gets the value's name; an item of a list has the name of its list."""

    def walk(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: walk(key, held) for key, held in value.items()}
        if isinstance(value, list):
            return [walk(name, held) for held in value] if value else change(name, value)
        return change(name, value)

    return lambda value: walk("", value)


def _renamed(names: dict[str, str]) -> Mutation:
    return _objects(lambda row: {names.get(name, name): value for name, value in row.items()})


def _without(*names: str) -> Mutation:
    return _objects(lambda row: {name: value for name, value in row.items() if name not in names})


def _with(change: Callable[[Row], Row]) -> Mutation:
    return _objects(lambda row: row | change(row))


def _page(change: Callable[[Row], Row]) -> Mutation:
    return lambda value: change(value) if isinstance(value, dict) and "data" in value else value


def _number(name: str, value: Any) -> Any:
    short = name in _IDS and isinstance(value, str) and len(value) < 16
    return int(value) if short and value.isascii() and value.isdigit() else value


def _word(_: str, value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _eleven(name: str, value: Any) -> Any:
    ten = name in _PHONES and isinstance(value, str) and len(value) == 10 and value.isdigit()
    return f"1{value}" if ten else value


def _lies(page: Row) -> Row:
    return page | {"count": page["count"] + 2, "total": max(1, page.get("total", 0) // 2)}


def _one(page: Row) -> Row:
    return page | {"data": page["data"][0] if page["data"] else None}


def _proxies(row: Row) -> Row:
    listed = row.get("proxy")
    return {"proxy": [listed] if isinstance(listed, str) else listed}


def _filter(row: Row) -> Row:
    return {"contact_filter": msgspec.json.decode(row["contact_filter"]) if row.get("contact_filter") else {}}


def _no(row: Row) -> Row:
    return {name: row[name] or "No" for name in ("campaignId", "tcr_cid") if name in row}


def _with_deprecated(row: Row) -> Row:
    return {old: row[new] for new, old in _DEPRECATED.items() if new in row}


def _sender(row: Row) -> Row:
    return {"sender": row.get("phone"), "status": "received"}


def _joined(row: Row) -> Row:
    return {"flags": ",".join(row["flags"])} if isinstance(row.get("flags"), list) else {}


def _digits(row: Row) -> Row:
    return {"cid": "12345"} if "cid" in row else {}


def _other_phone(row: Row) -> Row:
    return {"phone": "2025550123" if row.get("phone") != "2025550123" else "2025550124"}


_ALL = ("",)
_PROJECTS = ("project/", "action/")
_MESSAGES = ("message/send", "message/log", "proxy/send", "webhook/MESSAGE", "webhook/DELIVERY")
_TCR = ("tcr/",)

MUTATIONS: dict[str, tuple[tuple[str, ...], Mutation]] = {
    "campaignId-empty": (_PROJECTS, _with(lambda row: {"campaignId": ""} if row.get("campaignId") == "No" else {})),
    "campaignId-no": (_ALL, _with(_no)),
    "cid-digits": (_ALL, _with(_digits)),
    "contact-filter-object": (_PROJECTS, _with(_filter)),
    "count-lies": (_ALL, _page(_lies)),
    "data-null": (_ALL, _page(lambda page: page | {"data": page["data"] or None})),
    "data-object": (_TCR, _page(_one)),
    "data-under-logs": (("message/log",), _page(lambda page: {"logs" if k == "data" else k: v for k, v in page.items()})),
    "data-under-messages": (("message/log",), _page(lambda page: {"messages" if k == "data" else k: v for k, v in page.items()})),
    "deprecated-fields": (_PROJECTS, _with(_with_deprecated)),
    "eleven-digits": (_ALL, _everywhere(_eleven)),
    "errcode": (_MESSAGES, _renamed({"error_code": "errcode"})),
    "extra-fields": (_ALL, _with(lambda _: {"_v": 3, "newly": {"added": [1, None, {"deep": True}]}})),
    "flags-string": (_ALL, _with(_joined)),
    "group-list": (_MESSAGES, _with(lambda row: {"group": [row["group"]]} if "group" in row else {})),
    "lower-case-status": (_PROJECTS, _with(lambda row: {"status": row["status"].lower()} if "status" in row else {})),
    "name-under-project": (_PROJECTS, _without("name")),
    "next-token-empty": (_ALL, _page(lambda page: {"next_token": "", **page})),
    "next-token-null": (_ALL, _page(lambda page: {"next_token": None, **page})),
    "no-cid": (_MESSAGES, _without("cid", "action", "group")),
    "no-ok": (_TCR, _without("ok")),
    "no-status": ((*_PROJECTS, *_MESSAGES, *_TCR), _without("status", "update_time")),
    "no-total": (_ALL, _page(lambda page: {name: value for name, value in page.items() if name != "total"})),
    "null-fields": (_ALL, _everywhere(lambda _, value: None if value in ("", []) else value)),
    "numeric-ids": (_ALL, _everywhere(_number)),
    "other-phone": (("message/send",), _with(_other_phone)),
    "phone-list": (_PROJECTS, _objects(lambda row: {"phone": _proxies(row)["proxy"], **row, "proxy": None})),
    "price-positive": (_MESSAGES, _with(lambda row: {"price": abs(row["price"])} if "price" in row else {})),
    "price-string": (_MESSAGES, _with(lambda row: {"price": str(row["price"])} if "price" in row else {})),
    "proxy-list": (_PROJECTS, _with(_proxies)),
    "proxy-string": (_TCR, _with(lambda row: {"proxy": ",".join(row["proxy"])} if "proxy" in row else {})),
    "stats-under-data": (
        ("project/stats", "action/stats"),
        lambda value: {"data": value} if isinstance(value, list) else value,
    ),
    "status-lags": (_TCR, _with(lambda row: {"status": "PENDING"} if "status" in row else {})),
    "status-queued": (_MESSAGES, _with(lambda row: {"status": row.get("status", "queued")})),
    "staztus": (_TCR, _renamed({"status": "staztus"})),
    "string-booleans": (_ALL, _everywhere(lambda _, value: str(value).lower() if isinstance(value, bool) else value)),
    "string-counts": (_ALL, _everywhere(_word)),
    "submit-report": (
        ("project/submit", "action/submit"),
        _objects(
            lambda row: {
                "rpid": "rp_1",
                "report": row.get("name", row.get("project")),
                **{k: v for k, v in row.items() if k != "project"},
            }
        ),
    ),
    "tcr-names": (_ALL, _renamed({"campaignId": "tcr_cid"})),
    "webhook-sender": (("webhook/MESSAGE",), _with(_sender)),
}
"""Quirk -> prefixes of endpoints, and the change. Changes are applied in this order; `quirks` puts some of them last."""


def repeat_phone(body: bytes, *, same: bool) -> bytes:
    """A contact whose JSON has the key `phone` a second time, with the same value or with another one."""
    phone = msgspec.json.decode(body)["phone"]
    second = phone if same else ("2025550100" if phone != "2025550100" else "2025550101")
    # msgspec writes each key once, so the second one is appended to the text.
    return body[:-1] + b',"phone":"%s"}' % second.encode()
