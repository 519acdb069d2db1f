"""Who is asking: the seam behind which the ways to authenticate lie. This one takes our tokens."""

import time
from collections import OrderedDict
from datetime import UTC, datetime
from threading import Lock

from domain.errors import NotAuthenticated
from domain.origin import Actor
from storage.tokens import Token, Tokens

CACHED_TOKENS = 10_000


class TokenAuthentication:
    """Finds the actor behind a token, looking each token up once in a while only."""

    def __init__(self, tokens: Tokens, *, cache: float) -> None:
        """Take for how many seconds a token is not looked up again."""
        self._tokens = tokens
        self._cache = cache
        self._known: OrderedDict[str, tuple[float, Token]] = OrderedDict()
        self._lock = Lock()

    def actor(self, secret: str | None) -> Actor:
        """Return the actor whom a token stands for.

        Raises:
            NotAuthenticated: there is none, or it is unknown, expired or revoked.
        """
        if not secret:
            raise NotAuthenticated("send a token as X-Auth-Token", field="X-Auth-Token")
        token = self._find(secret)
        if token is None or not token.is_valid(datetime.now(UTC)):
            raise NotAuthenticated("the token is unknown, expired or revoked", field="X-Auth-Token")
        return token.actor

    def _find(self, secret: str) -> Token | None:
        now = time.monotonic()
        known = self._known.get(secret)
        if known is not None and now - known[0] < self._cache:
            return known[1]
        token = self._tokens.find(secret)
        if token is None:
            return None
        with self._lock:
            self._known[secret] = (now, token)
            self._known.move_to_end(secret)
            if len(self._known) > CACHED_TOKENS:
                self._known.popitem(last=False)
        return token
