"""Lists and dictionaries that write themselves to the node when they change."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, MutableSequence
from typing import Any


class ObservedList(MutableSequence[Any]):
    """Item assignment, ``append``, ``+=`` ... are stored; ``+`` and ``*`` are refused as in Slicer."""

    def __init__(self, items: list[Any], codec: Any, node: Any, name: str) -> None:
        self._items, self._codec, self._node, self._name = items, codec, node, name

    def _save(self) -> None:
        try:
            self._codec.write(self._node, self._name, self._items)
        finally:
            self._items = self._codec.read(self._node, self._name)._items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __setitem__(self, index: Any, item: Any) -> None:
        self._items[index] = item
        self._save()

    def __delitem__(self, index: Any) -> None:
        del self._items[index]
        self._save()

    def insert(self, index: int, item: Any) -> None:
        self._items.insert(index, item)
        self._save()

    def __iadd__(self, other: Any) -> ObservedList:
        self._items += other
        self._save()
        return self

    def __imul__(self, count: int) -> ObservedList:
        self._items *= count
        self._save()
        return self

    def extend(self, values: Any) -> None:
        self += values

    def clear(self) -> None:
        self._items.clear()
        self._save()

    def sort(self, **options: Any) -> None:
        self._items.sort(**options)
        self._save()

    def reverse(self) -> None:
        self._items.reverse()
        self._save()

    def __add__(self, _other: Any) -> Any:
        raise NotImplementedError("Adding an ObservedList is not supported. However, += is supported.")

    __radd__ = __mul__ = __rmul__ = __add__

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, ObservedList) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ObservedList({self._items})"


class ObservedDict(MutableMapping[Any, Any]):
    """Changes are stored."""

    def __init__(self, items: dict[Any, Any], codec: Any, node: Any, name: str) -> None:
        self._items, self._codec, self._node, self._name = items, codec, node, name

    def _save(self) -> None:
        try:
            self._codec.write(self._node, self._name, self._items)
        finally:
            self._items = self._codec.read(self._node, self._name)._items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __getitem__(self, key: Any) -> Any:
        return self._items[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._items[key] = value
        self._save()

    def __delitem__(self, key: Any) -> None:
        del self._items[key]
        self._save()

    def popitem(self) -> tuple[Any, Any]:
        item = self._items.popitem()
        self._save()
        return item

    def clear(self) -> None:
        self._items.clear()
        self._save()

    def update(self, *values: Any, **named: Any) -> None:
        self._items.update(*values, **named)
        self._save()

    def __eq__(self, other: object) -> bool:
        return self._items == (other._items if isinstance(other, ObservedDict) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"ObservedDict({self._items})"
