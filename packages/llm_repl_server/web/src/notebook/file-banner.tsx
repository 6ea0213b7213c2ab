/** That the file which the notebook lives in has not what the notebook has, why, and the ways out. */

import { useState } from "preact/hooks";
import type { OpenNotebook } from "../store/notebook.ts";
import { fileName } from "../store/file-list.ts";
import { Icon } from "../ui/icon.tsx";
import { toast } from "../ui/toasts.tsx";
import { filesApi } from "../wire/files.ts";
import type { NotebookFile } from "../wire/notebook-file.ts";
import { RestError } from "../wire/rest.ts";

const WORDS: Readonly<Partial<Record<NotebookFile["state"], string>>> = {
  not_written: "is not written",
  unreadable: "is no notebook any more",
  missing: "is gone",
};

export function FileBanner({ notebook }: { notebook: OpenNotebook }) {
  const file = notebook.file.value;
  const [isBusy, setBusy] = useState(false);
  const word = file && WORDS[file.state];
  if (!file || !word) return null;
  const act = async (request: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await request();
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      toast(error.message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="banner warns">
      <Icon name="warn" />
      <span role="status">
        <b>
          {fileName(file.path)} {word}.
        </b>{" "}
        {file.state !== "missing" && file.error} Nothing is lost: the server keeps the notebook.
      </span>
      <span class="end">
        <button class="button quiet" disabled={isBusy} onClick={() => void act(() => filesApi.write(notebook.id))}>
          {file.state === "not_written" ? "Try again" : "Write it again"}
        </button>
        <button class="button quiet" disabled={isBusy} onClick={() => void act(() => filesApi.release(notebook.id))}>
          Go on without the file
        </button>
      </span>
    </div>
  );
}
