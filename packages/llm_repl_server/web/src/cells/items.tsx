/** The answers of a prompt over items: a row each. */

import { answers } from "../store/status.ts";
import { Icon } from "../ui/icon.tsx";
import type { Cell, Output } from "../wire/shapes.ts";

const MOST_ROWS = 500;

export function ItemsTable({ cell, texts }: { cell: Cell; texts: readonly string[] }) {
  const given = new Map(answers(cell).map((output, at) => [output.item ?? at, output]));
  const length = Math.max(texts.length, ...[...given.keys()].map((item) => item + 1), 0);
  const rows = Array.from({ length: Math.min(length, MOST_ROWS) }, (_, item) => item);
  const fields = [...new Set([...given.values()].flatMap((output) => Object.keys(objectOf(output) ?? {})))];
  return (
    <div class="scrolls">
      <table class="grid items">
        <thead>
          <tr>
            <th />
            {fields.length ? fields.map((field) => <th>{field}</th>) : <th>answer</th>}
            <th>how</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((item) => (
            <Row key={item} item={item} output={given.get(item)} text={texts[item]} fields={fields} />
          ))}
        </tbody>
      </table>
      {length > MOST_ROWS && <p class="note">{length - MOST_ROWS} more rows</p>}
    </div>
  );
}

interface RowProps {
  readonly item: number;
  readonly output: Output | undefined;
  readonly text: string | undefined;
  readonly fields: readonly string[];
}

function Row({ item, output, text, fields }: RowProps) {
  const value = output && objectOf(output);
  return (
    <tr>
      <th scope="row" class="figures">
        {item}
      </th>
      {fields.length && value ? (
        fields.map((field) => <td class="cut">{shown(value[field])}</td>)
      ) : (
        <td class="cut" colSpan={fields.length || 1}>
          {output?.content ?? text ?? ""}
        </td>
      )}
      <td class="how">{how(output, text)}</td>
    </tr>
  );
}

function how(output: Output | undefined, text: string | undefined) {
  if (!output) {
    return text ? (
      <>
        <Icon name="stream" /> answering
      </>
    ) : (
      <>
        <Icon name="queued" /> queued
      </>
    );
  }
  if (output.failed) return <Icon name="fail" />;
  if (output.source && output.source !== "live") {
    return (
      <>
        <Icon name="record" /> from record
      </>
    );
  }
  return <Icon name="done" />;
}

function objectOf(output: Output): Record<string, unknown> | null {
  const { value } = output;
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function shown(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? value : JSON.stringify(value) ?? "";
}
