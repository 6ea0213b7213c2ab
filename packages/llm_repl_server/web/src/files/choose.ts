/** Asks for files of this machine. */

export function chooseFiles(taken: (files: FileList) => void): void {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.addEventListener("change", () => {
    if (input.files) taken(input.files);
  });
  input.click();
}
