"""Shows and lists: the same question again and again, with a known right answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks import wrk
from tests.benchmarks.site import Sample, Site

LIMIT = 25
ONE_IMAGE = '"self"'  # stands once in every image of a list and nowhere else


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A query, how many images its page must hold, and what must be true of each of them."""

    query: str
    expected: int = LIMIT
    each: Callable[[dict[str, Any]], bool] = lambda image: bool(image["id"])
    items: tuple[str, ...] = ()


def show(site: Site, *, clients: int, seconds: float) -> list[Sample]:
    """Show the preloaded images in turn."""
    seen, asked = site.images.show(site.ids[0]), site.body(0)
    for name, value in asked.items():
        if name != "p2":  # the one that is patched
            same = sorted(seen[name]) == sorted(value)
            site.demand(same, f"an image made with {name}={value} shows {seen[name]}")
    path = f"{site.target.prefix}/v2/images/{{item}}"
    plan = wrk.Plan(path=path, items=tuple(site.ids), needle=f'"{site.run}"')
    return [site.measure("show", plan, clients=clients, seconds=seconds)[0]]


def listing(row: str) -> Callable[..., list[Sample]]:
    """Give the cell that measures a listing."""

    def measure(site: Site, *, clients: int, seconds: float) -> list[Sample]:
        wanted = LISTINGS[row](site)
        _check(site, wanted)
        path = f"{site.target.prefix}/v2/images?{wanted.query}"
        plan = wrk.Plan(path=path, items=wanted.items, needle=ONE_IMAGE, times=wanted.expected)
        return [site.measure(row, plan, clients=clients, seconds=seconds)[0]]

    return measure


def _check(site: Site, wanted: Listing) -> None:
    """Read the answer whole, once, before only its number of images is watched under load."""
    query = wanted.query.replace("{item}", wanted.items[0] if wanted.items else "")
    page = site.images.page(query)
    fits = len(page) == wanted.expected and all(wanted.each(image) for image in page)
    site.demand(fits, f"list by {query}: {[image.get('name') for image in page]}")
    if "sort=name:asc" in query:
        names = [image["name"] for image in page]
        site.demand(names == sorted(names), f"not sorted by name: {names}")


def _by_name(site: Site) -> Listing:
    names = tuple(site.name_of(number) for number in range(len(site.ids)))
    query = f"name={{item}}&limit={LIMIT}"
    return Listing(query=query, expected=1, items=names, each=lambda image: image["name"] in names)


def _by_tag(site: Site) -> Listing:
    tag = f"bench-{site.run}-1"
    return Listing(query=f"tag={tag}&limit={LIMIT}", each=lambda image: tag in image["tags"])


def _by_property(site: Site) -> Listing:
    query = f"p1=value-0&limit={LIMIT}"
    return Listing(query=query, each=lambda image: image["p1"] == "value-0")


def _by_size(site: Site) -> Listing:
    """Ask for a range of sizes that holds half of the preloaded images."""
    low = min(len(site.ids), 1000) // 4
    high = low + min(len(site.ids), 1000) // 2
    query = f"size_min={low}&size_max={high}&limit={LIMIT}"
    return Listing(query=query, each=lambda image: low <= image["size"] <= high)


def _deep(site: Site) -> Listing:
    """Start behind an image of which 25 older ones are known: almost at the catalog's end."""
    oldest = site.images.page(f"sort=created_at:asc,id:asc&limit={LIMIT + 1}")
    newest = {image["id"] for image in site.images.page(f"limit={LIMIT}")}
    query = f"limit={LIMIT}&marker={oldest[-1]['id']}"
    return Listing(query=query, each=lambda image: image["id"] not in newest)


LISTINGS: dict[str, Callable[[Site], Listing]] = {
    "list": lambda site: Listing(query=f"limit={LIMIT}"),
    "list-name": _by_name,
    "list-tag": _by_tag,
    "list-property": _by_property,
    "list-size": _by_size,
    "list-sorted": lambda site: Listing(query=f"sort=name:asc&limit={LIMIT}"),
    "list-deep": _deep,
}
