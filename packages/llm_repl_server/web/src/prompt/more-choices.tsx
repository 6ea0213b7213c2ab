/** All else that a prompt has: system text, form, tools, items, attachments, parameters. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useNotebook } from "../store/context.ts";
import { choicesOf } from "../store/choices.ts";
import type { Cell, CellFields } from "../wire/shapes.ts";
import { formFields } from "./short-form.ts";

const EFFORTS = ["none", "minimal", "low", "medium", "high"];
const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

export function MoreChoices({ cell, close }: { cell: Cell; close: () => void }) {
  const notebook = useNotebook();
  const change = (fields: CellFields) => notebook.change(cell.id, fields);
  const inherited = choicesOf(notebook).system;
  const names = notebook.names.value;
  return (
    <div class="choice-fields">
      <Text
        label="System text"
        value={cell.system ?? ""}
        placeholder={inherited ? `All prompts: ${inherited}` : "None"}
        rows={2}
        read={(text) => ({ system: text || null })}
        change={change}
      />
      <Text
        label="Form of the answer"
        value={typeof cell.schema === "string" ? cell.schema : cell.schema ? JSON.stringify(cell.schema, null, 1) : ""}
        placeholder="name, age int, tags[]"
        rows={2}
        read={readSchema}
        change={change}
      >
        <FormPreview schema={cell.schema} />
      </Text>
      <Text
        label="For each"
        value={cell.for_each ?? ""}
        placeholder="rows: sent once for each item, as {item}"
        read={(text) => ({ for_each: text.trim() || null })}
        change={change}
      />
      <Text
        label="Tools"
        value={(cell.tools ?? []).join(", ")}
        placeholder="functions that the model may call"
        list={names}
        read={(text) => {
          const tools = words(text);
          return tools.every((name) => NAME.test(name)) ? { tools } : "Names of functions, with commas between them";
        }}
        change={change}
      >
        {(cell.tools?.length ?? 0) > 0 && (
          <span class="choice-row">
            <label class="check">
              <input
                type="checkbox"
                checked={cell.approve_tools ?? false}
                onChange={(event) => change({ approve_tools: event.currentTarget.checked })}
              />
              Ask me before each call
            </label>
            <label class="check">
              at most
              <input
                class="input short"
                type="number"
                min="1"
                max="1000"
                value={cell.tool_limit ?? 10}
                aria-label="Rounds of tools at most"
                onInput={(event) => {
                  const limit = event.currentTarget.valueAsNumber;
                  if (limit >= 1 && limit <= 1000) change({ tool_limit: Math.round(limit) });
                }}
              />
              rounds
            </label>
          </span>
        )}
      </Text>
      <Text
        label="Attachments"
        value={(cell.attachments ?? []).join(", ")}
        placeholder="picture, ./data/cities.csv"
        list={names}
        read={(text) => ({ attachments: words(text) })}
        change={change}
      />
      <Text
        label="Variable"
        value={cell.response_var ?? ""}
        placeholder={`response_${notebook.view(cell.id).index.value}`}
        read={(text) => {
          const name = text.trim();
          return !name || NAME.test(name) ? { response_var: name || null } : "A name: letters, digits and _";
        }}
        change={change}
      />
      <label class="choice-field">
        <span>Effort</span>
        <select
          class="input"
          value={cell.reasoning_effort ?? ""}
          onChange={(event) => change({ reasoning_effort: event.currentTarget.value || null })}
        >
          <option value="">as the model has it</option>
          {EFFORTS.map((effort) => (
            <option value={effort} key={effort}>
              {effort}
            </option>
          ))}
        </select>
      </label>
      <Text
        label="Parameters"
        value={Object.keys(cell.parameters ?? {}).length ? JSON.stringify(cell.parameters) : ""}
        placeholder='{"max_tokens": 400}'
        read={readParameters}
        change={change}
      />
      <div class="panel-foot">
        <button class="button small end" onClick={close}>
          Done
        </button>
      </div>
    </div>
  );
}

interface TextProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly rows?: number;
  readonly list?: readonly string[];
  /** The fields of a text, or what is wrong with it. */
  readonly read: (text: string) => CellFields | string;
  readonly change: (fields: CellFields) => void;
  readonly children?: ComponentChildren;
}

/** A field that changes the cell while one types, as long as what is typed can be used. */
function Text({ label, value, placeholder, rows, list, read, change, children }: TextProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const id = `choice-${label.replace(/\W/g, "")}`;
  const shared = {
    class: "input",
    id,
    value: typed ?? value,
    placeholder,
    spellcheck: false,
    "aria-invalid": problem !== "",
    onInput: (event: { currentTarget: { value: string } }) => {
      const text = event.currentTarget.value;
      setTyped(text);
      const fields = read(text);
      setProblem(typeof fields === "string" ? fields : "");
      if (typeof fields !== "string") change(fields);
    },
    onBlur: () => {
      if (!problem) setTyped(null);
    },
  };
  return (
    <div class="choice-field">
      <label for={id}>{label}</label>
      <div>
        {rows ? <textarea rows={rows} {...shared} /> : <input {...shared} list={list && `${id}-list`} />}
        {list && (
          <datalist id={`${id}-list`}>
            {list.slice(0, 200).map((name) => (
              <option value={name} key={name} />
            ))}
          </datalist>
        )}
        {problem && <small class="fails">{problem}</small>}
        {children}
      </div>
    </div>
  );
}

function FormPreview({ schema }: { schema: unknown }) {
  const fields = schema ? formFields(schema) : null;
  if (!fields) return null;
  return (
    <table class="form-preview" aria-label="Fields of the answer">
      <tbody>
        {fields.slice(0, 30).map(({ name, type }) => (
          <tr key={name}>
            <th>
              <code>{name}</code>
            </th>
            <td>{type}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function words(text: string): string[] {
  return text.split(",").map((word) => word.trim()).filter(Boolean);
}

function readSchema(text: string): CellFields | string {
  if (!text.trimStart().startsWith("{")) return { schema: text.trim() ? text : null };
  try {
    return { schema: JSON.parse(text) as object };
  } catch {
    return "This is not JSON yet";
  }
}

function readParameters(text: string): CellFields | string {
  if (!text.trim()) return { parameters: {} };
  try {
    const found: unknown = JSON.parse(text);
    if (found && typeof found === "object" && !Array.isArray(found)) {
      return { parameters: found as Record<string, unknown> };
    }
  } catch {
    // Said below.
  }
  return 'JSON, as {"max_tokens": 400}';
}
