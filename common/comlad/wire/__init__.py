"""Values to bytes and back. Whatever comes from a peer is hostile until it was checked here."""

from comlad.wire._arrays import ARRAYS_CHUNK_BYTES
from comlad.wire._broadcast import Broadcast
from comlad.wire._chunks import MAX_MESSAGE_BYTES, Download
from comlad.wire._dataset import EncodedDataset, decode_dataset, encode_dataset
from comlad.wire._held import decode_held, encode_held, held_bound
from comlad.wire._inbox import Inbox, Verdict
from comlad.wire._replies import encode_reply, reply_messages
from comlad.wire._requests import (
    MAX_JOIN_BYTES,
    encode_finished,
    encode_join,
    encode_ready,
    encode_refusal,
    parse_join,
    parse_ready,
    parse_request,
    parse_response,
    reply_bound,
    transport_bound,
)
from comlad.wire._told import broadcast_bound, decode_round
from comlad.wire._welcome import Welcome, decode_welcome, encode_welcome

__all__ = [
    "ARRAYS_CHUNK_BYTES",
    "MAX_JOIN_BYTES",
    "MAX_MESSAGE_BYTES",
    "Broadcast",
    "Download",
    "EncodedDataset",
    "Inbox",
    "Verdict",
    "Welcome",
    "broadcast_bound",
    "decode_dataset",
    "decode_held",
    "decode_round",
    "decode_welcome",
    "encode_dataset",
    "encode_finished",
    "encode_held",
    "encode_join",
    "encode_ready",
    "encode_refusal",
    "encode_reply",
    "encode_welcome",
    "held_bound",
    "parse_join",
    "parse_ready",
    "parse_request",
    "parse_response",
    "reply_bound",
    "reply_messages",
    "transport_bound",
]
