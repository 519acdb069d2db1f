"""Builds read models again from the log."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from domain.events import ImageEvent
from projections import image_list


def rebuild(connection: Connection, batches: Iterable[Sequence[ImageEvent]]) -> int:
    """Empty the read models and fold the whole log into them, in the caller's transaction.

    Args:
        connection: a writing transaction; readers see the old rows until it commits.
        batches: the log from position 0, in order; one batch is in memory at a time.

    Returns:
        The number of events.
    """
    image_list.clear(connection)
    count = 0
    for batch in batches:
        image_list.replay(connection, batch)
        count += len(batch)
    return count
