/** The variables, from the last look at the kernel that was possible. */

import { useNotebook } from "../store/context.ts";
import { JsonTree } from "../outputs/json-tree.tsx";
import { rest } from "../wire/rest.ts";
import { useFetched } from "./fetched.ts";

export function VariablesTab() {
  const notebook = useNotebook();
  const running = notebook.state.value?.activities.size;
  const { value, error } = useFetched(() => rest.variables(notebook.id), [notebook.id, running], 200);
  if (!value) return <p class="quiet-text">{error ?? "Reading the variables"}</p>;
  const entries = Object.entries(value.state);
  if (!entries.length) return <p class="quiet-text">There are no variables yet: run a cell.</p>;
  return (
    <>
      {value.busy && <p class="note">The kernel is busy: these are from before.</p>}
      <table class="variables">
        <thead>
          <tr>
            <th>Name</th>
            <th>Value</th>
          </tr>
        </thead>
        <tbody>
          {entries.map(([name, held]) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td>
                <JsonTree value={held} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
