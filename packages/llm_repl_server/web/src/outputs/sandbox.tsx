/**
 * HTML and SVG that code or a model made: in a frame of their own, which has another origin.
 *
 * They reach neither this page, its cookies and storage, nor the API. Their scripts run where
 * somebody has run the cell, or said so; what has come in a file is shown without.
 * What they tell is heeded only where it comes from their frame and names it, and only a height.
 */

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { allowScripts, hasScript, mayRun } from "../store/scripts.ts";
import { Icon } from "../ui/icon.tsx";
import { keepFocus } from "./frame-focus.ts";

const LEAST_HEIGHT_PX = 20;
/** What is higher scrolls in its frame. */
const MOST_HEIGHT_PX = 4_000;
/** A frame that follows its own height would grow for ever: after so many changes it stays as it is. */
const MOST_CHANGES = 60;

/** Tells the page how high the content is; `nonce` says which frame it is. */
const TELL_HEIGHT = (nonce: string) => `
  const tell = () => parent.postMessage({ nonce: ${JSON.stringify(nonce)},
    height: Math.ceil(document.body ? document.body.getBoundingClientRect().bottom + scrollY : 0) }, "*");
  addEventListener("DOMContentLoaded", () => { new ResizeObserver(tell).observe(document.body); tell(); });
  addEventListener("load", tell);`;

interface Props {
  readonly html: string;
  readonly label: string;
}

export function Sandbox({ html, label }: Props) {
  const notebook = useNotebook();
  const brings = useMemo(() => hasScript(html), [html]);
  const runs = brings && mayRun(notebook.id, html);
  return (
    <>
      <Frame key={runs ? "runs" : "still"} html={html} label={label} address={runs ? "frame" : "frame/still"} />
      {brings && !runs && (
        <p class="note">
          <Icon name="info" />
          <span>This has a script, which does not run by itself: it may have come from somebody else.</span>
          <button class="button small" onClick={() => allowScripts(notebook.id)}>
            Run this notebook’s scripts
          </button>
        </p>
      )}
    </>
  );
}

function Frame({ html, label, address }: Props & { readonly address: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [nonce] = useState(() => crypto.randomUUID());
  const [height, setHeight] = useState(40);

  // At once: a frame that is quickly there says so before anything is painted.
  useLayoutEffect(() => {
    let changes = 0;
    const onMessage = (event: MessageEvent<unknown>) => {
      const shown = frame.current?.contentWindow;
      // An origin of its own is told as "null", by any frame of that kind: the window decides.
      if (!shown || event.source !== shown || typeof event.data !== "object" || event.data === null) return;
      const told = event.data as { ready?: unknown; nonce?: unknown; height?: unknown };
      if (told.ready === true) shown.postMessage({ html: framed(html), script: TELL_HEIGHT(nonce) }, "*");
      if (told.nonce !== nonce || typeof told.height !== "number" || !Number.isFinite(told.height)) return;
      if (++changes <= MOST_CHANGES) setHeight(Math.min(Math.max(told.height, LEAST_HEIGHT_PX), MOST_HEIGHT_PX));
    };
    addEventListener("message", onMessage);
    return () => removeEventListener("message", onMessage);
  }, [html, nonce]);

  useLayoutEffect(keepFocus, []);

  return (
    <iframe
      ref={frame}
      class={isColoured(html) ? "sandbox plate" : "sandbox"}
      title={label}
      src={address}
      sandbox="allow-scripts"
      referrerpolicy="no-referrer"
      loading="lazy"
      allow=""
      style={{ height: `${height}px` }}
    />
  );
}

/** Whether it has grounds of its own, which were chosen for dark text: it stands on a light plate, as pictures do. */
function isColoured(html: string): boolean {
  return /background|bgcolor|fill=/i.test(html);
}

/** The whole document of the frame. It has no policy of its own: that comes with `frame`. */
function framed(html: string): string {
  const scheme = getComputedStyle(document.documentElement).colorScheme;
  const prefersDark = scheme === "dark" || (scheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  const isDark = prefersDark && !isColoured(html);
  return `<style>html{font:13px/20px Inter,system-ui,sans-serif;color-scheme:${isDark ? "dark" : "light"}}body{margin:0;display:flow-root;overflow-x:auto}
table{border:0;border-collapse:collapse}th,td{border:0;border-bottom:1px solid #8883;padding:5px 16px 6px 0;text-align:left}th{font-weight:500}</style>
${html}`;
}
