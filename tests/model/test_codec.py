"""Messages in the rows of posts."""

from __future__ import annotations

import json

from bot.model.codec import dump_message, load_message
from bot.model.messages import Line, Message


def test_a_stored_message_keeps_the_keys_of_earlier_versions() -> None:
    message = Message(lines=(Line("1", "A title", note="Because of federated learning."),))
    body = dump_message(message)
    assert '"said": "Because of federated learning."' in json.dumps(body)
    assert load_message(body) == message
