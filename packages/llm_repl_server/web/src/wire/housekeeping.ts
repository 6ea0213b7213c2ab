/** What the server keeps: its kernels, and what is stored. */

import { request } from "./rest.ts";
import type { NotebookKernel } from "./kernel.ts";

export interface Housekeeping {
  readonly kernels: {
    readonly idle_timeout_s: number;
    readonly total: number;
    readonly running: readonly {
      readonly notebook_id: string;
      readonly notebook_name: string;
      readonly kernel: NotebookKernel;
      readonly unused_s: number;
    }[];
  };
  readonly storage: {
    readonly place: string;
    readonly size_bytes: number;
    readonly notebooks: number;
    readonly deleted_notebooks: number;
    readonly answers: number;
    readonly bin_days: number;
  };
}

export const housekeeping = () => request<Housekeeping>("GET", "housekeeping");
