"""The filters of a list: each knows its condition in SQL, apart from the values in it.

So the statement of a list depends only on which filters there are, and is built once for each.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, false, not_, select

from projections.image_list import EPOCH, image_properties, image_tags, images, value_hash

Comparison = Literal["gt", "gte", "lt", "lte", "eq", "neq"]
COMPARISONS = ("gt", "gte", "lt", "lte", "eq", "neq")

SECOND = 1_000_000  # microseconds

Condition = ColumnElement[bool]
Bind = Callable[[int], BindParameter[Any]]


@dataclass(frozen=True)
class Filter:
    """One condition on images."""

    build: Callable[..., Condition]  # of (bind, *arguments)
    arguments: tuple[Any, ...]
    values: tuple[Any, ...]

    @property
    def shape(self) -> tuple[Any, ...]:
        """What the condition's SQL depends on."""
        return (self.build, *self.arguments)

    def named_values(self, number: int) -> dict[str, Any]:
        """Return the values by the names that they have in the statement's filter number N."""
        return {_name(number, index): value for index, value in enumerate(self.values)}


def condition(number: int, shape: tuple[Any, ...]) -> Condition:
    """Return the SQL of a statement's filter number N."""
    build: Callable[..., Condition] = shape[0]
    return build(lambda index: bindparam(_name(number, index)), *shape[1:])


def one_of(column: str, values: tuple[Any, ...]) -> Filter:
    """Keep images whose column has one of the values."""
    return Filter(_one_of, (column, len(values)), values)


def tagged(tag: str) -> Filter:
    """Keep images that carry a tag."""
    return Filter(_tagged, (), (tag,))


def having(name: str, value: str) -> Filter:
    """Keep images with a custom property of this value."""
    return Filter(_having, (), (name, value_hash(value)))


def size_from(size: int) -> Filter:
    """Keep images with data of at least size bytes."""
    return Filter(_size_from, (), (max(size, 0),))


def size_to(size: int) -> Filter:
    """Keep images with data of at most size bytes."""
    return Filter(_size_to, (), (size,))


def time_is(column: str, comparison: Comparison, moment: datetime) -> Filter:
    """Compare what the API shows of a time, whole seconds, although more is stored."""
    seconds = (moment - EPOCH).total_seconds()
    first = math.ceil(seconds) * SECOND
    following = (math.floor(seconds) + 1) * SECOND
    return Filter(_time_is, (column, comparison, seconds.is_integer()), (first, following))


def _name(number: int, index: int) -> str:
    return f"value_{number}_{index}"


def _one_of(bind: Bind, column: str, count: int) -> Condition:
    if count == 1:
        return images.c[column] == bind(0)
    return images.c[column].in_([bind(index) for index in range(count)])


def _tagged(bind: Bind) -> Condition:
    return images.c.id.in_(select(image_tags.c.image_id).where(image_tags.c.tag == bind(0)))


def _having(bind: Bind) -> Condition:
    key = image_properties.c.name == bind(0), image_properties.c.value_hash == bind(1)
    return images.c.id.in_(select(image_properties.c.image_id).where(*key))


def _size_from(bind: Bind) -> Condition:
    return images.c.size >= bind(0)


def _size_to(bind: Bind) -> Condition:
    return and_(images.c.size <= bind(0), images.c.size >= 0)


def _time_is(bind: Bind, column: str, comparison: Comparison, is_whole: bool) -> Condition:
    from_it = images.c[column] >= bind(0)
    from_next = images.c[column] >= bind(1)
    is_shown = and_(from_it, not_(from_next)) if is_whole else false()
    by_name: dict[Comparison, Condition] = {
        "gt": from_next,
        "gte": from_it,
        "lt": not_(from_it),
        "lte": not_(from_next),
        "eq": is_shown,
        "neq": not_(is_shown),
    }
    return by_name[comparison]
