/** Short notices at the lower left, perhaps with a way back. */

import { signal } from "@preact/signals";

interface Toast {
  readonly text: string;
  readonly action?: string;
  readonly act?: () => void;
}

const SHOWN_MS = 8_000;
const toasts = signal<readonly Toast[]>([]);

export function toast(text: string, action?: string, act?: () => void): void {
  const shown: Toast = { text, ...(action && act ? { action, act } : {}) };
  toasts.value = [...toasts.value, shown];
  setTimeout(() => dismiss(shown), SHOWN_MS);
}

function dismiss(shown: Toast): void {
  toasts.value = toasts.value.filter((other) => other !== shown);
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((shown) => (
        <div class="toast floating">
          <span>{shown.text}</span>
          {shown.act && (
            <button
              class="button quiet"
              onClick={() => {
                shown.act?.();
                dismiss(shown);
              }}
            >
              {shown.action}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
