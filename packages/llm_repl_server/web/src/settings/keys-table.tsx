/** The table of keys. */

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "While a cell is chosen",
    [
      ["Enter", "edit it"],
      ["↑ ↓, J K", "the cell above, below"],
      ["A, B", "a new cell above, below"],
      ["M, Y, P", "Markdown, code, prompt"],
      ["D D", "delete it"],
      ["Alt ↑, Alt ↓", "move it"],
      ["Shift P, Shift S", "pin it, skip it"],
    ],
  ],
  [
    "While it is edited",
    [
      ["Esc", "stop editing; nothing is discarded"],
      ["{", "names, in a prompt"],
    ],
  ],
  [
    "Everywhere",
    [
      ["Ctrl Enter", "run the cell"],
      ["Shift Enter", "run it and go on to the next"],
      ["Alt Enter", "run it and add one below"],
      ["Ctrl I", "what will be sent"],
      ["I, 1–4", "the inspector and its parts"],
      ["?", "this table"],
    ],
  ],
];

export function KeysTable() {
  return (
    <div class="keys">
      {KEYS.map(([title, rows]) => (
        <section key={title}>
          <h3>{title}</h3>
          <table>
            <tbody>
              {rows.map(([key, what]) => (
                <tr>
                  <th scope="row">
                    <kbd>{key}</kbd>
                  </th>
                  <td>{what}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      ))}
    </div>
  );
}
