/** A menu below a button: by pointer, and by the arrow keys. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

interface Props {
  /** The button's name; it has in it what the button says. */
  readonly label: string;
  readonly icon?: IconName;
  readonly button?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function MenuButton({ label, icon = "more", button, class: className, children }: Props) {
  const [open, setOpen] = useState(false);
  const whole = useRef<HTMLSpanElement>(null);

  useLayoutEffect(() => {
    if (!open) return;
    items(whole.current)[0]?.focus();
    const onPointer = (event: PointerEvent) => {
      if (!whole.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [open]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && open) {
      setOpen(false);
      whole.current?.querySelector("button")?.focus();
    } else if (step && open) {
      const all = items(whole.current);
      const at = all.indexOf(document.activeElement as HTMLElement);
      all[(at + step + all.length) % all.length]?.focus();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <span class="holds-menu" ref={whole} onKeyDown={onKeyDown}>
      <button
        class={className ?? "button quiet only-icon"}
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {button ?? <Icon name={icon} />}
      </button>
      {open && (
        <div class="menu floating" role="menu" onClick={() => setOpen(false)}>
          {children}
        </div>
      )}
    </span>
  );
}

function items(whole: HTMLElement | null): HTMLElement[] {
  return [...(whole?.querySelectorAll<HTMLElement>("[role=menuitem]:not(:disabled)") ?? [])];
}

interface ItemProps {
  readonly icon?: IconName;
  readonly keys?: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

export function MenuItem({ icon, keys, danger, disabled, onClick, children }: ItemProps) {
  return (
    <button
      role="menuitem"
      tabIndex={-1}
      class={danger ? "danger" : undefined}
      disabled={disabled ?? false}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      <span>{children}</span>
      {keys && <span class="key">{keys}</span>}
    </button>
  );
}
