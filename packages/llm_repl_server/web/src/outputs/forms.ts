/** The forms in which code offers a display, the one first that says most here. */

import type { Output } from "../wire/shapes.ts";
import { readTable, type PlainTable } from "./plain-table.ts";

export type Form =
  | { readonly kind: "picture"; readonly type: string; readonly name: string; readonly address: string; readonly alt: string }
  | { readonly kind: "table"; readonly type: string; readonly name: string; readonly table: PlainTable }
  | { readonly kind: "frame" | "formula" | "markdown" | "text"; readonly type: string; readonly name: string; readonly text: string }
  | { readonly kind: "json"; readonly type: string; readonly name: string; readonly value: unknown }
  | { readonly kind: "sound" | "film"; readonly type: string; readonly name: string; readonly address: string }
  | { readonly kind: "unknown"; readonly type: string; readonly name: string; readonly text: string };

/** What needs scripts that this page does not bring, and what shows it nevertheless. */
const INTERACTIVE: readonly (readonly [RegExp, string])[] = [
  [/^application\/vnd\.plotly/, "This is an interactive Plotly figure, whose script is not here. HTML(figure.to_html()) brings it along."],
  [/^application\/vnd\.vega/, "This is an interactive chart, whose script is not here. alt.renderers.enable(\"svg\") shows it as a picture, with the package vl-convert-python."],
  [/^application\/vnd\.jupyter\.widget-view/, "This is an interactive widget. Here is its text; its value can be set by code."],
  [/^application\/vnd\.(bokehjs|holoviews)/, "This is an interactive chart, whose script is not here. file_html(chart, INLINE) of bokeh.embed brings it along."],
];
const FROM_ELSEWHERE = "It loads scripts from elsewhere, which this page does not let in.";
/** What is shown from elsewhere, with its address. */
const SHOWS = /<(?:iframe|img|video|audio|embed|object|source)\b[^>]*?\s(?:src|data)\s*=\s*["']?((?:https?:)?\/\/[^\s"'>]{1,200})/i;
/** HTML that is nothing without scripts from elsewhere. */
const LOADS_SCRIPTS = /<script[^>]+src\s*=\s*["']?(?:https?:)?\/\//i;
/** The same from within a script; one that brings its library along is longer, and may name such addresses. */
const ASKS_FOR_SCRIPTS = /<script[\s\S]*?(?:https?:)?\/\/(?:cdn\.|unpkg\.com|cdnjs\.)/i;
const MOST_ASKING = 300_000;
const LIBRARIES: readonly (readonly [RegExp, string])[] = [
  [/cdn\.plot\.ly|plotly/i, "application/vnd.plotly"],
  [/vega-?embed/i, "application/vnd.vega"],
  [/cdn\.bokeh\.org/i, "application/vnd.bokehjs"],
];
/** Less than this is looked at for a table. */
const MOST_TABLE = 2_000_000;
const ORDER = [
  /^image\//, /^video\//, /^audio\//, /^text\/html$/, /^text\/latex$/, /^text\/markdown$/,
  /^application\/(geo\+|.*\+)?json$/, /^text\/plain$/, /^text\//, /./,
];

export interface Forms {
  readonly forms: readonly Form[];
  /** What is missing, where something is. */
  readonly note: string | null;
}

export function formsOf(output: Output): Forms {
  const data = output.data ?? {};
  const types = Object.keys(data).sort((a, b) => rank(a) - rank(b));
  const plain = textOf(data["text/plain"]) ?? output.content;
  let note: string | null = null;
  const forms: Form[] = [];
  const late: Form[] = []; // what shows nothing here
  for (const type of types) {
    const interactive = INTERACTIVE.find(([pattern]) => pattern.test(type));
    if (interactive) {
      note = interactive[1];
      late.push({ kind: "json", type, name: "Its data", value: data[type] });
      continue;
    }
    const form = formOf(type, data[type], plain);
    if (form.kind === "frame" && loadsScripts(form.text)) {
      const library = LIBRARIES.find(([pattern]) => pattern.test(form.text))?.[1];
      note ??= INTERACTIVE.find(([pattern]) => library && pattern.test(library))?.[1] ?? FROM_ELSEWHERE;
      late.push(form);
    } else if (form.kind === "unknown") late.push(form);
    else forms.push(form);
  }
  if (forms.some(({ kind }) => kind === "picture" || kind === "frame")) note = null;
  const [first] = [...forms, ...late];
  const elsewhere = first?.kind === "frame" && !note ? SHOWS.exec(first.text.slice(0, MOST_ASKING))?.[1] : undefined;
  if (elsewhere) note = `It shows ${elsewhere}, which this page does not let in.`;
  const [hidden] = late;
  if (!note && hidden?.kind === "unknown" && forms.every((form) => form.kind === "text")) {
    note = `There is also ${hidden.type}, which this page cannot show.`;
    if (!forms.length) note = `This is ${hidden.type}, which this page cannot show.`;
  }
  return { forms: [...forms, ...late], note };
}

function loadsScripts(html: string): boolean {
  return LOADS_SCRIPTS.test(html) || (html.length < MOST_ASKING && ASKS_FOR_SCRIPTS.test(html));
}

function rank(type: string): number {
  return ORDER.findIndex((pattern) => pattern.test(type));
}

function textOf(value: unknown): string | null {
  if (Array.isArray(value)) return value.join("");
  return typeof value === "string" ? value : null;
}

function formOf(type: string, value: unknown, plain: string): Form {
  const text = textOf(value);
  const [base = type] = type.split(";");
  if (/^application\/(.*\+)?json$/.test(base)) return { kind: "json", type, name: "JSON", value };
  if (text === null) return { kind: "json", type, name: type, value };
  if (base === "image/svg+xml") {
    // As a picture it runs nothing and loads nothing; what is more than a picture is in the frame.
    if (isStill(text)) return { kind: "picture", type, name: "SVG", address: svgAddress(text), alt: altOf(plain) };
    return { kind: "frame", type, name: "SVG", text };
  }
  if (/^image\/(png|jpeg|gif|webp|avif|bmp)$/.test(base)) {
    return { kind: "picture", type, name: nameOf(base), address: dataAddress(base, text), alt: altOf(plain) };
  }
  if (/^audio\/[\w.+-]+$/.test(base)) return { kind: "sound", type, name: "Sound", address: dataAddress(base, text) };
  if (/^video\/[\w.+-]+$/.test(base)) return { kind: "film", type, name: "Film", address: dataAddress(base, text) };
  if (base === "text/html") {
    const table = text.length <= MOST_TABLE ? readTable(text) : null;
    return table ? { kind: "table", type, name: "Table", table } : { kind: "frame", type, name: "HTML", text };
  }
  if (base === "text/latex") return { kind: "formula", type, name: "Formula", text };
  if (base === "text/markdown") return { kind: "markdown", type, name: "Text", text };
  if (base.startsWith("text/")) return { kind: "text", type, name: base === "text/plain" ? "As text" : type, text };
  return { kind: "unknown", type, name: type, text };
}

const nameOf = (type: string) => type.slice("image/".length).toUpperCase();

function altOf(plain: string): string {
  const line = plain.split("\n", 1)[0] ?? "";
  return line.slice(0, 200) || "picture";
}

function dataAddress(type: string, base64: string): string {
  return `data:${type};base64,${base64.replace(/\s/g, "")}`;
}

function isStill(svg: string): boolean {
  return /\sxmlns=/.test(svg) && !/<(script|foreignObject|a|iframe|image|animate|set)[\s/>]|\son\w+\s*=|javascript:/i.test(svg);
}

function svgAddress(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg.replace(/\p{Surrogate}/gu, "\ufffd"))}`;
}
