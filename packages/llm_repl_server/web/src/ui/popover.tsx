/** What floats below a button until one leaves it: by Escape, by a click elsewhere, by its own act. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  /** The button's name, where its content is not enough. */
  readonly label: string;
  readonly button: ComponentChildren;
  readonly class: string;
  readonly panelClass?: string;
  /** What floats; it is given what closes it. */
  readonly children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, button, class: className, panelClass, children }: Props) {
  const [open, setOpen] = useState(false);
  const whole = useRef<HTMLSpanElement>(null);
  const close = () => {
    setOpen(false);
    whole.current?.querySelector("button")?.focus();
  };

  useLayoutEffect(() => {
    if (!open) return;
    const first = whole.current?.querySelector<HTMLElement>(
      ".panel :is(input, textarea, select, [role=option], button):not(:disabled)",
    );
    first?.focus();
    whole.current?.querySelector(".panel")?.scrollIntoView({ block: "nearest" });
    const onPointer = (event: PointerEvent) => {
      if (!whole.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [open]);

  return (
    <span
      class="holds-panel"
      ref={whole}
      onKeyDown={(event) => {
        if (!open) return;
        // Keys in it are not the notebook's.
        event.stopPropagation();
        if (event.key !== "Escape" || event.isComposing) return;
        event.preventDefault();
        close();
      }}
    >
      <button class={className} aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="unseen">{label}: </span>
        {button}
      </button>
      {open && (
        <div class={`panel floating ${panelClass ?? ""}`} role="dialog" aria-label={label}>
          {children(close)}
        </div>
      )}
    </span>
  );
}
