/** Files of this machine: notebooks are opened, others are kept beside the notebooks. */

import { rest } from "../wire/rest.ts";

/** Hand the file to the server; gives the notebook's id. Nothing in it runs. */
export async function openFile(file: File): Promise<string> {
  const { id } = await rest.importNotebook(file.name, await file.text());
  return id;
}

export function isNotebook(file: File): boolean {
  return /\.(llmn|ipynb)$/i.test(file.name);
}

/** Keep a file beside the notebooks; gives the path by which code finds it. */
export async function keepFile(file: File): Promise<string> {
  const { path } = await rest.uploadFile(file.name, await base64(file));
  return path;
}

/** Code that reads a file, by its kind; null: it is nothing that pandas reads. */
export function readingCode(path: string): string | null {
  const readers: Readonly<Record<string, string>> = {
    csv: "read_csv", tsv: 'read_csv', json: "read_json", parquet: "read_parquet", xlsx: "read_excel",
  };
  const suffix = path.split(".").at(-1)?.toLowerCase() ?? "";
  const reader = readers[suffix];
  if (!reader) return null;
  const more = suffix === "tsv" ? ', sep="\\t"' : "";
  return `import pandas as pd\n\ntable = pd.${reader}(${JSON.stringify(path)}${more})\ntable.head()`;
}

async function base64(file: File): Promise<string> {
  const address = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error(`${file.name} can't be read.`));
    reader.readAsDataURL(file);
  });
  return address.slice(address.indexOf(",") + 1);
}
