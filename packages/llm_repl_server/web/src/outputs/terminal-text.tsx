/** Draws what a terminal would show. */

import { memo } from "../ui/memo.ts";
import { PLAIN, terminalRuns, type Colour, type Look, type Run } from "./terminal.ts";

export const TerminalText = memo(({ text, look = PLAIN }: { text: string; look?: Look }) => (
  <>{terminalRuns(text, look).map(drawn)}</>
));

function drawn(run: Run) {
  const { ink, ground, marks } = run.look;
  if (!ink && !ground && !marks.length) return run.text;
  const inverse = marks.includes("inverse");
  const classes = marks.map((mark) => `ansi-${mark}`);
  const style: Record<string, string> = {};
  add(inverse ? ground : ink, "ink");
  add(inverse ? ink : ground, "ground");
  return (
    <span class={classes.join(" ")} style={style}>
      {run.text}
    </span>
  );

  // The styles make a colour readable in the theme; here it is only named.
  function add(colour: Colour | null, use: string) {
    if (!colour) return;
    if ("name" in colour) classes.push(`ansi-${use}-${colour.name}`);
    else {
      classes.push(`ansi-${use}`);
      style[`--${use}-asked`] = colour.hex;
    }
  }
}
