/** A formula in TeX. What draws it is loaded when the first one comes; until then its source is shown. */

import { signal } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

type DrawFormula = typeof import("./formulas.ts").drawFormula;

const drawing = signal<DrawFormula | null>(null);
let isLoading = false;

function load(): void {
  if (isLoading) return;
  isLoading = true;
  // A bundle of its own.
  import("./formulas.js" as string).then(
    (module: { drawFormula: DrawFormula }) => (drawing.value = module.drawFormula),
    () => (isLoading = false),
  );
}

interface Props {
  readonly source: string;
  readonly isDisplay: boolean;
}

export function Formula({ source, isDisplay }: Props) {
  return (
    <span class={classOf(isDisplay)} role="math" aria-label={source}>
      <FormulaIn source={source} isDisplay={isDisplay} />
    </span>
  );
}

export const classOf = (isDisplay: boolean) => (isDisplay ? "formula is-display" : "formula");

/** A formula in an element that is there. */
export function FormulaIn({ source, isDisplay }: Props) {
  const place = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState(false);
  const draw = drawing.value;
  if (!draw) load();
  useLayoutEffect(() => {
    if (draw && place.current) setFailed(!draw(place.current, source, isDisplay));
  }, [draw, source, isDisplay]);
  return (
    <>
      <span ref={place} hidden={failed} />
      {(!draw || failed) && <code>{source}</code>}
    </>
  );
}
