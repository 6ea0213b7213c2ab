/** What openapi-typescript makes of the description, used: it has to compile, and to work. */
import createClient from "openapi-fetch";
import type { components, paths } from "./api";

declare const process: { argv: string[] };

async function main(): Promise<void> {
  const client = createClient<paths>({ baseUrl: process.argv[2] });
  const made = await client.POST("/api/notebooks", { body: { name: "Typed" } });
  if (!made.data) throw new Error(made.error.error);
  const path = { notebook_id: made.data.id };
  // Fields with a default are not required, in requests.
  const body: components["schemas"]["NewCell"] = { type: "code", content: "1 + 1" };
  const cell = await client.POST("/api/notebooks/{notebook_id}/cells", { params: { path }, body });
  if (!cell.data) throw new Error(cell.error.error);
  const run = await client.POST("/api/notebooks/{notebook_id}/cells/{cell_id}/execute", {
    params: { path: { ...path, cell_id: cell.data.id } },
    body: { budget: { calls: 3 } },
  });
  if (!run.data || !("status" in run.data)) throw new Error("it did not run");
  const deleted = await client.DELETE("/api/notebooks/{notebook_id}", { params: { path } });
  const gone: boolean | undefined = deleted.data?.success;
  console.log(JSON.stringify([run.data.status, gone]));
}

main();
