/**
 * HTML and SVG that code or a model made: in a frame of their own, which has another origin.
 *
 * They may run scripts there, and reach neither this page, its cookies and storage, nor the API.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";

const MOST_HEIGHT_PX = 100_000;

/** Tells the page how high the content is; `nonce` says which frame it is. */
const TELL_HEIGHT = (nonce: string) => `
  const tell = () => parent.postMessage(
    { nonce: ${JSON.stringify(nonce)}, height: document.documentElement.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.documentElement);
  addEventListener("load", tell);`;

export function Sandbox({ html, label }: { html: string; label: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [nonce] = useState(() => crypto.randomUUID());
  const [height, setHeight] = useState(40);

  // At once: a frame that is quickly there says so before anything is painted.
  useLayoutEffect(() => {
    const onMessage = (event: MessageEvent<{ ready?: boolean; nonce?: string; height?: number }>) => {
      const shown = frame.current?.contentWindow;
      if (!shown || event.source !== shown) return;
      if (event.data?.ready) shown.postMessage({ html: framed(html, nonce) }, "*");
      if (event.data?.nonce !== nonce) return;
      const told = Number(event.data.height);
      if (Number.isFinite(told)) setHeight(Math.min(Math.max(told, 20), MOST_HEIGHT_PX));
    };
    addEventListener("message", onMessage);
    return () => removeEventListener("message", onMessage);
  }, [html, nonce]);

  return (
    <iframe
      ref={frame}
      class="sandbox"
      title={label}
      src="frame"
      sandbox="allow-scripts"
      referrerpolicy="no-referrer"
      loading="lazy"
      style={{ height: `${height}px` }}
    />
  );
}

/** The whole document of the frame. It has no policy of its own: that comes with `frame`. */
function framed(html: string, nonce: string): string {
  return `<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<style>html{font:13px/20px system-ui,sans-serif;color-scheme:light dark}body{margin:0;overflow-x:auto}
table{border:0;border-collapse:collapse}th,td{border:0;border-bottom:1px solid #8883;padding:5px 16px 6px 0;text-align:left}th{font-weight:500}</style>
<script>${TELL_HEIGHT(nonce)}</script>
${html}`;
}
