/** A display, in one of the forms in which code offers it. */

import { useMemo, useState } from "preact/hooks";
import { Formula } from "../markdown/formula.tsx";
import { Markdown } from "../markdown/markdown.tsx";
import { Icon } from "../ui/icon.tsx";
import { MenuButton, MenuItem } from "../ui/menu.tsx";
import type { Output } from "../wire/shapes.ts";
import { formsOf, type Form } from "./forms.ts";
import { JsonTree } from "./json-tree.tsx";
import { Picture } from "./picture.tsx";
import { Sandbox } from "./sandbox.tsx";
import { Stream } from "./stream.tsx";
import { Table } from "./table.tsx";

export function Display({ output }: { output: Output }) {
  const { forms, note } = useMemo(() => formsOf(output), [output]);
  const [chosen, setChosen] = useState<string | null>(null);
  const form = forms.find(({ type }) => type === chosen) ?? forms[0];
  return (
    <div class="display">
      {form ? <FormView form={form} output={output} /> : <Stream text={output.content} isError={false} />}
      {note && (
        <p class="note">
          <Icon name="info" />
          <span>{note}</span>
        </p>
      )}
      {forms.length > 1 && (
        <div class="forms">
          <MenuButton label="Show it in another form">
            {forms.map(({ type, name }) => (
              <MenuItem key={type} icon={type === form?.type ? "done" : "right"} onClick={() => setChosen(type)}>
                {name}
              </MenuItem>
            ))}
          </MenuButton>
        </div>
      )}
    </div>
  );
}

function FormView({ form, output }: { form: Form; output: Output }) {
  switch (form.kind) {
    case "picture":
      return <Picture address={form.address} alt={form.alt} width={widthOf(output, form.type)} />;
    case "table":
      return <Table table={form.table} />;
    case "frame":
      return form.text.trim() ? <Sandbox html={form.text} label={labelOf(output)} /> : null;
    case "formula":
      return <Formula source={form.text} isDisplay />;
    case "markdown":
      return (
        <div class="prose">
          <Markdown text={form.text} />
        </div>
      );
    case "json":
      return <JsonTree value={form.value} />;
    case "sound":
      return <audio controls preload="metadata" src={form.address} />;
    case "film":
      return <video controls preload="metadata" src={form.address} />;
    case "text":
      return form.text ? <Stream text={form.text} isError={false} /> : null;
    case "unknown":
      return (
        <p>
          <button class="button quiet small" onClick={() => void navigator.clipboard.writeText(form.text)}>
            <Icon name="copy" />
            Copy it as it is
          </button>
        </p>
      );
  }
}

function labelOf(output: Output): string {
  return output.content.split("\n", 1)[0]?.slice(0, 80) || "output";
}

/** How wide a picture is to be, where its maker says so: of its type, or of all. */
function widthOf(output: Output, type: string): number | undefined {
  const metadata = output.metadata ?? {};
  const own = Object.hasOwn(metadata, type) ? metadata[type] : metadata;
  const width = typeof own === "object" && own !== null ? (own as { width?: unknown }).width : undefined;
  return typeof width === "number" && width > 0 && width < 10_000 ? width : undefined;
}
