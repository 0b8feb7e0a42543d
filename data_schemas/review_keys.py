"""The keys of the labeller as they come, and whether keys of one's own leave every act one."""

from __future__ import annotations

from collections.abc import Mapping

from data_schemas.labels import nearest

_PAINT = {
    **{f"paint_{i}": (f"Digit{i}", f"Numpad{i}") for i in range(1, 10)},
    "paint_10": ("Digit0", "Numpad0"),
    **{f"paint_{i + 10}": (f"Shift+Digit{i}",) for i in range(1, 10)},
}

DEFAULT_KEYS: dict[str, tuple[str, ...]] = {
    "play": ("Space",),
    "play_segment": ("Shift+Space",),
    "slower": ("Minus", "NumpadSubtract"),
    "faster": ("Equal", "NumpadAdd"),
    "step_back": ("ArrowLeft",),
    "step_forward": ("ArrowRight",),
    "jump_back": ("Shift+ArrowLeft",),
    "jump_forward": ("Shift+ArrowRight",),
    "clip_start": ("Home",),
    "clip_end": ("End",),
    "bout_start": ("BracketLeft",),
    "bout_end": ("BracketRight",),
    "next_segment": ("KeyN",),
    "previous_segment": ("Shift+KeyN",),
    "next_clip": ("Period",),
    "previous_clip": ("Comma",),
    "queue": ("KeyQ",),
    "accept": ("Enter", "NumpadEnter"),
    "replace": ("Shift+Enter", "Shift+NumpadEnter"),
    "given_right": ("KeyA",),
    "unsure": ("KeyU",),
    "exclude": ("KeyX",),
    **_PAINT,
    "other": ("KeyO",),
    "clear": ("Backspace", "Delete"),
    "mark": ("KeyM",),
    "pen": ("KeyP",),
    "cancel": ("Escape",),
    "start_earlier": ("Shift+BracketLeft",),
    "start_later": ("Alt+BracketLeft",),
    "end_later": ("Shift+BracketRight",),
    "end_earlier": ("Alt+BracketRight",),
    "undo": ("Ctrl+KeyZ",),
    "redo": ("Ctrl+Shift+KeyZ", "Ctrl+KeyY"),
    "note": ("KeyT",),
    "fit": ("KeyF",),
    "zoom_in": ("Shift+Equal",),
    "zoom_out": ("Shift+Minus",),
    "pan_left": ("Alt+ArrowLeft",),
    "pan_right": ("Alt+ArrowRight",),
    "pan_up": ("Alt+ArrowUp",),
    "pan_down": ("Alt+ArrowDown",),
    "skeleton": ("KeyK",),
    "help": ("Shift+Slash", "F1"),
}
"""Every act of the labeller and its keys, by their place on the keyboard; the page has the same list."""

_MODIFIERS = ("Ctrl", "Alt", "Shift")


def check_keys(own: Mapping[str, str]) -> dict[str, str]:
    """Return keys of one's own, each with its modifiers in one order.

    Raises
    ------
    ValueError
        An act that does not exist, one key for two acts, or a key that is taken from an act which has no other: pressed in good
        faith it would do something else.
    """
    chosen = {act: _normal(key) for act, key in own.items()}
    taken: dict[str, str] = {}
    for act, key in chosen.items():
        if act not in DEFAULT_KEYS:
            close = nearest(act, DEFAULT_KEYS)
            raise ValueError(f"no act {act!r}; " + (f"did you mean {close!r}?" if close else f"acts: {', '.join(DEFAULT_KEYS)}"))
        if key in taken:
            raise ValueError(f"{key} is given to both {taken[key]} and {act}; give one of them another key")
        taken[key] = act
    for act, keys in DEFAULT_KEYS.items():
        if act not in chosen and all(key in taken for key in keys):
            thief = taken[keys[0]]
            raise ValueError(f"{thief} = {chosen[thief]!r} takes the only key of {act}; give {act} another one, too")
    return chosen


def _normal(key: str) -> str:
    *held, code = key.split("+")
    return "+".join([*(m for m in _MODIFIERS if m in held), code])
