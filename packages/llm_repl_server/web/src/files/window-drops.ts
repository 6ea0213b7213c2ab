/** Files that are dropped on the window, wherever: left to the browser, they would take the page's place. */

/** Have files taken that are dropped, until the function is called that this gives. */
export function takeDrops(take: (files: readonly File[]) => void): () => void {
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const over = (event: DragEvent) => {
    if (hasFiles(event)) event.preventDefault();
  };
  const drop = (event: DragEvent) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation(); // an editor would insert their text
    take([...(event.dataTransfer?.files ?? [])]);
  };
  window.addEventListener("dragover", over, true);
  window.addEventListener("drop", drop, true);
  return () => {
    window.removeEventListener("dragover", over, true);
    window.removeEventListener("drop", drop, true);
  };
}
