/** Whether somebody has set letters wider than the page does: no text is cut to one line then. */

const probe = document.createElement("span");
probe.className = "probe";
probe.textContent = "LLM-REPL";
probe.setAttribute("aria-hidden", "true");
document.body.append(probe);

// Nothing tells of a style that comes by a bookmark or an extension, but the probe grows with it.
new ResizeObserver(() => {
  const isWider = Number.parseFloat(getComputedStyle(probe).letterSpacing) > 0;
  document.documentElement.toggleAttribute("data-spaced", isWider);
}).observe(probe);
