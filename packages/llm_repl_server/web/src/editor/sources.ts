/** What an editor asks of the page. Places are in UTF-16 units, as everywhere in the browser. */

/** A name that a template may use. */
export interface NameOption {
  readonly name: string;
  /** What is shown beside it: a short value, or the type and size. */
  readonly short: string;
  /** The number of the cell that makes it; empty: none. */
  readonly number: string;
  /** The picture of what kind of cell that is. */
  readonly icon: () => Node;
}

/** A part of a value: a field, a key, a column, a position. */
export interface FieldOption {
  readonly step: string;
  readonly label: string;
  readonly short: string;
  /** Whether it is written after a point; else in brackets. */
  readonly isAttribute: boolean;
  /** Whether it is a number in brackets. */
  readonly isPosition: boolean;
}

export interface CodeOption {
  readonly text: string;
  readonly type: string;
}

export interface SignatureHelp {
  readonly name: string;
  readonly signature: string;
  readonly documentation: string;
  readonly short: string;
  readonly parameter: number | null;
}

export interface EditorSources {
  readonly names: () => Promise<readonly NameOption[]>;
  readonly fields: (name: string, path: readonly string[], signal: AbortSignal) => Promise<readonly FieldOption[]>;
  readonly complete: (code: string, cursor: number, signal: AbortSignal) => Promise<{ readonly start: number; readonly options: readonly CodeOption[] } | null>;
  readonly inspect: (code: string, cursor: number) => Promise<SignatureHelp | null>;
}
