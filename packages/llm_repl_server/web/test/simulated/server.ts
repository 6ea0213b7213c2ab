/** A server of one notebook as the store sees it: what it answers, what it tells, and what is in its bin. */

import { NOTHING_UNDER_WAY } from "../notebooks.ts";

export interface Stored {
  readonly id: string;
  readonly type: string;
  readonly content: string;
  readonly [name: string]: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

type Told = Record<string, unknown> & { readonly event: string };

interface Step {
  readonly do: string;
  readonly cell_id: string;
  readonly position?: number;
  readonly version?: string | null;
  readonly nbformat?: { readonly source: string };
  readonly [name: string]: unknown;
}

const refusal = (status: number, code: string): Answer => ({ status, body: { error: code, code } });
const NO_CELL = refusal(404, "no_such_cell");
const OUTSIDE = refusal(400, "invalid");
const CHANGED = refusal(412, "precondition_failed");

export class Server {
  cells: readonly Stored[] = [];
  bin: readonly Stored[] = [];
  isUp = true;
  /** How often it was started. */
  starts = 1;
  sequence = 0;
  history: readonly Told[] = [];
  readonly hearers = new Set<(event: Told) => void>();
  readonly id: string;
  readonly #tags = new Map<string, string>();

  constructor(id: string) {
    this.id = id;
  }

  get epoch(): string {
    return `epoch ${this.starts}`;
  }

  kill(): void {
    this.isUp = false;
    this.hearers.clear();
  }

  start(): void {
    this.isUp = true;
    this.starts++;
    this.sequence = 0;
    this.history = [];
  }

  answer(method: string, path: string, body: Record<string, unknown>, headers: Readonly<Record<string, string>>): Answer {
    const [, , id, part, cellId, verb] = path.split("/").slice(1);
    if (id !== this.id) return refusal(404, "no_such_notebook");
    if (part === undefined) return { status: 200, body: method === "GET" ? this.#whole() : {} };
    if (part === "edit") return this.#steps(body["edits"] as readonly Step[]);
    if (part === "spending") return { status: 200, body: {} };
    if (part === "bin" && verb === "restore") return this.#one({ do: "restore", cell_id: cellId! });
    if (part !== "cells") return refusal(404, "not_found");
    const match = headers["If-Match"]?.slice(1, -1);
    const version = match === undefined ? null : match;
    if (!cellId) return this.#one({ ...body, do: "create", cell_id: headers["Idempotency-Key"]! }, 201);
    if (verb === "move") return this.#one({ do: "move", cell_id: cellId, position: body["position"] as number });
    if (method === "GET") return this.#found(cellId, 200);
    if (method === "DELETE") return this.cells.some((cell) => cell.id === cellId) ? this.#one({ do: "delete", cell_id: cellId }) : NO_CELL;
    return this.#one({ ...body, do: "change", cell_id: cellId, version });
  }

  /** The cell as answers and events have it. */
  shown(cell: Stored) {
    const fields = JSON.stringify(Object.entries(cell).filter(([name]) => name !== "id").sort());
    let version = this.#tags.get(fields);
    if (!version) this.#tags.set(fields, (version = `v${this.#tags.size + 1}`));
    const given = { outputs: [], status: "idle", execution_count: null, stale: false, stale_reasons: [] };
    return { pinned: false, skipped: false, metadata: {}, ...cell, ...given, version };
  }

  #whole() {
    const header = { id: this.id, notebook_id: this.id, name: "N", created_at: "", updated_at: "", metadata: {}, state_keys: [] };
    return { ...header, ...NOTHING_UNDER_WAY, cells: this.cells.map((cell) => this.shown(cell)), epoch: this.epoch, sequence: this.sequence };
  }

  #found(id: string, status: number): Answer {
    const cell = this.cells.find((one) => one.id === id);
    return cell ? { status, body: this.shown(cell) } : NO_CELL;
  }

  #one(step: Step, status = 200): Answer {
    const answer = this.#steps([step]);
    if (answer.status !== 200) return answer;
    return step.do === "delete" ? { status, body: { success: true } } : this.#found(step.cell_id, status);
  }

  /** All of them, or none. */
  #steps(steps: readonly Step[]): Answer {
    const before = [this.cells, this.bin] as const;
    const events: Told[] = [];
    for (const step of steps) {
      const refused = this.#make(step, events);
      if (!refused) continue;
      [this.cells, this.bin] = before;
      return refused;
    }
    for (const event of events) {
      const told = { ...event, notebook_id: this.id, epoch: this.epoch, sequence: ++this.sequence };
      this.history = [...this.history, told];
      for (const hear of this.hearers) hear(told);
    }
    const ids = new Set(steps.map((step) => step.cell_id));
    const there = this.cells.filter((cell) => ids.has(cell.id));
    const versions = Object.fromEntries(there.map((cell) => [cell.id, this.shown(cell).version]));
    return { status: 200, body: { versions, epoch: this.epoch, sequence: this.sequence } };
  }

  #make(step: Step, events: Told[]): Answer | null {
    const { do: kind, cell_id: id, position, version, nbformat, ...fields } = step;
    const at = this.cells.findIndex((cell) => cell.id === id);
    const cell = this.cells[at];
    const insert = (one: Stored) => {
      const place = position ?? this.cells.length;
      if (place < 0 || place > this.cells.length) return OUTSIDE;
      this.cells = this.cells.toSpliced(place, 0, one);
      events.push({ event: "cell_created", cell_id: id, position: place, cell: this.shown(one) });
      return null;
    };
    switch (kind) {
      case "create":
        if (cell) return null;
        return insert({ content: "", ...fields, ...(nbformat && { type: "ComputationCell", content: nbformat.source }), id } as Stored);
      case "restore": {
        if (cell) return null;
        const kept = this.bin.find((one) => one.id === id);
        if (!kept) return NO_CELL;
        this.bin = this.bin.filter((one) => one !== kept);
        return insert(kept);
      }
      case "change": {
        if (!cell) return NO_CELL;
        if (version != null && version !== this.shown(cell).version) return CHANGED;
        const changed = { ...cell, ...fields };
        this.cells = this.cells.with(at, changed);
        events.push({ event: "cell_changed", cell_id: id, cell: this.shown(changed) });
        return null;
      }
      case "move":
        if (!cell) return NO_CELL;
        if (position === undefined || position < 0 || position >= this.cells.length) return OUTSIDE;
        this.cells = this.cells.toSpliced(at, 1).toSpliced(position, 0, cell);
        events.push({ event: "cell_moved", cell_id: id, position });
        return null;
      default:
        if (!cell) return null;
        this.cells = this.cells.toSpliced(at, 1);
        this.bin = [...this.bin, cell];
        events.push({ event: "cell_deleted", cell_id: id });
        return null;
    }
  }
}
