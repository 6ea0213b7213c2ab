/**
 * Keeps the focus where a person has put it: a script in a frame may take it, and would then get
 * what is typed. A frame has it when the pointer is on it, or when one came to it by Tab.
 */

let users = 0;
let before: Element | null = null;
let cameByTab = false;

/** Watch while there are frames; gives what ends it. */
export function keepFocus(): () => void {
  if (users++ === 0) {
    addEventListener("focusin", onFocusIn, true);
    addEventListener("keydown", onKeyDown, true);
    addEventListener("pointerdown", onPointerDown, true);
    addEventListener("blur", onBlur);
  }
  return () => {
    if (--users > 0) return;
    removeEventListener("focusin", onFocusIn, true);
    removeEventListener("keydown", onKeyDown, true);
    removeEventListener("pointerdown", onPointerDown, true);
    removeEventListener("blur", onBlur);
    before = null;
  };
}

function onFocusIn(event: FocusEvent): void {
  if (event.target instanceof Element && !event.target.matches("iframe.sandbox")) before = event.target;
}

function onKeyDown(event: KeyboardEvent): void {
  cameByTab = event.key === "Tab";
}

function onPointerDown(): void {
  cameByTab = false;
}

/** The window loses the focus to a frame in it, too. */
function onBlur(): void {
  const frame = document.activeElement;
  if (!frame?.matches("iframe.sandbox") || frame.matches(":hover") || cameByTab) return;
  if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
  else (frame as HTMLElement).blur();
  window.focus();
}
