/** What is opened, and not there at first: a bundle of its own, which is loaded behind the page. */

export { Several } from "./answers/several.tsx";
export { CallsPage } from "./calls/calls-page.tsx";
export { Arcs } from "./graph/arcs.tsx";
export { Inspector } from "./inspector/inspector.tsx";
export { PlanPanel } from "./run/plan-panel.tsx";
export { Dialogs } from "./settings/dialogs.tsx";
