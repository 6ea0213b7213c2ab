/** The icons: 16 px, drawn by strokes of 1.5 px in the colour of the text. */

import type { JSX } from "preact";

const DRAWINGS = {
  md: <path d="M3 4.5V3.25h10V4.5M8 3.25v9.5M6.25 12.75h3.5"/>,
  code: <path d="M5.5 4.25 2 8l3.5 3.75M10.5 4.25 14 8l-3.5 3.75"/>,
  prompt: (
    <path d="M3.5 2.75h9A1.5 1.5 0 0 1 14 4.25v5a1.5 1.5 0 0 1-1.5 1.5H8l-3.25 2.75v-2.75H3.5A1.5 1.5 0 0 1 2 9.25v-5a1.5 1.5 0 0 1 1.5-1.5z"/>
  ),
  memory: (
    <><ellipse cx="8" cy="4" rx="5" ry="1.9"/><path d="M3 4v8c0 1 2.2 1.9 5 1.9s5-.9 5-1.9V4M3 8c0 1 2.2 1.9 5 1.9s5-.9 5-1.9"/></>
  ),
  idle: <circle cx="8" cy="8" r="5.5" stroke-dasharray="2.2 2.12"/>,
  queued: <><circle cx="8" cy="8" r="5.75"/><path d="M8 4.9V8l2.1 1.5"/></>,
  wait: (
    <path d="M4.25 2.25h7.5M4.25 13.75h7.5M5.25 2.25v1.9C5.25 6.3 8 6.7 8 8s-2.75 1.7-2.75 3.85v1.9M10.75 2.25v1.9C10.75 6.3 8 6.7 8 8s2.75 1.7 2.75 3.85v1.9"/>
  ),
  run: <><circle cx="8" cy="8" r="5.75" opacity=".28"/><path d="M8 2.25A5.75 5.75 0 0 1 13.75 8"/></>,
  stream: <><path d="M2.5 4h11M2.5 8h11M2.5 12h3"/><path d="M8.25 10.25v3.5"/></>,
  done: <path d="M3 8.6l3.2 3.15L13 4.75"/>,
  stale: <path d="M13.25 8A5.25 5.25 0 1 1 11.6 4.2M13.25 2v3h-3"/>,
  fail: <><path d="M5.6 2.25h4.8l3.35 3.35v4.8l-3.35 3.35H5.6L2.25 10.4V5.6z"/><path d="M6 6l4 4M10 6l-4 4"/></>,
  cut: (
    <><circle cx="8" cy="8" r="5.75"/><rect x="6" y="6" width="4" height="4" rx="0.75" fill="currentColor" stroke="none"/></>
  ),
  pencil: <path d="M10.4 2.9l2.7 2.7-7.3 7.3-3.3.6.6-3.3z"/>,
  record: <><circle cx="4.75" cy="7.25" r="2.75"/><circle cx="11.25" cy="7.25" r="2.75"/><path d="M4.75 10h6.5"/></>,
  kept: <><rect x="3" y="3" width="10" height="7.25" rx="1.25"/><path d="M1.5 13h13"/></>,
  conflict: <path d="M8 13.5V9.25M8 9.25 3.75 5V2.5M8 9.25 12.25 5V2.5"/>,
  offline: (
    <path d="M4.6 12.25h6.9a2.75 2.75 0 0 0 .9-5.35A4.5 4.5 0 0 0 5 4.6M3.7 6.9a2.75 2.75 0 0 0 .9 5.35M2.25 2.25l11.5 11.5"/>
  ),
  warn: (
    <><path d="M8 2.5l6 10.75H2zM8 6.5v3.25"/><circle cx="8" cy="11.4" r="0.8" fill="currentColor" stroke="none"/></>
  ),
  info: (
    <><circle cx="8" cy="8" r="5.75"/><path d="M8 7.5v3.25"/><circle cx="8" cy="5.2" r="0.8" fill="currentColor" stroke="none"/></>
  ),
  hand: (
    <path d="M3.25 2.75h9.5a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H8.5L8 13.25l-.5-1.5H3.25a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zM6.5 6.1c0-1 .7-1.5 1.5-1.5s1.5.55 1.5 1.35c0 1-1.5 1.1-1.5 2.05M8 9.7v.01"/>
  ),
  dot: <circle cx="8" cy="8" r="3" fill="currentColor" stroke="none"/>,
  list: <path d="M2.25 4h11.5M2.25 8h11.5M2.25 12h11.5"/>,
  plus: <path d="M8 3v10M3 8h10"/>,
  play: <path d="M4.75 3v10l8-5z"/>,
  stop: <rect x="4" y="4" width="8" height="8" rx="1.25"/>,
  down: <path d="M4 6.25 8 10l4-3.75"/>,
  up: <path d="M4 9.75 8 6l4 3.75"/>,
  right: <path d="M6.25 4 10 8l-3.75 4"/>,
  left: <path d="M9.75 4 6 8l3.75 4"/>,
  arrow: <path d="M3 8h10M9.25 4.25 13 8l-3.75 3.75"/>,
  x: <path d="M4 4l8 8M12 4l-8 8"/>,
  more: (
    <><circle cx="3.25" cy="8" r="1.1" fill="currentColor" stroke="none"/><circle cx="8" cy="8" r="1.1" fill="currentColor" stroke="none"/><circle cx="12.75" cy="8" r="1.1" fill="currentColor" stroke="none"/></>
  ),
  grip: (
    <><circle cx="6" cy="4" r="1" fill="currentColor" stroke="none"/><circle cx="6" cy="8" r="1" fill="currentColor" stroke="none"/><circle cx="6" cy="12" r="1" fill="currentColor" stroke="none"/><circle cx="10" cy="4" r="1" fill="currentColor" stroke="none"/><circle cx="10" cy="8" r="1" fill="currentColor" stroke="none"/><circle cx="10" cy="12" r="1" fill="currentColor" stroke="none"/></>
  ),
  search: <><circle cx="7" cy="7" r="4.25"/><path d="M10.2 10.2l3.3 3.3"/></>,
  folder: <path d="M2 12V4.25a1 1 0 0 1 1-1h3.1l1.5 1.75H13a1 1 0 0 1 1 1V12a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1z"/>,
  drop: <path d="M8 2.25v7.25M4.75 6.5 8 9.75l3.25-3.25M2.5 11v1.75a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1V11"/>,
  file: (
    <path d="M4 2.25h5L12.25 5.5v7.75a.5.5 0 0 1-.5.5H4a.5.5 0 0 1-.5-.5V2.75a.5.5 0 0 1 .5-.5zM9 2.25V5.5h3.25"/>
  ),
  clip: (
    <path d="M12.9 7.3l-5.2 5.2a3.2 3.2 0 0 1-4.5-4.5l5.4-5.4a2.1 2.1 0 0 1 3 3l-5.4 5.4a1 1 0 0 1-1.5-1.5l4.8-4.8"/>
  ),
  tool: (
    <path d="M13.5 4.6l-2.3 2.3-2.1-2.1 2.3-2.3a3.6 3.6 0 0 0-4.7 4.5L2.4 11.3a1.55 1.55 0 0 0 2.2 2.2L8.9 9.3a3.6 3.6 0 0 0 4.6-4.7z"/>
  ),
  form: <><rect x="2.5" y="2.75" width="11" height="10.5" rx="1.25"/><path d="M2.5 6.25h11M6.25 6.25v7"/></>,
  each: <path d="M8 2.25l5.75 3L8 8.25l-5.75-3zM2.25 8.25 8 11.25l5.75-3M2.25 11 8 14l5.75-3"/>,
  copy: (
    <><rect x="5.5" y="5.5" width="8" height="8" rx="1.25"/><path d="M10.5 5.5V3.75a1.25 1.25 0 0 0-1.25-1.25h-5.5A1.25 1.25 0 0 0 2.5 3.75v5.5a1.25 1.25 0 0 0 1.25 1.25H5.5"/></>
  ),
  diff: <path d="M8 2.5v6M5 5.5h6M5 12.5h6"/>,
  cols: <><rect x="2.25" y="2.75" width="11.5" height="10.5" rx="1.25"/><path d="M6.1 2.75v10.5M9.9 2.75v10.5"/></>,
  pin: <path d="M5.5 2.25h5M6.25 2.25v4.5L4 9.5h8L9.75 6.75v-4.5M8 9.5v4.25"/>,
  skip: <><circle cx="8" cy="8" r="5.75"/><path d="M4 12l8-8"/></>,
  sent: <><rect x="2.75" y="2.75" width="10.5" height="10.5" rx="2"/><path d="M5.25 8.25l2 2 3.5-4"/></>,
  unsent: <rect x="2.75" y="2.75" width="10.5" height="10.5" rx="2"/>,
  key: <><circle cx="5.25" cy="10.75" r="2.75"/><path d="M7.25 8.75 13 3M10.75 5.25l2 2M9 7l1.5 1.5"/></>,
  sun: (
    <><circle cx="8" cy="8" r="2.75"/><path d="M8 1.75v1.5M8 12.75v1.5M1.75 8h1.5M12.75 8h1.5M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1"/></>
  ),
  moon: <path d="M13.25 9.7A5.6 5.6 0 0 1 6.3 2.75a5.6 5.6 0 1 0 6.95 6.95z"/>,
  screen: <><rect x="2.25" y="3" width="11.5" height="7.75" rx="1.25"/><path d="M8 10.75v2.5M5.25 13.25h5.5"/></>,
  sliders: (
    <><path d="M2.25 5h5.25M11 5h2.75M2.25 11h2M7.75 11h6"/><circle cx="9.25" cy="5" r="1.75"/><circle cx="6" cy="11" r="1.75"/></>
  ),
  kernel: (
    <><rect x="4.25" y="4.25" width="7.5" height="7.5" rx="1.25"/><path d="M6.25 2v2.25M9.75 2v2.25M6.25 11.75V14M9.75 11.75V14M2 6.25h2.25M2 9.75h2.25M11.75 6.25H14M11.75 9.75H14"/></>
  ),
  panel: <><rect x="2.25" y="3" width="11.5" height="10" rx="1.5"/><path d="M9.75 3v10"/></>,
  request: <path d="M13.75 2.25 2.25 6.5l4.75 2.75 2.75 4.5zM7 9.25l6.75-7"/>,
  braces: (
    <path d="M6 2.75c-1.5 0-2 .8-2 2v1.5C4 7.3 3.5 8 2.4 8 3.5 8 4 8.7 4 9.75v1.5c0 1.2.5 2 2 2M10 2.75c1.5 0 2 .8 2 2v1.5c0 1.05.5 1.75 1.6 1.75-1.1 0-1.6.7-1.6 1.75v1.5c0 1.2-.5 2-2 2"/>
  ),
  calls: <path d="M2.25 4h5M5.25 8h5.5M8.75 12h5"/>,
  graph: (
    <><circle cx="3.75" cy="3.75" r="1.6"/><circle cx="3.75" cy="12.25" r="1.6"/><circle cx="12.25" cy="8" r="1.6"/><path d="M5.35 4.1C8.5 4.7 10 5.9 11 6.95M5.35 11.9c3.15-.6 4.65-1.8 5.65-2.85"/></>
  ),
  answers: <path d="M2.7 6.4A5.6 5.6 0 1 1 2.4 8M2.25 2.75v3.7h3.7M8 5v3.25l2.25 1.4"/>,
  barrier: (
    <><rect x="1.75" y="4.75" width="12.5" height="4.5" rx="1"/><path d="M4.25 9.25l2.5-4.5M8.25 9.25l2.5-4.5M4 9.25v4M12 9.25v4"/></>
  ),
  kbd: (
    <><rect x="1.75" y="4" width="12.5" height="8" rx="1.25"/><path d="M4.25 6.6h.01M6.75 6.6h.01M9.25 6.6h.01M11.75 6.6h.01M5.5 9.5h5"/></>
  ),
  out: <path d="M6.5 3.25H3.75a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1V9.5M9.25 2.75h4v4M13 3 7.5 8.5"/>,
  trash: (
    <path d="M2.75 4.5h10.5M6.25 4.5V3a.5.5 0 0 1 .5-.5h2.5a.5.5 0 0 1 .5.5v1.5M4 4.5l.6 8.5a.75.75 0 0 0 .75.7h5.3a.75.75 0 0 0 .75-.7l.6-8.5"/>
  ),
  undo: <path d="M5.5 2.75 2.5 5.75l3 3M2.75 5.75H9.5a4 4 0 0 1 0 8H6"/>,
  eye: (
    <><path d="M1.5 8S3.75 3.75 8 3.75 14.5 8 14.5 8 12.25 12.25 8 12.25 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.75"/></>
  ),
  fold: <path d="M4 3l4 3.5L12 3M4 13l4-3.5 4 3.5"/>,
  coins: <><circle cx="6" cy="6" r="3.75"/><path d="M10.7 6.3a3.75 3.75 0 1 1-4.4 4.4"/></>,
  mark: (
    <path d="M5.25 2.5c-1.7 0-2.25.9-2.25 2.25v1.6C3 7.4 2.5 8 1.4 8 2.5 8 3 8.6 3 9.65v1.6c0 1.35.55 2.25 2.25 2.25M10.75 2.5c1.7 0 2.25.9 2.25 2.25v1.6c0 1.05.5 1.65 1.6 1.65-1.1 0-1.6.6-1.6 1.65v1.6c0 1.35-.55 2.25-2.25 2.25M6.6 5.75 9 8l-2.4 2.25"/>
  ),
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof DRAWINGS;

/** An icon. It says nothing to a screen reader: what it means stands beside it, or in a label. */
export function Icon({ name, spins = false }: { name: IconName; spins?: boolean }) {
  return (
    <svg class={spins ? "icon spins" : "icon"} viewBox="0 0 16 16" aria-hidden="true">
      {DRAWINGS[name]}
    </svg>
  );
}
