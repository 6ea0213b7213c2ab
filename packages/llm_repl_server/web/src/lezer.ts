/** What reads Markdown and Python: the page and the editor share it. */

export * from "@lezer/common";
export * from "@lezer/highlight";
