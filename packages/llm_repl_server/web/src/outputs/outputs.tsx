/** The outputs of a cell that is no prompt. */

import { memo } from "../ui/memo.ts";
import { Markdown } from "../markdown/markdown.tsx";
import { Icon } from "../ui/icon.tsx";
import type { Output } from "../wire/shapes.ts";
import { Display } from "./display.tsx";
import { Failure } from "./failure.tsx";
import { Stream } from "./stream.tsx";

export function Outputs({ outputs }: { outputs: readonly Output[] }) {
  return (
    <>
      {outputs.map((output, at) => (
        <OutputView key={at} output={output} />
      ))}
    </>
  );
}

export const OutputView = memo(({ output }: { output: Output }) => {
  switch (output.type) {
    case "stdout":
    case "stderr":
      return <Stream text={output.content} isError={output.type === "stderr"} />;
    case "error":
      return <Failure output={output} />;
    case "display":
      return <Display output={output} />;
    case "markdown":
      return (
        <div class="prose">
          <Markdown text={output.content} />
        </div>
      );
    case "warning":
      return (
        <p class="warning">
          <Icon name="warn" />
          {output.content}
        </p>
      );
    case "tool_call":
      return (
        <details class="tool-call">
          <summary>
            <Icon name="tool" />
            <code>{output.name}</code>
          </summary>
          <pre class="stream">{output.content}</pre>
        </details>
      );
    default:
      return <Stream text={output.content} isError={false} />;
  }
});
