"""Guesses a member's time zone from the language of their Discord client, which every interaction tells."""

from __future__ import annotations

_ZONES = {
    "bg": "Europe/Sofia", "cs": "Europe/Prague", "da": "Europe/Copenhagen", "de": "Europe/Berlin",
    "el": "Europe/Athens", "en-GB": "Europe/London", "es-ES": "Europe/Madrid", "fi": "Europe/Helsinki",
    "fr": "Europe/Paris", "hi": "Asia/Kolkata", "hr": "Europe/Zagreb", "hu": "Europe/Budapest", "it": "Europe/Rome",
    "ja": "Asia/Tokyo", "ko": "Asia/Seoul", "lt": "Europe/Vilnius", "nl": "Europe/Amsterdam", "no": "Europe/Oslo",
    "pl": "Europe/Warsaw", "pt-BR": "America/Sao_Paulo", "ro": "Europe/Bucharest", "sv-SE": "Europe/Stockholm",
    "th": "Asia/Bangkok", "tr": "Europe/Istanbul", "uk": "Europe/Kyiv", "vi": "Asia/Ho_Chi_Minh",
    "zh-CN": "Asia/Shanghai", "zh-TW": "Asia/Taipei",
}  # fmt: skip
"""The zone with the most speakers of each of Discord's locales (docs.discord.com/developers/reference#locales). The
locales of languages that are spoken in many zones are left out: en-US, es-419, id and ru."""
_MOST = 1_000
"""Members who are remembered. The oldest is forgotten first."""


class MemberZones:
    """Remembers the zones of the members who used the bot last."""

    def __init__(self) -> None:
        self._by_member: dict[str, str] = {}

    def record(self, member: str, locale: str) -> None:
        """Remember the zone that belongs to a member's locale."""
        self._by_member.pop(member, None)
        self._by_member[member] = _ZONES.get(locale, "")
        if len(self._by_member) > _MOST:
            del self._by_member[next(iter(self._by_member))]

    def zone_of(self, member: str) -> str:
        """The zone of a member; "" if it is unknown."""
        return self._by_member.get(member, "")
