/** What answers and events of the server hold, as far as the page reads it. All of it: /api/docs. */

import type { ItemsOfCell } from "./items.ts";
import type { NotebookKernel } from "./kernel.ts";
import type { Mode } from "./mode.ts";
import type { NotebookFile } from "./notebook-file.ts";
import type { StaleReason } from "./stale.ts";
import type { PendingApproval, RunningCell, RunUnderWay } from "./under-way.ts";

export type CellType = "MarkdownCell" | "ComputationCell" | "PromptCell" | "MemoryCell";

export type CellStatus = "idle" | "queued" | "running" | "completed" | "error" | "interrupted";

export interface Usage {
  readonly input_tokens?: number | null;
  readonly output_tokens?: number | null;
}

/** An output. There may be types that this page does not know: `content` is always a text. */
export interface Output {
  readonly type: string;
  readonly content: string;
  /** Of an error. */
  readonly ename?: string;
  readonly evalue?: string;
  readonly traceback?: readonly string[];
  /** Of a display: MIME type to text, binary ones in base64. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Of an answer. */
  readonly prompt?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly usage?: Usage | null;
  readonly finish_reason?: string | null;
  readonly reasoning?: string;
  readonly response_var?: string;
  readonly call_id?: string;
  readonly value?: unknown;
  readonly item?: number | null;
  readonly source?: Mode;
  readonly interrupted?: boolean;
  readonly failed?: boolean;
  readonly refusal?: string;
  /** Who wrote it was a person; what the model had given. */
  readonly edited?: {
    readonly id: string;
    readonly at: string;
    readonly original: { readonly content: string; readonly value?: unknown };
  };
  /** Of an error that says which items of a prompt failed. */
  readonly total?: number;
  readonly failed_items?: readonly { readonly item: number; readonly ename: string; readonly error: string }[];
  /** Of a memory cell: names, and names to texts. */
  readonly added?: readonly string[];
  readonly updated_state?: Readonly<Record<string, string>>;
  /** Of a tool's call. */
  readonly name?: string;
  readonly arguments?: string;
  readonly result?: string;
}

export interface Cell {
  readonly id: string;
  readonly type: CellType;
  readonly content: string;
  readonly outputs: readonly Output[];
  readonly status: CellStatus;
  readonly execution_count: number | null;
  readonly stale: boolean;
  readonly stale_reasons: readonly StaleReason[];
  readonly pinned: boolean;
  readonly skipped: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly version: string;
  /** The following are a prompt's. */
  readonly model?: string | null;
  readonly provider?: string | null;
  readonly temperature?: number | null;
  readonly response_var?: string | null;
  readonly system?: string | null;
  readonly context?: "above" | "isolated" | readonly string[];
  readonly schema?: unknown;
  readonly tools?: readonly string[];
  readonly for_each?: string | null;
  readonly attachments?: readonly string[];
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly reasoning_effort?: string | null;
  readonly tool_limit?: number;
  readonly approve_tools?: boolean;
}

/** What may be changed of a cell, and given of a new one. */
export type CellFields = Partial<
  Pick<
    Cell,
    | "type" | "content" | "pinned" | "skipped" | "metadata" | "model" | "provider" | "temperature"
    | "response_var" | "system" | "context" | "schema" | "tools" | "for_each" | "attachments"
    | "parameters" | "reasoning_effort" | "tool_limit" | "approve_tools"
  >
>;

export interface NotebookHeader {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface NotebookSummary extends NotebookHeader {
  readonly cell_count: number;
}

export interface Notebook extends NotebookHeader {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly cells: readonly Cell[];
  readonly state_keys: readonly string[];
  readonly epoch: string;
  /** Of the last event that is included. */
  readonly sequence: number;
  readonly partial_answers: readonly PartialAnswer[];
  readonly items_under_way: readonly ItemsOfCell[];
  readonly runs: readonly RunUnderWay[];
  readonly running_cells: readonly RunningCell[];
  readonly pending_approvals: readonly PendingApproval[];
  readonly kernel: NotebookKernel;
  /** Those that have run since the server read the notebook. */
  readonly ran_cell_ids: readonly string[];
  /** The file that it lives in; null: in none. */
  readonly file: NotebookFile | null;
}

/** What has come so far of an answer that is under way. */
export interface PartialAnswer {
  readonly cell_id: string;
  readonly item: number | null;
  readonly text: string;
  readonly reasoning: string;
}

export interface PreviewMessage {
  readonly role: string;
  readonly content: string;
  /** Where it is from; null: the notebook. */
  readonly cell_id: string | null;
  readonly attachments: readonly string[];
}

export interface Preview {
  readonly provider: string;
  readonly model: string;
  readonly messages: readonly PreviewMessage[];
  readonly calls: number;
  readonly input_tokens: number;
  readonly tokens_are_exact: boolean;
  readonly output_tokens_limit: number;
  /** What all calls cost at most; null: no price is known. */
  readonly price_usd: number | null;
  readonly notices: readonly string[];
  /** What is sent, without the key. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Spending {
  readonly calls: number;
  readonly tokens: number;
  readonly usd: number;
  readonly unpriced_calls: number;
  readonly superseded_calls: number;
  readonly superseded_usd: number;
  readonly budget: { readonly usd?: number | null } | null;
}

export interface Call {
  readonly id: string;
  readonly run_id: string;
  readonly cell_id: string;
  readonly item: number | null;
  /** Which request of the prompt, from 0. */
  readonly step: number;
  readonly provider: string;
  readonly model: string;
  readonly answered_by: string | null;
  readonly source: Mode;
  readonly state: "completed" | "failed" | "interrupted" | "running" | "superseded";
  readonly started_at: string;
  readonly duration_s: number | null;
  /** From the last attempt. */
  readonly first_token_s: number | null;
  readonly queued_s: number | null;
  /** From `started_at` until the last attempt. */
  readonly last_attempt_s: number | null;
  readonly attempts: number;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
  readonly price_usd: number | null;
  readonly finish_reason: string | null;
  readonly error: string | null;
  readonly prompt: string;
  readonly answer: string;
}

export interface CallPage {
  readonly calls: readonly Call[];
  readonly next: string | null;
}

export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly variable: string | null;
  /** `order`: the page's own word, see `store/held.ts`. */
  readonly kind: "barrier" | "context" | "in_the_way" | "order" | "variable";
}

export interface GraphNode {
  readonly id: string;
  /** Why it cannot be analysed; null: it can. */
  readonly barrier: string | null;
  /** Whether nothing below it begins before it has ended. */
  readonly holds_order: boolean;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly stale: readonly string[];
}

export interface Variables {
  readonly state: Readonly<Record<string, unknown>>;
  /** Whether something runs, so that these are of before. */
  readonly busy: boolean;
}

export interface RunInfo {
  readonly id: string;
  readonly state: "completed" | "failed" | "interrupted" | "queued" | "running";
  readonly cell_ids: readonly string[];
  readonly mode: Mode;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly ended: number;
  readonly total: number;
}
