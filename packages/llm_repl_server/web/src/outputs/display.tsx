/** A display: the best of the forms in which code offers it. */

import { Markdown } from "../markdown/markdown.tsx";
import type { Output } from "../wire/shapes.ts";
import { TerminalText } from "./ansi.tsx";
import { JsonTree } from "./json-tree.tsx";
import { Sandbox } from "./sandbox.tsx";

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** What needs scripts that this page does not bring; its picture or text is shown instead. */
const INTERACTIVE: Readonly<Record<string, string>> = {
  "application/vnd.plotly.v1+json": "an interactive Plotly figure",
  "application/vnd.jupyter.widget-view+json": "an interactive widget",
  "application/vnd.vegalite.v5+json": "an interactive Vega-Lite chart",
};

export function Display({ output }: { output: Output }) {
  const data = output.data ?? {};
  const interactive = Object.keys(INTERACTIVE).find((type) => type in data);
  return (
    <>
      {best(output)}
      {interactive && !("text/html" in data) && (
        <p class="note">This is {INTERACTIVE[interactive]}; here it is shown as it stands.</p>
      )}
    </>
  );
}

function best(output: Output) {
  const data = output.data ?? {};
  const text = (type: string) => {
    const value = data[type];
    return Array.isArray(value) ? value.join("") : typeof value === "string" ? value : null;
  };
  for (const type of PICTURES) {
    const base64 = text(type);
    if (base64 === null) continue;
    const alt = text("text/plain") ?? "picture";
    return (
      <figure class="plate">
        <img src={`data:${type};base64,${base64.replace(/\s/g, "")}`} alt={alt} />
      </figure>
    );
  }
  const svg = text("image/svg+xml");
  if (svg !== null) return <Sandbox html={svg} label="drawing" />;
  const html = text("text/html");
  if (html !== null) return <Sandbox html={html} label={text("text/plain")?.slice(0, 80) ?? "output"} />;
  const markdown = text("text/markdown");
  if (markdown !== null) {
    return (
      <div class="prose">
        <Markdown text={markdown} />
      </div>
    );
  }
  if ("application/json" in data) return <JsonTree value={data["application/json"]} />;
  return (
    <pre class="stream">
      <TerminalText text={text("text/plain") ?? output.content} />
    </pre>
  );
}
